//! What the manifest of a service says about where it is reached.

use super::families::Families;
use crate::{Addresses, Protocol, Service, validate};
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use std::net::IpAddr;

/// The service with everything that is written, and with what it had `before` where nothing is.
pub(super) fn complete(service: Service, before: Option<&Service>, families: Families) -> Service {
    let Some(spec) = &service.object.spec else {
        return service;
    };
    Service {
        cluster_ips: cluster_ips(spec, before, families),
        node_ports: node_ports(spec, before),
        load_balancer_ips: load_balancer_ips(&service, spec, before),
        health_check_node_port: health_check_node_port(spec, before),
        ..service
    }
}

/// The protocol and the number of a port that is in order.
pub(super) fn end(port: &ServicePort) -> Option<(Protocol, u16)> {
    let protocol = validate::protocol(port.protocol.as_deref().unwrap_or("TCP")).ok()?;
    Some((protocol, u16::try_from(port.port).ok()?))
}

/// The external addresses that are written, with their place in the list.
pub(super) fn external_ips(service: &Service) -> impl Iterator<Item = (usize, IpAddr)> {
    let spec = service.object.spec.iter();
    let texts = spec.flat_map(|spec| spec.external_ips.iter().flatten());
    let read = texts
        .enumerate()
        .map(|(index, text)| (index, text.parse().ok()));
    read.filter_map(|(index, address)| Some((index, address?)))
}

/// Whether a service of this type has a port on every node for each of its own.
pub(super) fn has_node_ports(spec: &ServiceSpec) -> bool {
    match spec.type_.as_deref() {
        Some("NodePort") => true,
        Some("LoadBalancer") => spec.allocate_load_balancer_node_ports != Some(false),
        _ => false,
    }
}

/// Whether a load balancer stands in front of it.
pub(super) fn has_load_balancer(spec: &ServiceSpec) -> bool {
    spec.type_.as_deref() == Some("LoadBalancer")
}

/// Whether a load balancer asks its nodes whether they have endpoints.
pub(super) fn has_health_check(spec: &ServiceSpec) -> bool {
    has_load_balancer(spec) && spec.external_traffic_policy.as_deref() == Some("Local")
}

fn cluster_ips(spec: &ServiceSpec, before: Option<&Service>, families: Families) -> Addresses {
    let one = spec.cluster_ip.iter();
    let written = one.chain(spec.cluster_ips.iter().flatten());
    let written = written.filter_map(|text| text.parse().ok());
    let before = before
        .into_iter()
        .flat_map(|before| before.cluster_ips.iter());
    let mut addresses = Addresses::default();
    for address in written
        .chain(before)
        .filter(|address| families.have(*address))
    {
        addresses.add(address);
    }
    addresses
}

fn node_ports(spec: &ServiceSpec, before: Option<&Service>) -> Vec<Option<u16>> {
    let ports = spec.ports.iter().flatten();
    let node_port = |port: &ServicePort| {
        let written = port.node_port.and_then(|number| u16::try_from(number).ok());
        let written = written.filter(|number| *number != 0);
        let number = written.or_else(|| node_port_before(before?, port));
        number.filter(|_| has_node_ports(spec))
    };
    ports.map(node_port).collect()
}

/// The node port that the same port of the service had.
fn node_port_before(before: &Service, port: &ServicePort) -> Option<u16> {
    let ports = before.object.spec.as_ref()?.ports.as_ref()?;
    let index = ports.iter().position(|other| end(other) == end(port))?;
    before.node_ports.get(index).copied().flatten()
}

/// Where a load balancer has it, as its status says; else where it is asked to.
fn load_balancer_ips(
    service: &Service,
    spec: &ServiceSpec,
    before: Option<&Service>,
) -> Vec<IpAddr> {
    if !has_load_balancer(spec) {
        return vec![];
    }
    let status = service.object.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    let points = balancer.and_then(|balancer| balancer.ingress.as_deref());
    let points = points.unwrap_or_default().iter();
    let mut written: Vec<IpAddr> = points
        .filter_map(|point| point.ip.as_ref()?.parse().ok())
        .collect();
    if written.is_empty() {
        let asked = spec.load_balancer_ip.iter();
        written.extend(asked.filter_map(|text| text.parse::<IpAddr>().ok()));
    }
    match before {
        Some(before) if written.is_empty() => before.load_balancer_ips.clone(),
        _ => written,
    }
}

fn health_check_node_port(spec: &ServiceSpec, before: Option<&Service>) -> Option<u16> {
    let written = spec.health_check_node_port;
    let written = written.and_then(|number| u16::try_from(number).ok());
    let number = written.filter(|number| *number != 0);
    let number = number.or_else(|| before?.health_check_node_port);
    number.filter(|_| has_health_check(spec))
}
