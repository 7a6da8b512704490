//! A probe whose ends are known by address.

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
    /// Whether the destination is a service's: then nobody has its address.
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
        if !to.contains(probe.address) {
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
            is_virtual: matches!(probe.to, EndpointName::Service(_)),
        })
    }
}
