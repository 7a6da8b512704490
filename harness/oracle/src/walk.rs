//! The walk through every policy that has a say in a connection: verdict and reasons both come from it.

use crate::attempt::{Attempt, End, Kind, NodeEnd, PodEnd};
use crate::host;
use crate::isolation::{Direction, isolating};
use crate::peer::Reader;
use crate::rule::{Rule, RuleMatch};
use crate::tier::{Applying, applying};
use crate::verdict::{self, PolicySays, TierSays};
use crate::{Judgement, RuleTrace, Tier};
use manifest::{Cluster, IpBlockMode, PolicyName};

/// The policies that have a say in a connection, at both ends.
pub(crate) struct Policies<'a> {
    egress: Side<'a>,
    ingress: Side<'a>,
}

/// The policies that have a say at one end, tier by tier.
#[derive(Default)]
struct Side<'a> {
    admin: Vec<Applying<'a>>,
    isolating: Vec<Isolating<'a>>,
    baseline: Vec<Applying<'a>>,
}

/// A `NetworkPolicy` that isolates one end, or a host policy that applies to it, with its rules of that direction.
struct Isolating<'a> {
    name: PolicyName,
    is_audit: bool,
    isolates: bool,
    reader: Reader<'a>,
    rules: Vec<Rule<'a>>,
}

impl<'a> Policies<'a> {
    /// Finds the policies that apply to the source in egress or to the destination in ingress.
    ///
    /// A pod's own node always reaches it. That says nothing against the tiers: no ingress peer of theirs is a node.
    pub(crate) fn new(cluster: &'a Cluster, mode: IpBlockMode, attempt: &Attempt<'a>) -> Self {
        let is_exempt = attempt.is_to_itself() || attempt.is_from_own_node();
        let side = |end: &End<'a>, direction| match &end.kind {
            Kind::Pod(pod) if !is_exempt => Side::of_pod(cluster, mode, pod, direction),
            Kind::Node(node) if !(is_exempt || host::is_failsafe(cluster, attempt, direction)) => {
                Side::of_node(cluster, node, direction)
            }
            _ => Side::default(),
        };
        Self {
            egress: side(&attempt.from, Direction::Egress),
            ingress: side(&attempt.to, Direction::Ingress),
        }
    }

    /// Holds every rule against the connection.
    pub(crate) fn walk(&'a self, attempt: &'a Attempt<'a>) -> Walk<'a> {
        Walk {
            egress: self.egress.walk(&attempt.to, attempt),
            ingress: self.ingress.walk(&attempt.from, attempt),
        }
    }
}

impl<'a> Side<'a> {
    fn of_node(cluster: &'a Cluster, node: &NodeEnd<'a>, direction: Direction) -> Self {
        let applying = host::applying(cluster, node, direction).into_iter();
        let applying = applying.map(|policy| Isolating {
            name: policy.name,
            is_audit: policy.is_audit,
            isolates: policy.isolates,
            reader: Reader::NOWHERE,
            rules: policy.rules,
        });
        Self {
            isolating: applying.collect(),
            ..Self::default()
        }
    }

    fn of_pod(
        cluster: &'a Cluster,
        mode: IpBlockMode,
        pod: &PodEnd<'a>,
        direction: Direction,
    ) -> Self {
        let isolating = isolating(cluster, pod, direction);
        let isolating = isolating.map(|(name, policy)| {
            let namespace = cluster.namespaces.get(&name.namespace);
            let by_namespace = namespace.and_then(|namespace| namespace.audit);
            Isolating {
                name: name.clone().into(),
                is_audit: policy.audit.or(by_namespace) == Some(true),
                isolates: true,
                reader: Reader {
                    namespace: &name.namespace,
                    mode,
                },
                rules: Rule::of(&policy.spec, direction).collect(),
            }
        });
        Self {
            admin: applying(cluster, Tier::Admin, pod, direction),
            isolating: isolating.collect(),
            baseline: applying(cluster, Tier::Baseline, pod, direction),
        }
    }

