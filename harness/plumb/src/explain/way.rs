//! The way a packet takes from node to node.

use super::Case;
use crate::style::FAINT;
use conformance::driver::Routing;
use manifest::{Cluster, EndpointName};
use std::io::{self, Write};

/// Writes the way, if it leaves a node: `shop/web → node/a → VXLAN → node/b → shop/db`, or
/// `shop/web → node/a → masquerade as 172.18.0.1 → external/internet`.
pub(super) fn write(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    let probe = &case.answer.probe;
    let cluster = &case.loaded.cluster;
    let nodes = [&probe.from, &probe.to].map(|end| node_of(cluster, end));
    if nodes[0] == nodes[1] {
        return Ok(());
    }
    let by_tunnel = case.judge.routing == Routing::Vxlan
        && nodes.iter().all(Option::is_some)
        && has_own_network(cluster, &probe.to);
    let mut stops = vec![probe.from.to_string()];
    stops.extend(nodes[0].map(named));
    stops.extend(
        case.node_address()
            .map(|address| format!("masquerade as {address}")),
    );
    stops.extend(by_tunnel.then(|| "VXLAN".to_owned()));
    stops.extend(nodes[1].map(named));
    stops.push(probe.to.to_string());
    // A node is a stop of its own and an end at the same time.
    stops.dedup();
    writeln!(out, "  {FAINT}way {FAINT:#}  {}", stops.join(" → "))
}

/// The node that an end is on; outside hosts are on none.
fn node_of<'a>(cluster: &'a Cluster, end: &'a EndpointName) -> Option<&'a str> {
    match end {
        EndpointName::Pod(name) => cluster.pods.get(name).map(|pod| pod.node.as_str()),
        EndpointName::Node(name) => Some(name),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}

/// Only what is for a pod on the pod network goes through tunnels: nodes reach each other without.
fn has_own_network(cluster: &Cluster, end: &EndpointName) -> bool {
    match end {
        EndpointName::Pod(name) => {
            let pod = cluster.pods.get(name);
            pod.is_some_and(|pod| !pod.host_network)
        }
        EndpointName::Node(_) | EndpointName::External(_) | EndpointName::Service(_) => false,
    }
}

fn named(node: &str) -> String {
    format!("node/{node}")
}
