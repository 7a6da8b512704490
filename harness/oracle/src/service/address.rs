//! Where services are reached.

use super::Asked;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use manifest::{Addresses, Cluster, ObjectName, Protocol, Service};
use std::net::IpAddr;

/// A port of a service, reached at one of its addresses.
pub(super) struct Offer<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) spec: &'a ServiceSpec,
    pub(super) port: &'a ServicePort,
    /// Whether the address is for who is in the cluster. All others are for outside hosts too.
    pub(super) is_cluster_ip: bool,
    /// Whether it is one of a load balancer.
    pub(super) is_balanced: bool,
}

/// The port of a service that is asked for, if there is one at this address.
pub(super) fn offer<'a>(cluster: &'a Cluster, asked: &Asked) -> Option<Offer<'a>> {
    cluster.services.iter().find_map(|(name, service)| {
        let spec = service.object.spec.as_ref()?;
        let is_cluster_ip = service.cluster_ips.contains(asked.address);
        let is_its_own = is_cluster_ip || is_for_outside(service, spec, asked.address);
        let is_at_node = is_at_node(cluster, service, asked);
        let mut ports = spec.ports.iter().flatten().enumerate();
        let (_, port) = ports.find(|(index, port)| {
            let node_port = service.node_ports.get(*index).copied().flatten();
            protocol(port.protocol.as_deref()) == Some(asked.protocol)
                && (is_its_own && port.port == i32::from(asked.port)
                    || is_at_node && node_port == Some(asked.port))
        })?;
        Some(Offer {
            name,
            spec,
            port,
            is_cluster_ip,
            is_balanced: is_load_balancers(service, asked.address)
                && port.port == i32::from(asked.port),
        })
    })
}

/// Whether an address is a service's alone. An external IP may be anybody's, and a load balancer of nodes has theirs.
pub(super) fn is_own(cluster: &Cluster, address: IpAddr) -> bool {
    let mut nodes = cluster.nodes.values();
    let is_of_node = nodes.any(|node| node.addresses.contains(address));
    let mut services = cluster.services.values();
    services.any(|service| {
        service.cluster_ips.contains(address) || is_load_balancers(service, address) && !is_of_node
    })
}

fn is_for_outside(service: &Service, spec: &ServiceSpec, address: IpAddr) -> bool {
    let mut external = spec.external_ips.iter().flatten();
    has_family(service.cluster_ips, address)
        && (external.any(|written| written.parse() == Ok(address))
            || is_load_balancers(service, address))
}

fn is_load_balancers(service: &Service, address: IpAddr) -> bool {
    has_family(service.cluster_ips, address) && service.load_balancer_ips.contains(&address)
}

/// A node answers at its own addresses, of the families that the service has.
fn is_at_node(cluster: &Cluster, service: &Service, asked: &Asked) -> bool {
    let node = cluster.nodes.get(&asked.at);
    has_family(service.cluster_ips, asked.address)
        && node.is_some_and(|node| node.addresses.contains(asked.address))
}

/// A service has the families of its cluster addresses; a headless one has none.
fn has_family(addresses: Addresses, address: IpAddr) -> bool {
    addresses
        .iter()
        .any(|own| own.is_ipv4() == address.is_ipv4())
}

/// A protocol as the API writes it; TCP where it is not written.
pub(super) fn protocol(written: Option<&str>) -> Option<Protocol> {
    written.unwrap_or("TCP").parse().ok()
}
