//! Who answers what: needed by the drivers that open no sockets.

use manifest::{Cluster, ContainerPort, EndpointName, ObjectName, Protocol};
use oracle::Probe;

/// Whether something answers at the destination: echo always, otherwise a declared port.
pub(crate) fn is_served(cluster: &Cluster, probe: &Probe) -> bool {
    let Some(port) = probe.port else {
        return probe.protocol == Protocol::Icmp;
    };
    let is_it = |served: &ContainerPort| served.port == port && served.protocol == probe.protocol;
    match &probe.to {
        EndpointName::Pod(name) => pod_serves(cluster, name, is_it),
        EndpointName::Node(name) => node_serves(cluster, name, is_it),
        EndpointName::External(name) => cluster
            .externals
            .get(name)
            .is_some_and(|host| host.ports.iter().any(is_it)),
        EndpointName::Service(_) => false,
    }
}

fn pod_serves(
    cluster: &Cluster,
    name: &ObjectName,
    is_it: impl Fn(&ContainerPort) -> bool,
) -> bool {
    cluster.pods.get(name).is_some_and(|pod| {
        if pod.host_network {
            node_serves(cluster, &pod.node, is_it)
        } else {
            pod.ports.iter().any(is_it)
        }
    })
}

/// A node serves what its hostNetwork pods declare: they share its network namespace.
fn node_serves(cluster: &Cluster, node: &str, is_it: impl Fn(&ContainerPort) -> bool) -> bool {
    let mut pods = cluster.pods.values();
    pods.any(|pod| pod.host_network && pod.node == node && pod.ports.iter().any(&is_it))
}
