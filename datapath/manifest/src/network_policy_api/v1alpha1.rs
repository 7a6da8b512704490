//! `policy.networking.k8s.io/v1alpha1`: `AdminNetworkPolicy` and `BaselineAdminNetworkPolicy`.

use super::{EgressPeer, IngressPeer, Subject};
use serde::{Deserialize, Serialize};

/// What an `AdminNetworkPolicy` says. It is asked before every `NetworkPolicy`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct AdminNetworkPolicySpec {
    /// 0 to 1000; the lower is asked first. Must be written.
    pub priority: Option<i64>,
    /// The pods that it applies to.
    pub subject: Subject,
    /// For what they receive, in order; the first that matches decides. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<IngressRule>,
    /// For what they send, in order; the first that matches decides. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<EgressRule>,
}

/// What the `BaselineAdminNetworkPolicy` says. It is asked where no `NetworkPolicy` isolates.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct BaselineAdminNetworkPolicySpec {
    /// The pods that it applies to.
    pub subject: Subject,
    /// For what they receive, in order; the first that matches decides. At most 100.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<IngressRule>,
    /// For what they send, in order; the first that matches decides. At most 100.
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
    /// `Allow`, `Deny` or, of an `AdminNetworkPolicy`, `Pass`.
    pub action: String,
    /// Who sends: one of these, 1 to 100.
    pub from: Vec<IngressPeer>,
    /// The destination port: one of these, 1 to 100. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
}

/// What to do with traffic from the subject.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct EgressRule {
    /// For people, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Allow`, `Deny` or, of an `AdminNetworkPolicy`, `Pass`.
    pub action: String,
    /// To whom: one of these, 1 to 100.
    pub to: Vec<EgressPeer>,
    /// The destination port: one of these, 1 to 100. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<Port>>,
}

/// Destination ports: exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Port {
    /// One port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_number: Option<PortNumber>,
    /// The ports that the destination pod gives this name, of any protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named_port: Option<String>,
    /// Several ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_range: Option<PortRange>,
}

/// One port.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PortNumber {
    /// `TCP` (the default), `UDP` or `SCTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// 1 to 65535. Must be written.
    pub port: Option<i64>,
}

/// Ports from the first to the last.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub struct PortRange {
    /// `TCP` (the default), `UDP` or `SCTP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The first, 1 to 65535, below the last. Must be written.
    pub start: Option<i64>,
    /// The last, inclusive, 1 to 65535. Must be written.
    pub end: Option<i64>,
}
