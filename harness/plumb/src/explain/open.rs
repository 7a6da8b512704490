//! Why no policy has a say at an end.

use super::Case;
use super::side::traces;
use crate::answer::Direction;
use manifest::{Cluster, EndpointName};
use oracle::Probe;

/// The reason, in words.
pub(super) fn why_open(case: &Case<'_>, direction: Direction) -> &'static str {
    let cluster = &case.loaded.cluster;
    let probe = &case.answer.probe;
    let end = case.answer.end(direction);
    let Some(node) = node(cluster, end) else {
        return "policies select pods and nodes";
    };
    if !is_node(cluster, end) {
        return why_pod_is_open(case, direction, node);
    }
    match is_own_pod(cluster, node, &probe.to) {
        _ if probe.from == probe.to => "a node always reaches itself",
        true => "a node always reaches the pods it runs",
        false if is_failsafe(cluster, probe, direction) => {
            "no host policy closes this port: it keeps nodes alive"
        }
        false if traces(case, direction).next().is_some() => "no host policy isolates it",
        false => "no host policy applies to it",
    }
}

fn why_pod_is_open(case: &Case<'_>, direction: Direction, node: &str) -> &'static str {
    let probe = &case.answer.probe;
    match &probe.from {
        from if *from == probe.to => "a pod always reaches itself",
        EndpointName::Node(from) if from == node => "a pod's own node always reaches it",
        _ if traces(case, direction).next().is_some() => {
            "no policy isolates it, and no rule of a tier decides"
        }
        _ => "no policy isolates it",
    }
}

/// The node that an end is on, or is.
fn node<'a>(cluster: &'a Cluster, end: &'a EndpointName) -> Option<&'a str> {
    match end {
        EndpointName::Node(name) => Some(name),
        EndpointName::Pod(name) => cluster.pods.get(name).map(|pod| pod.node.as_str()),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}

/// A pod on its node's network is that node.
fn is_node(cluster: &Cluster, end: &EndpointName) -> bool {
    match end {
        EndpointName::Node(_) => true,
        EndpointName::Pod(name) => cluster.pods.get(name).is_some_and(|pod| pod.host_network),
        EndpointName::External(_) | EndpointName::Service(_) => false,
    }
}

fn is_own_pod(cluster: &Cluster, own: &str, end: &EndpointName) -> bool {
    !is_node(cluster, end) && node(cluster, end) == Some(own)
}

fn is_failsafe(cluster: &Cluster, probe: &Probe, direction: Direction) -> bool {
    let ports = match direction {
        Direction::Egress => &cluster.failsafe_ports.outbound,
        Direction::Ingress => &cluster.failsafe_ports.inbound,
    };
    let is_it = |asked: u16| ports.iter().any(|port| port.is_it(probe.protocol, asked));
    probe.port.is_some_and(is_it)
}
