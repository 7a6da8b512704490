//! Names that every crate above shares: objects, ends of a connection, protocols.

use std::fmt;
use std::str::FromStr;

/// A namespaced object: `namespace/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectName {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

impl ObjectName {
    /// The object `namespace/name`.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.namespace, self.name))
    }
}

/// One end of a connection as users write it: `namespace/name`, `node/NAME`, `external/NAME` or `svc/namespace/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EndpointName {
    /// A pod.
    Pod(ObjectName),
    /// A node, by its own address.
    Node(String),
    /// A host outside the cluster.
    External(String),
    /// A service, which is asked and never asks: one of its backends is the other end.
    Service(ObjectName),
}

impl EndpointName {
    /// The pod `namespace/name`.
    pub fn pod(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Pod(ObjectName::new(namespace, name))
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(name) => name.fmt(f),
            Self::Node(name) => f.pad(&format!("node/{name}")),
            Self::External(name) => f.pad(&format!("external/{name}")),
            Self::Service(name) => f.pad(&format!("svc/{name}")),
        }
    }
}

/// A name that is not written `namespace/name`, `node/NAME`, `external/NAME` or `svc/namespace/name`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not an endpoint: write namespace/name for a pod, node/NAME for a node, external/NAME for an outside host, svc/namespace/name for a service"
)]
pub struct ParseNameError(String);

impl FromStr for EndpointName {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts.as_slice() {
            _ if parts.contains(&"") => Err(ParseNameError(text.to_owned())),
            ["svc", namespace, name] => Ok(Self::Service(ObjectName::new(*namespace, *name))),
            ["node", name] => Ok(Self::Node((*name).to_owned())),
            ["external", name] => Ok(Self::External((*name).to_owned())),
            [namespace, name] => Ok(Self::pod(*namespace, *name)),
            _ => Err(ParseNameError(text.to_owned())),
        }
    }
}

/// A protocol that can be probed and, except for ICMP, named in a policy.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP echo; `ICMPv6` between IPv6 addresses. Has no port and cannot be named in a `NetworkPolicy`.
    Icmp,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Sctp, Self::Icmp];

    /// The protocol's name as the Kubernetes API writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Icmp => "ICMP",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that is no protocol; the names in upper or lower case are.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a protocol: use TCP, UDP, SCTP or ICMP")]
pub struct ParseProtocolError(String);

impl FromStr for Protocol {
    type Err = ParseProtocolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseProtocolError(text.to_owned()))
    }
}

/// What an `ipBlock` may match.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum IpBlockMode {
    /// Any address, pods and nodes included: the API text, and what Kubernetes' own tests expect.
    #[default]
    Any,
    /// Never pods or nodes, only addresses outside the cluster: GKE Dataplane V2 and Cilium.
    External,
}
