//! Addresses for nodes that have none written: one slot a node.

use crate::Addresses;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NODE_V4: Ipv4Addr = Ipv4Addr::new(172, 18, 0, 1);
const NODE_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x172, 0x18, 0, 0, 0, 0, 1);
const PODS_V4: Ipv4Addr = Ipv4Addr::new(10, 244, 0, 0);
const PODS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x10, 0x244, 0, 0, 0, 0, 0);

/// How many slots there are.
const MOST_SLOTS: u32 = 1 << 16;

/// The slots that are left.
#[derive(Default)]
pub(super) struct Slots {
    /// What no slot may overlap: pod CIDRs, and the addresses of nodes and outside hosts. None lies in another.
    taken: BTreeSet<IpNet>,
    /// The first slot that was not tried yet.
    next: u32,
}

impl Slots {
    /// Keeps slots clear of pod CIDRs.
    pub(super) fn avoid_cidrs(&mut self, cidrs: &[IpNet]) {
        for cidr in cidrs {
            self.avoid(cidr.trunc());
        }
    }

    /// Keeps slots clear of the addresses of a node or an outside host.
    pub(super) fn avoid_addresses(&mut self, addresses: Addresses) {
        for address in addresses.iter() {
            self.avoid(address.into());
        }
    }

    fn avoid(&mut self, prefix: IpNet) {
        while let Some(other) = self.overlapping(prefix) {
            if other.contains(&prefix) {
                return;
            }
            self.taken.remove(&other);
        }
        self.taken.insert(prefix);
    }

    /// The next slot that overlaps with nothing that is taken, and whose node addresses are free; none if all are used.
    pub(super) fn next(&mut self, is_free: impl Fn(IpAddr) -> bool) -> Option<u32> {
        let is_clear = |slot: &u32| {
            let addresses = addresses(*slot);
            let own = addresses.iter().map(IpNet::from);
            let mut prefixes = own.chain(pod_cidrs(*slot, addresses));
            addresses.iter().all(&is_free)
                && prefixes.all(|prefix| self.overlapping(prefix).is_none())
        };
        let slot = (self.next..MOST_SLOTS).find(is_clear);
        self.next = slot.map_or(MOST_SLOTS, |slot| slot + 1);
        slot
    }

    /// What is taken and overlaps with `prefix`. As none lies in another, only its neighbours in order can.
    fn overlapping(&self, prefix: IpNet) -> Option<IpNet> {
        let before = self.taken.range(..prefix).next_back();
        let after = self.taken.range(prefix..).next();
        let mut neighbours = before.into_iter().chain(after);
        let overlaps = |other: &&IpNet| other.contains(&prefix) || prefix.contains(*other);
        neighbours.find(overlaps).copied()
    }
}

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
