//! What a cluster needs of the lab: endpoints, the node's addresses, and who serves which ports.

use super::super::question::Question;
use lab::EndpointSpec;
use manifest::{Addresses, Cluster, ContainerPort, EndpointName, Pod, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A protocol and a port of it, host order.
pub(super) type Service = (Protocol, u16);

/// The lab that a cluster needs. Every pod with a network of its own and every outside host is an endpoint; nodes and
/// the pods on their network share the lab's one node.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Topology {
    /// Endpoints by name, as in [`EndpointName`].
    pub(super) endpoints: BTreeMap<String, Role>,
    /// The addresses of all nodes.
    pub(super) node_addresses: Vec<IpAddr>,
    /// Who has which address, and what is served there.
    pub(super) sites: BTreeMap<IpAddr, Site>,
}

/// An endpoint, and whether the datapath guards it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Role {
    pub(super) spec: EndpointSpec,
    /// True for pods, false for outside hosts.
    pub(super) is_pod: bool,
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
    Node,
    Endpoint(String),
}

impl Topology {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let mut topology = Self::default();
        for node in cluster.nodes.values() {
            topology.node_addresses.extend(node.addresses.iter());
            topology.serve(&Location::Node, node.addresses, &[]);
        }
        for (name, pod) in &cluster.pods {
            topology.add_pod(EndpointName::Pod(name.clone()).to_string(), pod);
        }
        for (name, host) in &cluster.externals {
            let name = EndpointName::External(name.clone()).to_string();
            topology.add_endpoint(name, host.addresses, &host.ports, false);
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

    fn is_pod(&self, address: IpAddr) -> bool {
        let site = self.sites.get(&address);
        site.is_some_and(|site| match &site.location {
            Location::Node => false,
            Location::Endpoint(name) => self.endpoints.get(name).is_some_and(|role| role.is_pod),
        })
    }

    fn add_pod(&mut self, name: String, pod: &Pod) {
        if pod.host_network {
            self.serve(&Location::Node, pod.addresses, &pod.ports);
        } else {
            self.add_endpoint(name, pod.addresses, &pod.ports, true);
        }
    }

    fn add_endpoint(
        &mut self,
        name: String,
        addresses: Addresses,
        ports: &[ContainerPort],
        is_pod: bool,
    ) {
        let spec = EndpointSpec {
            name: name.clone(),
            v4: addresses.v4,
            v6: addresses.v6,
        };
        self.serve(&Location::Endpoint(name.clone()), addresses, ports);
        self.endpoints.insert(name, Role { spec, is_pod });
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
