//! A probe whose ends are known by address.

use super::service;
use manifest::{Cluster, EndpointName, Protocol};
use oracle::{Probe, ProbeError};
use std::net::IpAddr;

/// Who asks whom, by address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Question {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: Protocol,
    /// Host order; zero for ICMP.
    pub(super) port: u16,
    /// Whether the destination is a service's: it is answered elsewhere than where it is sent.
    pub(super) is_virtual: bool,
}

impl Question {
    /// Finds the addresses of both ends.
    pub(super) fn new(cluster: &Cluster, probe: &Probe) -> Result<Self, ProbeError> {
        let protocol = probe.protocol;
        if probe.port.is_some() == (protocol == Protocol::Icmp) {
            return Err(ProbeError::Port { protocol });
        }
        let of = |end: &EndpointName| {
            let addresses = cluster.addresses(end);
            addresses.ok_or_else(|| ProbeError::Unknown(end.clone()))
        };
        let (from, to) = (of(&probe.from)?, of(&probe.to)?);
        let same_family = |own: &IpAddr| own.is_ipv4() == probe.address.is_ipv4();
        let source = from.iter().find(same_family);
        let source = source.ok_or_else(|| ProbeError::NoSourceAddress {
            from: probe.from.clone(),
            to: probe.address,
        })?;
        if !to.contains(probe.address) && !is_of_service(cluster, probe) {
            return Err(ProbeError::ForeignAddress {
                to: probe.to.clone(),
                address: probe.address,
                addresses: to.iter().collect(),
            });
        }
        Ok(Self {
            source,
            destination: probe.address,
            protocol,
            port: probe.port.unwrap_or(0),
            is_virtual: service::is_virtual(cluster, probe),
        })
    }
}

/// Whether the probe is to a service, at one of the addresses that it has for outside hosts.
fn is_of_service(cluster: &Cluster, probe: &Probe) -> bool {
    let EndpointName::Service(name) = &probe.to else {
        return false;
    };
    let service = cluster.services.get(name);
    service.is_some_and(|service| {
        let mut outside = service.outside_addresses();
        outside.any(|address| address == probe.address)
    })
}
