//! `policy.networking.k8s.io/v1alpha2`: `ClusterNetworkPolicy`.

use super::{EgressPeer, IngressPeer, Subject};
use serde::{Deserialize, Serialize};

/// What a `ClusterNetworkPolicy` says.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct ClusterNetworkPolicySpec {
    /// `Admin`: before every `NetworkPolicy`; or `Baseline`: after them.
    pub tier: String,
    /// 0 to 1000 within the tier; the lower is asked first. Must be written.
    pub priority: Option<i64>,
    /// The pods that it applies to.
    pub subject: Subject,
    /// For what they receive, in order; the first that matches decides. At most 25.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<IngressRule>,
    /// For what they send, in order; the first that matches decides. At most 25.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<EgressRule>,
}

/// What to do with traffic to the subject.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct IngressRule {
    /// For people, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Accept`, `Deny` or `Pass`.
    pub action: String,
    /// Who sends: one of these, 1 to 25.
    pub from: Vec<IngressPeer>,
    /// Protocols and ports: one of these, 1 to 25. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<Vec<Protocol>>,
}

/// What to do with traffic from the subject.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct EgressRule {
    /// For people, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Accept`, `Deny` or `Pass`.
    pub action: String,
    /// To whom: one of these, 1 to 25.
    pub to: Vec<EgressPeer>,
    /// Protocols and ports: one of these, 1 to 25. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocols: Option<Vec<Protocol>>,
}

/// A protocol and what is asked of it: exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Protocol {
    /// TCP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Destination>,
    /// UDP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp: Option<Destination>,
    /// SCTP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sctp: Option<Destination>,
    /// The ports that the destination pod gives this name, of any protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_named_port: Option<String>,
}

/// What is asked of one protocol: at least one field is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Destination {
    /// The destination port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<Port>,
}

/// Ports by number: exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct Port {
    /// One port, 1 to 65535.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<PortRange>,
}

/// Ports from the first to the last. Both must be written, 1 to 65535.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PortRange {
    /// The first, below the last.
    pub start: Option<i64>,
    /// The last, inclusive.
    pub end: Option<i64>,
}
