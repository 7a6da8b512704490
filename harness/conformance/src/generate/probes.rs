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
    one: Other,
    other: Other,
    is_to_one: bool,
    address: usize,
    protocol: Protocol,
    port: u16,
}

/// The other end. Its kind is drawn first: so it stays what it is while others disappear.
#[derive(Clone, Debug)]
pub(super) enum Other {
    /// Also one on a node's network.
    Pod(usize),
    Node(usize),
    External(usize),
}

/// One to sixteen questions.
pub(super) fn probes() -> BoxedStrategy<Questions> {
    let question = (
        one(),
        other(),
        any::<bool>(),
        0..2usize,
        one_of(&Protocol::ALL),
        one_of(PORTS),
    );
    let question = question.prop_map(
        |(one, other, is_to_one, address, protocol, port)| Question {
            one,
            other,
            is_to_one,
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
        let one = match self.one {
            Other::Pod(drawn) => choose(pods(cluster), drawn)?,
            _ => self.one.among(cluster)?,
        };
        let other = self.other.among(cluster)?;
        let (from, to) = if self.is_to_one {
            (other, one)
        } else {
            (one, other)
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
pub(super) fn pods(cluster: &Cluster) -> Vec<EndpointName> {
    let pods = cluster.pods.iter().filter(|(_, pod)| !pod.host_network);
    pods.map(|(name, _)| EndpointName::Pod(name.clone()))
        .collect()
}

/// A pod on the pod network, or a node: whom policies may select.
fn one() -> BoxedStrategy<Other> {
    prop_oneof![
        2 => (0..8usize).prop_map(Other::Pod),
        1 => (0..2usize).prop_map(Other::Node),
    ]
    .boxed()
}

pub(super) fn other() -> BoxedStrategy<Other> {
    prop_oneof![
        3 => (0..8usize).prop_map(Other::Pod),
        1 => (0..2usize).prop_map(Other::Node),
        2 => (0..2usize).prop_map(Other::External),
    ]
    .boxed()
}

impl Other {
    /// The end of this kind in the cluster.
    pub(super) fn among(&self, cluster: &Cluster) -> Option<EndpointName> {
        match *self {
            Self::Pod(drawn) => choose(cluster.pods.keys().cloned(), drawn).map(EndpointName::Pod),
            Self::Node(drawn) => {
                choose(cluster.nodes.keys().cloned(), drawn).map(EndpointName::Node)
            }
            Self::External(drawn) => {
                choose(cluster.externals.keys().cloned(), drawn).map(EndpointName::External)
            }
        }
    }
}
