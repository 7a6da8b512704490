//! What a service is reached at.

use crate::{Protocol, Service};
use std::fmt;
use std::net::IpAddr;

/// Something that only one service can have.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Point {
    /// An address, all of it.
    Address(IpAddr),
    /// A port of every node.
    NodePort(Protocol, u16),
    /// A port of an address that several services share.
    End(IpAddr, Protocol, u16),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::NodePort(protocol, port) => write!(f, "port {port}/{protocol} of the nodes"),
            Self::End(address, protocol, port) => {
                write!(f, "port {port}/{protocol} of {address}")
            }
        }
    }
}

impl Point {
    /// What it is to who has it.
    pub(super) fn role(self) -> &'static str {
        match self {
            Self::Address(_) => "the address of",
            Self::NodePort(..) | Self::End(..) => "that of",
        }
    }

    /// What to do where two have it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Address(_) => "write another address, or none to get one assigned",
            Self::NodePort(..) => "write another node port, or none to get one assigned",
            Self::End(..) => "services can share an address, but each needs ports of its own there",
        }
    }
}

/// Everything that a service is reached at, each with the field that says so.
pub(super) fn points(service: &Service) -> Vec<(Point, String)> {
    let spec = service.object.spec.as_ref();
    let ports = spec
        .and_then(|spec| spec.ports.as_deref())
        .unwrap_or_default();
    let own = service.cluster_ips.iter();
    let own = own.map(|address| (Point::Address(address), field_of(service, address)));
    let mut points: Vec<_> = own.collect();
    for (index, port) in ports.iter().enumerate() {
        let Some((protocol, number)) = super::written::end(port) else {
            continue;
        };
        if let Some(node_port) = service.node_ports.get(index).copied().flatten() {
            let field = format!("spec.ports[{index}].nodePort");
            points.push((Point::NodePort(protocol, node_port), field));
        }
        let end = |(address, field)| (Point::End(address, protocol, number), field);
        points.extend(shared(service).map(end));
    }
    if let Some(port) = service.health_check_node_port {
        let field = "spec.healthCheckNodePort".to_owned();
        points.push((Point::NodePort(Protocol::Tcp, port), field));
    }
    points
}

/// The field that gives the service its address in the cluster.
fn field_of(service: &Service, address: IpAddr) -> String {
    let spec = service.object.spec.as_ref();
    let all = spec.and_then(|spec| spec.cluster_ips.as_deref());
    let mut all = all.unwrap_or_default().iter();
    match all.position(|text| text.parse() == Ok(address)) {
        Some(index) => format!("spec.clusterIPs[{index}]"),
        None => "spec.clusterIP".to_owned(),
    }
}

/// The addresses of the service that others can have ports of, too.
pub(super) fn shared(service: &Service) -> impl Iterator<Item = (IpAddr, String)> {
    let external = super::written::external_ips(service);
    let external = external.map(|(index, address)| (address, format!("spec.externalIPs[{index}]")));
    let balancers = service.load_balancer_ips.iter().enumerate();
    let balancers = balancers
        .map(|(index, address)| (*address, format!("status.loadBalancer.ingress[{index}].ip")));
    external.chain(balancers)
}
