//! The load balancer in front of the cluster: to which node it sends what is for services.

use manifest::{Cluster, EndpointName, Protocol};
use oracle::service::{Answer, Asked, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The addresses at which outside hosts reach services, no node's own, and the node that each leads to: the first one
/// that can serve, as its health check would say; the first of all if none can.
pub(super) fn routes(cluster: &Cluster) -> BTreeMap<IpAddr, &str> {
    let is_of_node = |address: &IpAddr| {
        let mut nodes = cluster.nodes.values();
        nodes.any(|node| node.addresses.contains(*address))
    };
    let mut ends: BTreeMap<IpAddr, BTreeSet<(Protocol, u16)>> = BTreeMap::new();
    for service in cluster.services.values() {
        for address in service.outside_addresses().filter(|it| !is_of_node(it)) {
            ends.entry(address).or_default().extend(ports(service));
        }
    }
    let routes = ends.into_iter();
    routes
        .filter_map(|(address, ends)| Some((address, node(cluster, address, &ends)?)))
        .collect()
}

/// The node that this address leads to.
pub(super) fn node_for(cluster: &Cluster, address: IpAddr) -> Option<&str> {
    routes(cluster).remove(&address)
}

fn ports(service: &manifest::Service) -> impl Iterator<Item = (Protocol, u16)> {
    let spec = service.object.spec.iter();
    let ports = spec.flat_map(|spec| spec.ports.iter().flatten());
    ports.filter_map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        Some((protocol.parse().ok()?, u16::try_from(port.port).ok()?))
    })
}

fn node<'a>(
    cluster: &'a Cluster,
    address: IpAddr,
    ends: &BTreeSet<(Protocol, u16)>,
) -> Option<&'a str> {
    let can_serve = |node: &&String| {
        ends.iter().any(|(protocol, port)| {
            let asked = Asked {
                from: EndpointName::External(String::new()),
                at: (*node).clone(),
                address,
                protocol: *protocol,
                port: *port,
            };
            matches!(serve(cluster, &asked), Answer::Served(_))
        })
    };
    let mut nodes = cluster.nodes.keys();
    let first = cluster.nodes.keys().next();
    nodes.find(can_serve).or(first).map(String::as_str)
}
