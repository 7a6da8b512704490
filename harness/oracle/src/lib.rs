//! What Kubernetes says must happen, straight from the text of the `NetworkPolicy` API.
//!
//! Written apart from the compiler in `datapath/policy`, and slow on purpose: every question walks the objects.
//! Depends on `manifest` and nothing else of ours; a test holds that.

use manifest::{Cluster, EndpointName, IpBlockMode, ObjectName, Protocol};
use std::net::IpAddr;

/// A connection attempt: the question that the oracle, the in-process program and the kernel all answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Probe {
    /// Who opens it.
    pub from: EndpointName,
    /// Who is meant.
    pub to: EndpointName,
    /// The address of `to` that is used; the source uses its own of the same family.
    pub address: IpAddr,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port, host order; `None` for ICMP.
    pub port: Option<u16>,
}

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
}

impl Judgement {
    /// Whether both ends allow it.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        !matches!(self.egress, Side::Denied(_)) && !matches!(self.ingress, Side::Denied(_))
    }
}

/// Judges one attempt.
pub fn judge(_cluster: &Cluster, _mode: IpBlockMode, _probe: &Probe) -> Judgement {
    todo!()
}

/// Why: every policy and rule that was looked at, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// The verdict that follows.
    pub judgement: Judgement,
    /// The egress rules of the policies that isolate the source, then the ingress rules of those that isolate the destination.
    pub rules: Vec<RuleTrace>,
}

/// One rule and how far it matched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleTrace {
    /// The policy.
    pub policy: ObjectName,
    /// Path of the rule in the object (`spec.ingress[0]`): look it up in the policy's origin.
    pub path: String,
    /// `Ok` if the rule allows the connection; otherwise why not, in words (`peer: namespace other has no label team=a`).
    pub outcome: Result<(), String>,
    /// How near the rule came to matching, for sorting: larger is nearer.
    pub nearness: u32,
}

/// Judges one attempt and says why.
#[must_use]
pub fn explain(_cluster: &Cluster, _mode: IpBlockMode, _probe: &Probe) -> Explanation {
    todo!()
}
