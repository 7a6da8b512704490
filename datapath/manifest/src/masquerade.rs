//! What leaves the cluster with its node's address.

use crate::Origin;
use ipnet::{IpNet, Ipv4Net};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

/// What pods send out of the cluster leaves with their node's address, as the ip-masq-agent is configured: by the
/// `ConfigMap` of its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Masquerade {
    /// Where pods keep their addresses: `nonMasqueradeCIDRs`.
    pub non_masquerade_cidrs: Vec<IpNet>,
    /// Whether pods have their node's address towards `169.254.0.0/16`, too: `masqLinkLocal`.
    pub link_local: bool,
    /// The same towards `fe80::/10`: `masqLinkLocalIPv6`.
    pub link_local_v6: bool,
    /// The ports that connections get on the nodes' addresses (annotation `plumbline/masquerade-ports`); `None` leaves
    /// them to the datapath.
    pub ports: Option<RangeInclusive<u16>>,
    /// Where it is written.
    pub origin: Origin,
}

impl Masquerade {
    /// The namespace and the name of the `ConfigMap`.
    pub const CONFIG_MAP: [&str; 2] = ["kube-system", "ip-masq-agent"];
}

impl Default for Masquerade {
    /// What the ip-masq-agent does without a configuration (`NewMasqConfig` in its source): pods keep their addresses
    /// towards the private networks of RFC 1918 and link-local addresses.
    fn default() -> Self {
        let private = [
            ([10, 0, 0, 0], 8),
            ([172, 16, 0, 0], 12),
            ([192, 168, 0, 0], 16),
        ];
        let net = |(octets, length)| Ipv4Net::new_assert(Ipv4Addr::from(octets), length).into();
        Self {
            non_masquerade_cidrs: private.map(net).into(),
            link_local: false,
            link_local_v6: false,
            ports: None,
            origin: Origin::synthetic("the defaults of the ip-masq-agent"),
        }
    }
}
