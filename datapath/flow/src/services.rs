//! Whose a virtual end is.

use abi::protocol;
use manifest::{Cluster, ObjectName, Service};
use std::collections::HashMap;
use std::net::IpAddr;

/// Services by where they are reached.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    by_end: HashMap<(IpAddr, u8, u16), ObjectName>,
    /// By the addresses that are theirs alone.
    by_address: HashMap<IpAddr, ObjectName>,
}

impl Services {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let mut services = Self::default();
        for (name, service) in &cluster.services {
            let own = service.cluster_ips.iter();
            let own = own.map(|address| (address, name.clone()));
            services.by_address.extend(own);
            for end in ends(cluster, service) {
                services.by_end.entry(end).or_insert_with(|| name.clone());
            }
        }
        services
    }

    /// The service at this end or, if it has no such port, at this address.
    pub(crate) fn at(
        &self,
        address: IpAddr,
        protocol: u8,
        port: Option<u16>,
    ) -> Option<&ObjectName> {
        let exact = port.and_then(|port| self.by_end.get(&(address, protocol, port)));
        exact.or_else(|| self.by_address.get(&address))
    }
}

/// Where a service is reached: at its own addresses, and at its node ports at every node.
fn ends(cluster: &Cluster, service: &Service) -> Vec<(IpAddr, u8, u16)> {
    let Some(spec) = &service.object.spec else {
        return Vec::new();
    };
    let external = spec.external_ips.iter().flatten();
    let external = external.filter_map(|address| address.parse().ok());
    let balancers = service.load_balancer_ips.iter().copied();
    let own = service.cluster_ips.iter().chain(external).chain(balancers);
    let own: Vec<IpAddr> = own.collect();
    let nodes = cluster.nodes.values();
    let nodes: Vec<IpAddr> = nodes.flat_map(|node| node.addresses.iter()).collect();
    let mut ends = Vec::new();
    for (index, port) in spec.ports.iter().flatten().enumerate() {
        let protocol = protocol_number(port.protocol.as_deref());
        if let Ok(number) = u16::try_from(port.port) {
            ends.extend(own.iter().map(|address| (*address, protocol, number)));
        }
        if let Some(number) = service.node_ports.get(index).copied().flatten() {
            ends.extend(nodes.iter().map(|address| (*address, protocol, number)));
        }
    }
    ends
}

fn protocol_number(written: Option<&str>) -> u8 {
    match written {
        Some("UDP") => protocol::UDP,
        Some("SCTP") => protocol::SCTP,
        _ => protocol::TCP,
    }
}
