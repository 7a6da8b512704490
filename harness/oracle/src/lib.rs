//! What Kubernetes says must happen, straight from the text of the `NetworkPolicy` API.
//!
//! Written apart from the compiler in `datapath/policy`, and slow on purpose: every question walks the objects.
//! Depends on `manifest` and nothing else of ours; a test holds that.
//!
//! [`explain`] walks every rule of every policy that isolates either end, and [`judge`] is what follows from that walk:
//! the two cannot disagree.

mod attempt;
mod cidr;
pub mod connection;
mod isolation;
mod peer;
mod port;
mod rule;
mod selector;
mod walk;

pub use attempt::{Probe, ProbeError};

use attempt::Attempt;
use manifest::{Cluster, IpBlockMode, ObjectName};
use walk::Walk;

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
    /// No policy isolates this end in this direction (or it is no pod, or the traffic is exempt): allowed by default.
    NotIsolated,
    /// Isolated, and these policies allow it: all of them.
    Allowed(Vec<ObjectName>),
    /// Isolated by these policies, and no rule of theirs matches.
    Denied(Vec<ObjectName>),
    /// Let through, where these policies would deny it if they were not in audit mode.
    Audited(Vec<ObjectName>),
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

/// Why: every policy and rule that was looked at, and what became of it.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The verdict that follows.
    pub judgement: Judgement,
    /// The egress rules of the policies that isolate the source, then the ingress rules of those that isolate the
    /// destination. A policy without rules in a direction isolates all the same; only `judgement` names it.
    pub rules: Vec<RuleTrace>,
}

/// One rule and how far it matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTrace {
    /// The policy.
    pub policy: ObjectName,
    /// Path of the rule in the object (`spec.ingress[0]`): look it up in the policy's origin.
    pub path: String,
    /// `Ok` if the rule allows the connection; otherwise why not, in words
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
    Ok(Walk::new(cluster, mode, &attempt).judgement())
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
    let walk = Walk::new(cluster, mode, &attempt);
    Ok(Explanation {
        judgement: walk.judgement(),
        rules: walk.into_rules(),
    })
}
