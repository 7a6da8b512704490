//! The types of `cilium.io/v2` that a host policy has, as objects are written: nothing is filled in.
//!
//! Source: `cilium/cilium`, `pkg/policy/api` and "Host Policies" of its documentation. Field names and meaning are from
//! there. Only what can be held by addresses and ports is here; everything else is refused when it is read.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde::{Deserialize, Serialize};

/// What a `CiliumClusterwideNetworkPolicy` says of some nodes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The nodes that it applies to, by their labels; the empty selector selects all. Must be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<LabelSelector>,
    /// What they may receive. With any rule, everything else is denied, unless `enable_default_deny` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Vec<IngressRule>>,
    /// What they may send. With any rule, everything else is denied, unless `enable_default_deny` says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<EgressRule>>,
    /// Whether everything else is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_default_deny: Option<DefaultDeny>,
}

/// Whether what no rule allows is denied: by default where there are rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct DefaultDeny {
    /// Of what the nodes receive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress: Option<bool>,
    /// Of what the nodes send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress: Option<bool>,
}

/// Something that nodes may receive. No peers at all: everyone if there are `to_ports`, else nobody. A list of peers
/// that is empty names nobody.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressRule {
    /// Pods, by labels. A key may have the source `k8s:` or `any:` before it; namespaces are selected by
    /// `io.kubernetes.pod.namespace` and `io.cilium.k8s.namespace.labels.KEY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_endpoints: Option<Vec<LabelSelector>>,
    /// Other nodes, by labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_nodes: Option<Vec<LabelSelector>>,
    /// Groups of peers, by name: one of [`ENTITIES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_entities: Option<Vec<String>>,
    /// Addresses outside of the cluster.
    #[serde(rename = "fromCIDR", skip_serializing_if = "Option::is_none")]
    pub from_cidr: Option<Vec<String>>,
    /// Addresses outside of the cluster, with exceptions.
    #[serde(rename = "fromCIDRSet", skip_serializing_if = "Option::is_none")]
    pub from_cidr_set: Option<Vec<CidrRule>>,
    /// The destination port: one of these. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ports: Option<Vec<PortRule>>,
}

/// Something that nodes may send. Its fields are those of [`IngressRule`], the other way round.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EgressRule {
    /// Pods, by labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_endpoints: Option<Vec<LabelSelector>>,
    /// Other nodes, by labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_nodes: Option<Vec<LabelSelector>>,
    /// Groups of peers, by name: one of [`ENTITIES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_entities: Option<Vec<String>>,
    /// Addresses outside of the cluster.
    #[serde(rename = "toCIDR", skip_serializing_if = "Option::is_none")]
    pub to_cidr: Option<Vec<String>>,
    /// Addresses outside of the cluster, with exceptions.
    #[serde(rename = "toCIDRSet", skip_serializing_if = "Option::is_none")]
    pub to_cidr_set: Option<Vec<CidrRule>>,
    /// The destination port: one of these. Absent: every protocol, with ports or without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_ports: Option<Vec<PortRule>>,
}

/// The entities that are read: everyone; who is no pod or node; pods and nodes; the node itself; other nodes.
pub const ENTITIES: [&str; 5] = ["all", "world", "cluster", "host", "remote-node"];

/// Addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct CidrRule {
    /// Those with this prefix. Must be written.
    pub cidr: String,
    /// But none with these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Destination ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct PortRule {
    /// One of these, 1 to 40.
    pub ports: Vec<PortProtocol>,
}

/// One port, or several that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PortProtocol {
    /// The number in decimal digits; `0` is every port. Must be written.
    pub port: String,
    /// The last port, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<i64>,
    /// `TCP`, `UDP`, `SCTP` or `ANY` of them, which is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// What a key of a selector of pods is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelKey<'a> {
    /// A label of the pod.
    Pod(&'a str),
    /// The name of its namespace.
    NamespaceName,
    /// A label of its namespace.
    NamespaceLabel(&'a str),
}

impl<'a> LabelKey<'a> {
    /// Reads a key as it is written; `None` for labels of sources other than Kubernetes, and for those that Cilium makes
    /// up.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let key = match text.split_once(':') {
            Some(("k8s" | "any", key)) => key,
            Some(_) => return None,
            None => text,
        };
        if key == "io.kubernetes.pod.namespace" {
            return Some(Self::NamespaceName);
        }
        if let Some(label) = key.strip_prefix("io.cilium.k8s.namespace.labels.") {
            return Some(Self::NamespaceLabel(label));
        }
        (!key.starts_with("io.cilium.k8s.")).then_some(Self::Pod(key))
    }
}
