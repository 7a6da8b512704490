//! Questions: who to whom, over which family, with what protocol and port.

use super::{choose, one_of};
use manifest::{Cluster, EndpointName, Protocol};
use oracle::Probe;
use proptest::collection::vec;
use proptest::prelude::*;

/// Ports that are asked for: those that pods serve, and what is next to the ports and ranges that policies name.
const PORTS: &[u16] = &[
    80, 79, 81, 82, 53, 1, 87, 88, 1079, 1080, 1081, 8080, 65_534, 65_535,
];

/// Questions before they know a cluster.
#[derive(Clone, Debug)]
pub(super) struct Questions(Vec<Question>);

#[derive(Clone, Debug)]
struct Question {
    pod: usize,
    other: usize,
    is_to_pod: bool,
    address: usize,
    protocol: Protocol,
    port: u16,
}

/// One to sixteen questions.
pub(super) fn probes() -> BoxedStrategy<Questions> {
    let question = (
        0..8usize,
        0..16usize,
        any::<bool>(),
        0..2usize,
        one_of(&Protocol::ALL),
        one_of(PORTS),
    );
    let question = question.prop_map(
        |(pod, other, is_to_pod, address, protocol, port)| Question {
            pod,
            other,
            is_to_pod,
            address,
            protocol,
            port,
        },
    );
    vec(question, 1..=16).prop_map(Questions).boxed()
}

impl Questions {
    /// The questions as probes of this cluster.
    pub(super) fn about(&self, cluster: &Cluster) -> Vec<Probe> {
        let probes = self.0.iter().filter_map(|question| question.about(cluster));
        probes.collect()
    }
}

impl Question {
    fn about(&self, cluster: &Cluster) -> Option<Probe> {
        let pod = choose(pods(cluster), self.pod)?;
        let other = choose(ends(cluster), self.other)?;
        let (from, to) = if self.is_to_pod {
            (other, pod)
        } else {
            (pod, other)
        };
        let addresses: Vec<_> = cluster.addresses(&to)?.iter().collect();
        Some(Probe {
            address: choose(addresses, self.address)?,
            from,
            to,
            protocol: self.protocol,
            port: (self.protocol != Protocol::Icmp).then_some(self.port),
        })
    }
}

/// The pods on the pod network.
fn pods(cluster: &Cluster) -> Vec<EndpointName> {
    let pods = cluster.pods.iter().filter(|(_, pod)| !pod.host_network);
    pods.map(|(name, _)| EndpointName::Pod(name.clone()))
        .collect()
}

/// Every end: pods first, also those on a node's network.
fn ends(cluster: &Cluster) -> Vec<EndpointName> {
    let pods = cluster.pods.keys().cloned().map(EndpointName::Pod);
    let nodes = cluster.nodes.keys().cloned().map(EndpointName::Node);
    let hosts = cluster
        .externals
        .keys()
        .cloned()
        .map(EndpointName::External);
    pods.chain(nodes).chain(hosts).collect()
}
