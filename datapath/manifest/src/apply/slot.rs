//! Addresses for nodes that have none written: one slot a node.

use crate::Addresses;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

const NODE_V4: Ipv4Addr = Ipv4Addr::new(172, 18, 0, 1);
const NODE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x172, 0x18, 0, 0, 0, 0, 1);
const PODS_V4: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 0);
const PODS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0);

/// The node addresses of a slot, from 0: `172.18.0.1` and `fd00:172:18::1`, then the next ones.
pub(super) fn addresses(slot: u32) -> Addresses {
    Addresses {
        v4: Some(Ipv4Addr::from_bits(NODE_V4.to_bits().wrapping_add(slot))),
        v6: Some(Ipv6Addr::from_bits(NODE_V6.to_bits() + u128::from(slot))),
    }
}

/// The pod CIDRs of a slot, of the families that the node has: `10.244.0.0/24` and `fd00:10:244::/64`, then the next ones.
pub(super) fn pod_cidrs(slot: u32, node: Addresses) -> Vec<IpNet> {
    let v4 = Ipv4Addr::from_bits(PODS_V4.to_bits().wrapping_add(slot << 8));
    let v6 = Ipv6Addr::from_bits(PODS_V6.to_bits() + (u128::from(slot) << 64));
    let v4 = node.v4.map(|_| IpNet::V4(Ipv4Net::new_assert(v4, 24)));
    let v6 = node.v6.map(|_| IpNet::V6(Ipv6Net::new_assert(v6, 64)));
    v4.into_iter().chain(v6).collect()
}
