//! From what was seen of a probe to its outcome.

use super::super::{Outcome, Verdict};
use super::attempt::Answer;
use super::probing::{Finding, Question};
use super::topology::{Location, Topology};
use abi::{Disposition, DropReason, Event, Generation};
use manifest::ObjectName;
use oracle::Side;
use policy::{Planner, Provenance, RuleReference};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Knows who stands behind the numbers in events.
pub(super) struct Judge<'a> {
    pub(super) planner: &'a Planner,
    pub(super) topology: &'a Topology,
    /// The generation in force.
    pub(super) generation: Generation,
}

impl Judge<'_> {
    pub(super) fn outcome(&self, question: &Question, finding: &Finding) -> Outcome {
        let reason = finding
            .event
            .and_then(|event| DropReason::from_number(event.reason));
        let (egress, ingress) = match &finding.event {
            Some(event) => self.sides(event),
            None if self.is_judged(question) => (None, None),
            None => (Some(Side::NotIsolated), Some(Side::NotIsolated)),
        };
        Outcome {
            verdict: verdict(finding),
            egress,
            ingress,
            reason,
            generation: finding
                .event
                .map_or(self.generation, |event| event.generation),
        }
    }

    /// Whether the datapath has a say: a pod is an end, and not both.
    fn is_judged(&self, question: &Question) -> bool {
        let is_pod = |address: IpAddr| match self.topology.sites.get(&address) {
            Some(site) => match &site.location {
                Location::Node => false,
                Location::Endpoint(name) => {
                    let role = self.topology.endpoints.get(name);
                    role.is_some_and(|role| role.is_pod)
                }
            },
            None => false,
        };
        question.source != question.destination
            && (is_pod(question.source) || is_pod(question.destination))
    }

    /// What both ends said. An end that has no policies in this datapath isolates nothing.
    fn sides(&self, event: &Event) -> (Option<Side>, Option<Side>) {
        if event.disposition == Disposition::Dropped as u8 {
            return (None, None);
        }
        let egress = side(self.planner.provenance(event.egress));
        if event.reason == DropReason::PolicyDeniedEgress as u8 {
            return (egress, None);
        }
        (egress, side(self.planner.provenance(event.ingress)))
    }
}

/// What one half of an event says in the API's words; `None` if its table is no longer known.
fn side(provenance: Provenance) -> Option<Side> {
    match provenance {
        Provenance::NotAsked | Provenance::NoPolicy => Some(Side::NotIsolated),
        Provenance::Rules(_, rules) => Some(Side::Allowed(policies(rules))),
        Provenance::Isolation(_, policies) => Some(Side::Denied(policies)),
        Provenance::Forgotten => None,
    }
}

fn verdict(finding: &Finding) -> Verdict {
    let denied = |event: Event| event.disposition == Disposition::Denied as u8;
    match finding.answer {
        Some(Answer::Accepted) => Verdict::Allowed,
        Some(Answer::Refused) => Verdict::Refused,
        None if finding.event.is_some_and(denied) => Verdict::Denied,
        None => Verdict::Lost,
    }
}

/// The policies of the rules, sorted, each once.
fn policies(rules: Vec<RuleReference>) -> Vec<ObjectName> {
    let policies: BTreeSet<ObjectName> = rules.into_iter().map(|rule| rule.policy).collect();
    policies.into_iter().collect()
}
