//! The question: who opens a connection to whom, and what policies may know about the two ends.

use manifest::{Addresses, Cluster, EndpointName, ObjectName, Pod, Protocol};
use std::collections::BTreeMap;
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

/// A probe that cannot be tried on this cluster.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProbeError {
    /// An end that is not there.
    #[error("`{0}` is not in the cluster: name a pod, node or external of the manifests")]
    Unknown(EndpointName),
    /// The destination does not have this address.
    #[error("{address} is no address of `{to}`: its addresses are {}", list(.addresses))]
    ForeignAddress {
        /// The destination.
        to: EndpointName,
        /// The address of the probe.
        address: IpAddr,
        /// The destination's own addresses.
        addresses: Vec<IpAddr>,
    },
    /// The source has no address of the destination's family.
    #[error("`{from}` has no {} address to reach {to}", family(*.to))]
    NoSourceAddress {
        /// The source.
        from: EndpointName,
        /// The destination's address.
        to: IpAddr,
    },
    /// A service: which of its backends answers is not in the question.
    #[error("`{0}` is a service: policies know its backends")]
    Service(EndpointName),
    /// TCP, UDP or SCTP without a port, or ICMP with one.
    #[error("{protocol} {}", if *.protocol == Protocol::Icmp { "has no ports: leave out the port" } else { "needs a port" })]
    Port {
        /// The protocol.
        protocol: Protocol,
    },
}

/// A probe whose ends were found in the cluster.
pub(crate) struct Attempt<'a> {
    pub(crate) from: End<'a>,
    pub(crate) to: End<'a>,
    pub(crate) protocol: Protocol,
    /// `None` for ICMP and only for it.
    pub(crate) port: Option<u16>,
}

/// One end of a connection as policies see it.
pub(crate) struct End<'a> {
    pub(crate) name: &'a EndpointName,
    pub(crate) address: IpAddr,
    pub(crate) kind: Kind<'a>,
}

/// What an end is to policies. A pod on its node's network is that node.
pub(crate) enum Kind<'a> {
    Pod(PodEnd<'a>),
    Node(NodeEnd<'a>),
    External,
}

/// A node with what selectors look at.
pub(crate) struct NodeEnd<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: &'a BTreeMap<String, String>,
}

static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

/// A pod with what selectors look at.
pub(crate) struct PodEnd<'a> {
    pub(crate) name: &'a ObjectName,
    pub(crate) pod: &'a Pod,
    pub(crate) namespace_labels: &'a BTreeMap<String, String>,
}

impl<'a> Attempt<'a> {
    /// Finds both ends of `probe`.
    pub(crate) fn new(cluster: &'a Cluster, probe: &'a Probe) -> Result<Self, ProbeError> {
        let protocol = probe.protocol;
        if probe.port.is_some() == (protocol == Protocol::Icmp) {
            return Err(ProbeError::Port { protocol });
        }
        let source = own_addresses(cluster, &probe.from)?
            .iter()
            .find(|own| own.is_ipv4() == probe.address.is_ipv4())
            .ok_or_else(|| ProbeError::NoSourceAddress {
                from: probe.from.clone(),
                to: probe.address,
            })?;
        let addresses = own_addresses(cluster, &probe.to)?;
        if !addresses.contains(probe.address) {
            return Err(ProbeError::ForeignAddress {
                to: probe.to.clone(),
                address: probe.address,
                addresses: addresses.iter().collect(),
            });
        }
        Ok(Self {
            from: End::new(cluster, &probe.from, source)?,
            to: End::new(cluster, &probe.to, probe.address)?,
            protocol,
            port: probe.port,
        })
    }

    /// A pod that talks to itself, by name or by address: its traffic does not leave it.
    pub(crate) fn is_to_itself(&self) -> bool {
        self.from.name == self.to.name || self.from.address == self.to.address
    }

    /// A node that talks to a pod it runs: kubelet's probes must work whatever the policies say.
    pub(crate) fn is_from_own_node(&self) -> bool {
        match (&self.from.kind, &self.to.kind) {
            (Kind::Node(node), Kind::Pod(to)) => node.name == to.pod.node,
            _ => false,
        }
    }
}

impl<'a> End<'a> {
    fn new(
        cluster: &'a Cluster,
        name: &'a EndpointName,
        address: IpAddr,
    ) -> Result<Self, ProbeError> {
        let kind = match name {
            EndpointName::Node(node) => Kind::Node(NodeEnd::new(cluster, node)),
            EndpointName::External(_) => Kind::External,
            EndpointName::Service(_) => return Err(ProbeError::Service(name.clone())),
            EndpointName::Pod(pod) => {
                Kind::of_pod(cluster, pod).ok_or_else(|| ProbeError::Unknown(name.clone()))?
            }
        };
        Ok(Self {
            name,
            address,
            kind,
        })
    }
}

impl<'a> Kind<'a> {
    fn of_pod(cluster: &'a Cluster, name: &'a ObjectName) -> Option<Self> {
        let pod = cluster.pods.get(name)?;
        if pod.host_network {
            return Some(Self::Node(NodeEnd::new(cluster, &pod.node)));
        }
        let namespace = cluster.namespaces.get(&name.namespace);
        Some(Self::Pod(PodEnd {
            name,
            pod,
            namespace_labels: namespace.map_or(&NO_LABELS, |namespace| &namespace.labels),
        }))
    }
}

impl<'a> NodeEnd<'a> {
    fn new(cluster: &'a Cluster, name: &'a str) -> Self {
        let node = cluster.nodes.get(name);
        Self {
            name,
            labels: node.map_or(&NO_LABELS, |node| &node.labels),
        }
    }
}

fn own_addresses(cluster: &Cluster, end: &EndpointName) -> Result<Addresses, ProbeError> {
    let addresses = cluster.addresses(end);
    addresses.ok_or_else(|| ProbeError::Unknown(end.clone()))
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}
