//! The walk through every policy that has a say in a connection: verdict and reasons both come from it.

use crate::attempt::{Attempt, End, Kind};
use crate::isolation::{Direction, isolating};
use crate::peer::Reader;
use crate::rule::{Rule, RuleMatch};
use crate::{Judgement, RuleTrace, Side};
use manifest::{Cluster, IpBlockMode, NetworkPolicy, ObjectName};

/// Both sides of a connection, walked through.
pub(crate) struct Walk<'a> {
    egress: Vec<PolicyWalk<'a>>,
    ingress: Vec<PolicyWalk<'a>>,
}

/// A policy that isolates one end, and its rules of that direction.
struct PolicyWalk<'a> {
    policy: &'a ObjectName,
    rules: Vec<(Rule<'a>, RuleMatch<'a>)>,
}

impl<'a> Walk<'a> {
    /// Walks every rule of the policies that isolate the source in egress or the destination in ingress.
    pub(crate) fn new(cluster: &'a Cluster, mode: IpBlockMode, attempt: &'a Attempt<'a>) -> Self {
        if attempt.is_to_itself() {
            return Self {
                egress: Vec::new(),
                ingress: Vec::new(),
            };
        }
        let side = |direction| walk_side(cluster, mode, attempt, direction);
        Self {
            egress: side(Direction::Egress),
            ingress: if attempt.is_from_own_node() {
                Vec::new()
            } else {
                side(Direction::Ingress)
            },
        }
    }

    /// What both sides say.
    pub(crate) fn judgement(&self) -> Judgement {
        Judgement {
            egress: side(&self.egress),
            ingress: side(&self.ingress),
        }
    }

    /// What became of every rule, egress first.
    pub(crate) fn into_rules(self) -> Vec<RuleTrace> {
        let policies = self.egress.into_iter().chain(self.ingress);
        policies.flat_map(PolicyWalk::into_rules).collect()
    }
}

/// Walks the policies of one end. Only pods on the pod network have any.
fn walk_side<'a>(
    cluster: &'a Cluster,
    mode: IpBlockMode,
    attempt: &'a Attempt<'a>,
    direction: Direction,
) -> Vec<PolicyWalk<'a>> {
    let (own, other) = match direction {
        Direction::Egress => (&attempt.from, &attempt.to),
        Direction::Ingress => (&attempt.to, &attempt.from),
    };
    let Kind::Pod(pod) = &own.kind else {
        return Vec::new();
    };
    isolating(cluster, pod, direction)
        .map(|(name, policy)| {
            let reader = Reader {
                namespace: &name.namespace,
                mode,
            };
            PolicyWalk {
                policy: name,
                rules: walk_rules(policy, direction, reader, other, attempt),
            }
        })
        .collect()
}

fn walk_rules<'a>(
    policy: &'a NetworkPolicy,
    direction: Direction,
    reader: Reader<'a>,
    other: &'a End<'a>,
    attempt: &'a Attempt<'a>,
) -> Vec<(Rule<'a>, RuleMatch<'a>)> {
    Rule::of(&policy.spec, direction)
        .map(|rule| {
            let found = rule.check(reader, other, attempt);
            (rule, found)
        })
        .collect()
}

/// One side: denied unless one of the policies that isolate it has a rule that matches.
fn side(policies: &[PolicyWalk]) -> Side {
    if policies.is_empty() {
        return Side::NotIsolated;
    }
    let allowing: Vec<_> = policies.iter().filter(|walk| walk.allows()).collect();
    if allowing.is_empty() {
        Side::Denied(policies.iter().map(|walk| walk.policy.clone()).collect())
    } else {
        Side::Allowed(allowing.iter().map(|walk| walk.policy.clone()).collect())
    }
}

impl PolicyWalk<'_> {
    fn allows(&self) -> bool {
        self.rules.iter().any(|(_, found)| found.is_ok())
    }

    fn into_rules(self) -> impl Iterator<Item = RuleTrace> {
        self.rules.into_iter().map(move |(rule, found)| RuleTrace {
            policy: self.policy.clone(),
            path: rule.path(),
            nearness: found.nearness(),
            outcome: found.explain(&rule),
        })
    }
}
