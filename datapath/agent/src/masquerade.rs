//! Masquerade: what pods send out of the cluster leaves with their node's address.

use crate::{Agent, AgentError};
use abi::{Address, CidrKey, PortRange};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// How pods' connections out of the cluster are masqueraded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Masquerade {
    /// Prefixes to which a pod's packets keep its address (`nonMasqueradeCIDRs` of the ip-masq-agent). Endpoints of the
    /// cluster need not be in it: what is for one of them keeps its address anyway.
    pub exceptions: BTreeSet<IpNet>,
    /// The ports, and identifiers of ICMP echoes, that connections get on the node's address. A pod's own is kept if it
    /// is one of these and free towards the remote end. The node's own connections must not use them: keep clear of
    /// `net.ipv4.ip_local_port_range` and of what listens on the node.
    pub ports: RangeInclusive<u16>,
}

impl Default for Masquerade {
    /// The exceptions of the ip-masq-agent: the private networks of RFC 1918 and the link-local ones of both families,
    /// which are those with `masqLinkLocal` and `masqLinkLocalIPv6` off. The ports above those that Linux gives to
    /// connections by default (32768–60999).
    fn default() -> Self {
        let v4 = |octets: [u8; 4], length| IpNet::new_assert(octets.into(), length);
        let link_local_v6 = [0xfe80_u16, 0, 0, 0, 0, 0, 0, 0].into();
        Self {
            exceptions: BTreeSet::from([
                v4([10, 0, 0, 0], 8),
                v4([172, 16, 0, 0], 12),
                v4([192, 168, 0, 0], 16),
                v4([169, 254, 0, 0], 16),
                IpNet::new_assert(link_local_v6, 10),
            ]),
            ports: 61_000..=65_535,
        }
    }
}

impl Masquerade {
    /// The ports, as the programs know them.
    ///
    /// # Errors
    /// When there are none: the first is zero, or above the last.
    pub fn port_range(&self) -> Result<PortRange, AgentError> {
        let range = PortRange {
            first: *self.ports.start(),
            last: *self.ports.end(),
        };
        if range.count() == 0 {
            return Err(AgentError::NoPorts {
                first: range.first,
                last: range.last,
            });
        }
        Ok(range)
    }

    /// The ports that the node gives to connections of services that it sends on to other nodes: those of the masquerade
    /// that is in force, or of the default one.
    #[must_use]
    pub fn ports_of_services(in_force: PortRange) -> PortRange {
        if in_force == PortRange::NONE {
            Self::default().port_range().unwrap_or_default()
        } else {
            in_force
        }
    }

    /// The exceptions, as the programs know them. Host bits are masked.
    #[must_use]
    pub fn prefixes(&self) -> BTreeSet<CidrKey> {
        self.exceptions.iter().map(prefix).collect()
    }
}

impl Agent {
    /// Has the node look for services in what comes from elsewhere, from the first one on.
    pub(crate) fn serve_from_elsewhere(&mut self) -> Result<(), AgentError> {
        if self.maps.service_ports()? != PortRange::NONE {
            return Ok(());
        }
        let ports = Masquerade::ports_of_services(self.maps.masquerade_ports()?);
        self.maps.set_service_ports(ports)
    }

    /// Has what pods send out of the cluster masqueraded like this, or not at all, as after [`Agent::load`]. After
    /// [`Agent::resume`] all is as the last agent said. A pod's packets get the node's address of their family, which
    /// [`Agent::set_nodes`] says; without one they stay as they are.
    ///
    /// Connections that were answered go on as they began, with or without the node's address, whatever the exceptions
    /// and ports are then. Without masquerade those that had the node's address end.
    ///
    /// # Errors
    /// When there are no such ports, and when the table of exceptions is full: then it has the old exceptions, as many of
    /// these as there was room for, and the old ports.
    pub fn set_masquerade(&mut self, masquerade: Option<&Masquerade>) -> Result<(), AgentError> {
        let ports = masquerade.map_or(Ok(PortRange::NONE), Masquerade::port_range)?;
        let known = self.maps.unmasqueraded()?;
        let exceptions = masquerade.map(Masquerade::prefixes).unwrap_or_default();
        for prefix in &exceptions {
            if !known.contains(prefix) {
                let written = self.maps.put_unmasqueraded(prefix);
                self.counting_refusals(written)?;
            }
        }
        self.maps.set_masquerade_ports(ports)?;
        if self.maps.service_ports()? != PortRange::NONE {
            let ports = Masquerade::ports_of_services(ports);
            self.maps.set_service_ports(ports)?;
        }
        known
            .difference(&exceptions)
            .try_for_each(|prefix| self.maps.delete_unmasqueraded(prefix))
    }
}

fn prefix(net: &IpNet) -> CidrKey {
    let net = net.trunc();
    let above = if net.addr().is_ipv4() { 96 } else { 0 };
    CidrKey {
        prefix_length: above + u32::from(net.prefix_len()),
        address: Address::from(net.addr()),
    }
}
