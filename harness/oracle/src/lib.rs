//! What Kubernetes says must happen, straight from the text of the `NetworkPolicy` API and of the tiers around it
//! (`policy.networking.k8s.io`), and of host policies (`cilium.io`).
//!
//! Written apart from the compiler in `datapath/policy`, and slow on purpose: every question walks the objects.
//! Depends on `manifest` and nothing else of ours; a test holds that.
//!
//! [`service::serve`] says which backends a service may choose from.
//!
//! [`explain`] walks every rule of every policy that applies to either end, and [`judge`] is what follows from that walk:
//! the two cannot disagree.

mod attempt;
mod cidr;
pub mod connection;
mod host;
mod host_peer;
mod isolation;
mod logging;
mod masquerade;
mod peer;
mod port;
mod rule;
mod selector;
pub mod service;
mod tier;
mod tier_peer;
mod verdict;
mod walk;

pub use attempt::{Probe, ProbeError};
pub use logging::{Logged, logged};
pub use masquerade::seen_from;

use attempt::Attempt;
use manifest::{Cluster, IpBlockMode, PolicyName};
use std::fmt;
use walk::Policies;

/// What must happen.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// The source's egress policy.
    pub egress: Side,
    /// The destination's ingress policy.
    pub ingress: Side,
}

/// What the policies of one end say. Names are sorted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Side {
    /// No policy decides at this end in this direction (or it is outside, or the traffic is exempt, or the port is one
    /// that no host policy closes): allowed by default.
    NotIsolated,
    /// The policy of a tier whose rule decides, or all network policies that allow it.
    Allowed(Vec<PolicyName>),
    /// The policy of a tier whose rule decides, or the network policies that isolate this end: none of their rules
    /// matches.
    Denied(Vec<PolicyName>),
    /// Let through, where these policies would deny it if they were not in audit mode.
    Audited(Vec<PolicyName>),
}

/// In words: `denied by shop/default-deny, shop/web`.
impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, policies) = match self {
            Self::NotIsolated => return f.write_str("not isolated"),
            Self::Allowed(policies) => ("allowed by", policies),
            Self::Denied(policies) => ("denied by", policies),
            Self::Audited(policies) => ("audited, otherwise denied by", policies),
        };
        let names: Vec<String> = policies.iter().map(ToString::to_string).collect();
        write!(f, "{word} {}", names.join(", "))
    }
}

impl Judgement {
    /// Whether both ends allow it.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        !matches!(self.egress, Side::Denied(_)) && !matches!(self.ingress, Side::Denied(_))
    }

    /// Whether both ends let it through, and at one of them policies in audit mode would deny it.
    #[must_use]
    pub fn is_audited(&self) -> bool {
        let is_audited = |side: &Side| matches!(side, Side::Audited(_));
        self.is_allowed() && (is_audited(&self.egress) || is_audited(&self.ingress))
    }
}

/// A layer of policies, in the order in which they are asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Tier {
    /// `ClusterNetworkPolicy` with `tier: Admin` and `AdminNetworkPolicy`.
    Admin,
    /// Network policies; where nodes are concerned, host policies.
    NetworkPolicy,
    /// `ClusterNetworkPolicy` with `tier: Baseline` and `BaselineAdminNetworkPolicy`, where no network policy isolates.
    Baseline,
}

/// What a rule does with what it matches.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Action {
    /// Allow it: the last word at this end.
    Allow,
    /// Deny it: the last word at this end.
    Deny,
    /// Leave it to the next tier.
    Pass,
}

/// Why: every policy and rule that was looked at, and what became of it.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The verdict that follows.
    pub judgement: Judgement,
    /// The egress rules of the policies that apply to the source, then the ingress rules of those that apply to the
    /// destination; of each the Admin tier, the network policies, the Baseline tier, in the order in which rules are
    /// asked. A network policy without rules in a direction isolates all the same; only `judgement` names it.
    pub rules: Vec<RuleTrace>,
}

/// One rule and how far it matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTrace {
    /// The policy.
    pub policy: PolicyName,
    /// When it is asked.
    pub tier: Tier,
    /// What it does with what it matches. A rule that fails closed denies.
    pub action: Action,
    /// Whether the policy is in audit mode: what it alone denies is let through.
    pub is_audit: bool,
    /// Path of the rule in the object (`spec.ingress[0]`): look it up in the policy's origin.
    pub path: String,
    /// `Ok` if the rule matches the connection; otherwise why not, in words
    /// (`from[0]: namespace other has no label team, wanted team=a`).
    pub outcome: Result<(), String>,
    /// How near the rule came to matching, for sorting: larger is nearer. Any rule whose peers match is nearer than
    /// any rule whose peers do not, and a rule that matches is nearest.
    pub nearness: u32,
}

/// Judges one attempt.
///
/// # Errors
/// When the cluster has no such ends or they have no such addresses, and when the port does not fit the protocol.
pub fn judge(cluster: &Cluster, mode: IpBlockMode, probe: &Probe) -> Result<Judgement, ProbeError> {
    let attempt = Attempt::new(cluster, probe)?;
    let policies = Policies::new(cluster, mode, &attempt);
    Ok(policies.walk(&attempt).judgement())
}

/// Judges one attempt and says why.
///
/// # Errors
/// As [`judge`].
pub fn explain(
    cluster: &Cluster,
    mode: IpBlockMode,
    probe: &Probe,
) -> Result<Explanation, ProbeError> {
    let attempt = Attempt::new(cluster, probe)?;
    let policies = Policies::new(cluster, mode, &attempt);
    let walk = policies.walk(&attempt);
    Ok(Explanation {
        judgement: walk.judgement(),
        rules: walk.into_rules(),
    })
}
