//! What a cluster needs of the lab: nodes, endpoints, and who serves which ports.

use super::super::balancer;
use super::super::question::Question;
use ipnet::IpNet;
use lab::{EndpointSpec, NodeSpec};
use manifest::{Addresses, Cluster, ContainerPort, EndpointName, Node, Pod, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A protocol and a port of it, host order.
pub(super) type Service = (Protocol, u16);

/// The lab that a cluster needs. Every pod with a network of its own and every outside host is an endpoint; pods on their
/// node's network are that node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Topology {
    /// Endpoints by name, as in [`EndpointName`].
    pub(super) endpoints: BTreeMap<String, Role>,
    /// The nodes.
    pub(super) nodes: Vec<NodeSpec>,
    /// Who has which address, and what is served there.
    pub(super) sites: BTreeMap<IpAddr, Site>,
}

/// An endpoint, and where it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Role {
    pub(super) spec: EndpointSpec,
    /// The node of a pod, whose datapath guards it; `None` for outside hosts.
    pub(super) node: Option<String>,
}

/// One address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Site {
    pub(super) location: Location,
    pub(super) services: BTreeSet<Service>,
}

/// A namespace of the lab.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Location {
    Node(String),
    Endpoint(String),
}

impl Location {
    /// Who is there.
    pub(super) fn end(&self) -> anyhow::Result<EndpointName> {
        match self {
            Self::Node(name) => Ok(EndpointName::Node(name.clone())),
            Self::Endpoint(name) => Ok(name.parse()?),
        }
    }
}

impl Topology {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let mut topology = Self::default();
        let balanced = balancer::routes(cluster);
        for (name, node) in &cluster.nodes {
            topology
                .nodes
                .push(node_spec(name, node, cluster, &balanced));
            topology.serve(&Location::Node(name.clone()), node.addresses, &[]);
        }
        for (name, pod) in &cluster.pods {
            topology.add_pod(EndpointName::Pod(name.clone()).to_string(), pod);
        }
        for (name, host) in &cluster.externals {
            let name = EndpointName::External(name.clone()).to_string();
            topology.add_endpoint(name, host.addresses, &host.ports, None);
        }
        topology
    }

    /// Whether the datapath has a say: a pod is an end, and not both.
    pub(super) fn is_judged(&self, question: &Question) -> bool {
        self.guards(question.source, question.destination)
    }

    /// Whether what is sent from one address to the other crosses a pod's link.
    pub(super) fn guards(&self, source: IpAddr, destination: IpAddr) -> bool {
        source != destination && (self.is_pod(source) || self.is_pod(destination))
    }

    /// Whether an outside host has this address.
    pub(super) fn is_outside(&self, address: IpAddr) -> bool {
        let site = self.sites.get(&address);
        site.is_some_and(|site| match &site.location {
            Location::Node(_) => false,
            Location::Endpoint(name) => {
                let role = self.endpoints.get(name);
                role.is_some_and(|role| role.node.is_none())
            }
        })
    }

    fn is_pod(&self, address: IpAddr) -> bool {
        let site = self.sites.get(&address);
        site.is_some_and(|site| match &site.location {
            Location::Node(_) => false,
            Location::Endpoint(name) => {
                let role = self.endpoints.get(name);
                role.is_some_and(|role| role.node.is_some())
            }
        })
    }

    fn add_pod(&mut self, name: String, pod: &Pod) {
        if pod.host_network {
            let node = Location::Node(pod.node.clone());
            self.serve(&node, pod.addresses, &pod.ports);
        } else {
            self.add_endpoint(name, pod.addresses, &pod.ports, Some(pod.node.clone()));
        }
    }

    fn add_endpoint(
        &mut self,
        name: String,
        addresses: Addresses,
        ports: &[ContainerPort],
        node: Option<String>,
    ) {
        let spec = EndpointSpec {
            name: name.clone(),
            v4: addresses.v4,
            v6: addresses.v6,
        };
        self.serve(&Location::Endpoint(name.clone()), addresses, ports);
        self.endpoints.insert(name, Role { spec, node });
    }

    fn serve(&mut self, location: &Location, addresses: Addresses, ports: &[ContainerPort]) {
        for address in addresses.iter() {
            let site = self.sites.entry(address).or_insert_with(|| Site {
                location: location.clone(),
                services: BTreeSet::new(),
            });
            let services = ports.iter().map(|port| (port.protocol, port.port));
            site.services.extend(services);
        }
    }
}

/// A node with what is routed to it: its pod CIDRs, the addresses of its pods that are outside them, and those that load
/// balancers send to it.
fn node_spec(
    name: &str,
    node: &Node,
    cluster: &Cluster,
    balanced: &BTreeMap<IpAddr, &str>,
) -> NodeSpec {
    let balanced = balanced.iter().filter(|(_, node)| **node == name);
    let balanced = balanced.map(|(address, _)| IpNet::from(*address));
    let pods = cluster.pods.values();
    let pods = pods.filter(|pod| pod.node == name && !pod.host_network);
    let addresses = pods.flat_map(|pod| pod.addresses.iter());
    let is_outside = |address: &IpAddr| !node.pod_cidrs.iter().any(|cidr| cidr.contains(address));
    let strays = addresses.filter(is_outside).map(IpNet::from);
    NodeSpec {
        name: name.to_owned(),
        v4: node.addresses.v4,
        v6: node.addresses.v6,
        prefixes: (node.pod_cidrs.iter().copied())
            .chain(strays)
            .chain(balanced)
            .collect(),
    }
}
