//! From what was seen of a probe to its outcome.

use super::{Outcome, Verdict};
use abi::{Disposition, DropReason, Event, Generation, PolicyAction};
use oracle::Side;
use policy::{Planner, Provenance};

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// A service answered.
    Accepted,
    /// Somebody is there, and nobody listens: a reset, an abort, or an ICMP error.
    Refused,
}

/// What was seen of a probe.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding {
    /// The answer that reached who asked.
    pub(super) answer: Option<Answer>,
    /// The event about its first packet.
    pub(super) event: Option<Event>,
}

/// Knows who stands behind the numbers in events.
pub(super) struct Judge<'a> {
    pub(super) planner: &'a Planner,
    /// The generation in force.
    pub(super) generation: Generation,
}

impl Judge<'_> {
    /// What became of a probe. `is_judged` tells whether the datapath has a say, because the packet crosses a pod's
    /// link: without an event about such a packet, no side has said anything.
    pub(super) fn outcome(&self, finding: &Finding, is_judged: bool) -> Outcome {
        let event = finding.event.as_ref();
        let (egress, ingress) = match event {
            Some(event) => self.sides(event),
            None if is_judged => (None, None),
            None => (Some(Side::NotIsolated), Some(Side::NotIsolated)),
        };
        Outcome {
            verdict: verdict(finding),
            egress,
            ingress,
            reason: event.and_then(|event| DropReason::from_number(event.reason)),
            generation: event.map_or(self.generation, |event| event.generation),
        }
    }

    /// What both ends said. An end that has no policies in this datapath isolates nothing.
    pub(super) fn sides(&self, event: &Event) -> (Option<Side>, Option<Side>) {
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
    let verdict = match provenance.into() {
        flow::Side::NotAsked | flow::Side::NoPolicy => return Some(Side::NotIsolated),
        flow::Side::Forgotten => return None,
        flow::Side::Decided(verdict) => verdict,
    };
    Some(match verdict.action {
        PolicyAction::Allow => Side::Allowed(verdict.policies),
        PolicyAction::Deny => Side::Denied(verdict.policies),
        PolicyAction::Audit => Side::Audited(verdict.policies),
    })
}

fn verdict(finding: &Finding) -> Verdict {
    let is = |disposition| {
        let event = finding.event;
        event.is_some_and(|event| event.disposition == disposition as u8)
    };
    match finding.answer {
        Some(Answer::Accepted) if is(Disposition::Audited) => Verdict::Audited,
        Some(Answer::Accepted) => Verdict::Allowed,
        Some(Answer::Refused) => Verdict::Refused,
        None if is(Disposition::Denied) => Verdict::Denied,
        None => Verdict::Lost,
    }
}