    fn walk(&'a self, other: &'a End<'a>, attempt: &'a Attempt<'a>) -> SideWalk<'a> {
        let check = |rules: &'a [Rule<'a>], reader: Reader<'a>| -> Vec<_> {
            let rules = rules.iter();
            rules
                .map(|rule| (rule, rule.check(reader, other, attempt)))
                .collect()
        };
        let tier = |policies: &'a [Applying<'a>]| -> Vec<_> {
            let policies = policies.iter();
            policies
                .map(|policy| PolicyWalk {
                    name: &policy.name,
                    is_audit: policy.is_audit,
                    isolates: false,
                    rules: check(&policy.rules, Reader::NOWHERE),
                })
                .collect()
        };
        let isolating = self.isolating.iter().map(|policy| PolicyWalk {
            name: &policy.name,
            is_audit: policy.is_audit,
            isolates: policy.isolates,
            rules: check(&policy.rules, policy.reader),
        });
        SideWalk {
            admin: tier(&self.admin),
            isolating: isolating.collect(),
            baseline: tier(&self.baseline),
        }
    }
}

/// Both sides of a connection, walked through.
pub(crate) struct Walk<'a> {
    egress: SideWalk<'a>,
    ingress: SideWalk<'a>,
}

/// One side, tier by tier.
struct SideWalk<'a> {
    admin: Vec<PolicyWalk<'a>>,
    isolating: Vec<PolicyWalk<'a>>,
    baseline: Vec<PolicyWalk<'a>>,
}

/// A policy and what became of its rules.
struct PolicyWalk<'a> {
    name: &'a PolicyName,
    is_audit: bool,
    isolates: bool,
    rules: Vec<(&'a Rule<'a>, RuleMatch<'a>)>,
}

impl Walk<'_> {
    /// What both sides say.
    pub(crate) fn judgement(&self) -> Judgement {
        Judgement {
            egress: self.egress.judge(),
            ingress: self.ingress.judge(),
        }
    }

    /// What became of every rule, egress first.
    pub(crate) fn into_rules(self) -> Vec<RuleTrace> {
        let sides = [self.egress, self.ingress].into_iter();
        sides.flat_map(SideWalk::into_rules).collect()
    }
}

impl SideWalk<'_> {
    fn judge(&self) -> crate::Side {
        let isolating = self.isolating.iter().map(PolicyWalk::policy_says);
        let isolating: Vec<_> = isolating.collect();
        verdict::judge(&tier(&self.admin), &isolating, &tier(&self.baseline))
    }

    fn into_rules(self) -> impl Iterator<Item = RuleTrace> {
        let tiers = [
            (Tier::Admin, self.admin),
            (Tier::NetworkPolicy, self.isolating),
            (Tier::Baseline, self.baseline),
        ];
        tiers.into_iter().flat_map(|(tier, policies)| {
            let policies = policies.into_iter();
            policies.flat_map(move |policy| policy.into_rules(tier))
        })
    }
}

/// The rules of a tier that match, in order.
fn tier<'w>(policies: &'w [PolicyWalk<'w>]) -> Vec<TierSays<'w>> {
    let matching = policies.iter().flat_map(|policy| {
        let matching = policy.rules.iter().filter(|(_, found)| found.is_ok());
        matching.map(|(rule, _)| TierSays {
            policy: policy.name,
            is_audit: policy.is_audit,
            action: rule.effect(),
        })
    });
    matching.collect()
}

impl PolicyWalk<'_> {
    /// Whether a rule of this `NetworkPolicy` matches.
    fn policy_says(&self) -> PolicySays<'_> {
        PolicySays {
            policy: self.name,
            is_audit: self.is_audit,
            isolates: self.isolates,
            allows: self.rules.iter().any(|(_, found)| found.is_ok()),
        }
    }

    fn into_rules(self, tier: Tier) -> impl Iterator<Item = RuleTrace> {
        let (name, is_audit) = (self.name, self.is_audit);
        self.rules.into_iter().map(move |(rule, found)| RuleTrace {
            policy: name.clone(),
            tier,
            action: rule.effect(),
            is_audit,
            path: rule.path(),
            nearness: found.nearness(),
            outcome: found.explain(rule),
        })
    }
}
