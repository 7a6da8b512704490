//! Addresses and ports for services that lack them.

use super::Taken;
use super::families::Families;
use super::point::Point;
use super::written::{end, has_health_check, has_load_balancer, has_node_ports};
use crate::{Protocol, Service};
use k8s_openapi::api::core::v1::ServicePort;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// Addresses in the cluster: the upper part of what most clusters keep for services (`10.96.0.0/12`).
const CLUSTER_V4: Ipv4Addr = Ipv4Addr::new(10, 96, 1, 0);
const CLUSTER_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0x96, 0, 0, 0, 0, 0x100);

/// Addresses of load balancers: prefixes that nobody has (RFC 2544, RFC 3849).
const BALANCER_V4: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);
const BALANCER_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x10ad, 0, 0, 0, 0, 1);

/// How many addresses of each sort there are.
const MOST_ADDRESSES: u32 = 0xfeff;

/// Node ports, from where people seldom write them (as Kubernetes assigns them since 1.27), then the others.
const NODE_PORTS: [RangeInclusive<u16>; 2] = [30_086..=32_767, 30_000..=30_085];

/// What is given out next.
pub(super) struct Free {
    cluster: [Addresses; 2],
    balancer: [Addresses; 2],
    node_port: usize,
}

/// Addresses of one family that follow each other.
type Addresses = Box<dyn Iterator<Item = IpAddr>>;

impl Default for Free {
    fn default() -> Self {
        Self {
            cluster: addresses(CLUSTER_V4, CLUSTER_V6),
            balancer: addresses(BALANCER_V4, BALANCER_V6),
            node_port: 0,
        }
    }
}

impl Free {
    /// Gives a service all that it lacks, and takes note of it; tells what is not left, if anything is not.
    pub(super) fn assign(
        &mut self,
        service: &mut Service,
        families: Families,
        taken: &mut Taken,
    ) -> Option<&'static str> {
        let spec = service.object.spec.clone()?;
        for (is_asked, is_v4) in [(families.v4, true), (families.v6, false)] {
            let has_one = service.cluster_ips.iter().any(|own| own.is_ipv4() == is_v4);
            if is_asked && !has_one {
                let Some(address) = next(&mut self.cluster, is_v4, taken) else {
                    return Some("cluster address");
                };
                service.cluster_ips.add(address);
            }
        }
        if has_load_balancer(&spec) && service.load_balancer_ips.is_empty() {
            for own in service.cluster_ips.iter() {
                let Some(address) = next(&mut self.balancer, own.is_ipv4(), taken) else {
                    return Some("address of a load balancer");
                };
                service.load_balancer_ips.push(address);
            }
        }
        let ports = spec.ports.as_deref().unwrap_or_default();
        if has_node_ports(&spec) {
            for index in 0..ports.len() {
                if service.node_ports[index].is_none() {
                    let Some(number) = self.node_port_beside(index, ports, service, taken) else {
                        return Some("node port");
                    };
                    service.node_ports[index] = Some(number);
                }
            }
        }
        if has_health_check(&spec) && service.health_check_node_port.is_none() {
            let Some(number) = self.node_port(Protocol::Tcp, taken) else {
                return Some("node port");
            };
            service.health_check_node_port = Some(number);
        }
        None
    }

    /// A node port for a port of the service: the one of the same port of another protocol, if it is free.
    fn node_port_beside(
        &mut self,
        index: usize,
        ports: &[ServicePort],
        service: &Service,
        taken: &mut Taken,
    ) -> Option<u16> {
        let (protocol, number) = end(&ports[index])?;
        let mut others = ports.iter().zip(&service.node_ports);
        let beside = others.find_map(|(other, node_port)| {
            node_port.filter(|_| end(other).is_some_and(|(_, port)| port == number))
        });
        match beside {
            Some(beside) if taken.give(Point::NodePort(protocol, beside)) => Some(beside),
            _ => self.node_port(protocol, taken),
        }
    }

    fn node_port(&mut self, protocol: Protocol, taken: &mut Taken) -> Option<u16> {
        let mut all = NODE_PORTS
            .into_iter()
            .flatten()
            .enumerate()
            .skip(self.node_port);
        let (index, number) =
            all.find(|(_, number)| taken.give(Point::NodePort(protocol, *number)))?;
        self.node_port = index;
        Some(number)
    }
}

/// The addresses from these on, IPv4 and IPv6.
fn addresses(v4: Ipv4Addr, v6: Ipv6Addr) -> [Addresses; 2] {
    let v4 = (0..MOST_ADDRESSES).map(move |number| Ipv4Addr::from(v4.to_bits() + number).into());
    let v6 = (0..MOST_ADDRESSES)
        .map(move |number| Ipv6Addr::from(v6.to_bits() + u128::from(number)).into());
    [Box::new(v4), Box::new(v6)]
}

/// The next one that nobody has.
fn next(addresses: &mut [Addresses; 2], is_v4: bool, taken: &mut Taken) -> Option<IpAddr> {
    addresses[usize::from(!is_v4)].find(|address| taken.give(Point::Address(*address)))
}
