//! The routes between nodes: what leads to whom, and how to change it.

use crate::address_plan::{FABRIC_MAC, OVERLAY_MAC, uplink_mac};
use crate::netlink::Batch;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who takes a packet next. Each has a link-local address in both families, whatever addresses it has besides, and a
/// known link-layer address: nobody asks, and nobody waits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Hop {
    /// The router to the outside.
    Fabric,
    /// The node with this number, on the segment.
    Node(u32),
    /// The other end of a tunnel.
    Overlay,
    /// Nobody: what no endpoint's own route takes is refused, so that it does not go round.
    Nobody,
}

/// Through which interface, and to whom.
pub(crate) type Way = (u32, Hop);

impl Hop {
    /// The next hop for a prefix, in its family; none if nobody takes it.
    fn address(self, prefix: IpNet) -> Option<IpAddr> {
        let has_one = self != Self::Nobody;
        has_one.then(|| match prefix {
            IpNet::V4(_) => self.v4().into(),
            IpNet::V6(_) => self.v6().into(),
        })
    }

    fn mac(self) -> [u8; 6] {
        match self {
            Self::Fabric => FABRIC_MAC,
            Self::Node(number) => uplink_mac(number),
            Self::Overlay => OVERLAY_MAC,
            Self::Nobody => [0; 6],
        }
    }

    fn v4(self) -> Ipv4Addr {
        match self {
            Self::Fabric => Ipv4Addr::new(169, 254, 2, 1),
            Self::Overlay | Self::Nobody => Ipv4Addr::new(169, 254, 3, 1),
            Self::Node(number) => {
                let [_, _, high, low] = number.to_be_bytes();
                Ipv4Addr::new(169, 254, high.saturating_add(16), low)
            }
        }
    }

    fn v6(self) -> Ipv6Addr {
        let (kind, number) = match self {
            Self::Fabric => (2, 1),
            Self::Overlay | Self::Nobody => (3, 1),
            Self::Node(number) => (4, number),
        };
        Ipv6Addr::from((0xfe80_u128 << 112) + (kind << 32) + u128::from(number))
    }
}

/// The routes of one router that lead to others.
#[derive(Default)]
pub(crate) struct Routes {
    held: BTreeMap<IpNet, Way>,
    /// Interfaces and next hops with neighbour entries. They stay: a number is never given again.
    known: BTreeSet<(u32, IpAddr)>,
}

impl Routes {
    /// Makes the routes these.
    pub(crate) fn change(&mut self, wanted: BTreeMap<IpNet, Way>) -> Batch {
        let mut batch = Batch::default();
        for (prefix, way) in &self.held {
            if wanted.get(prefix) != Some(way) {
                batch.remove_route(*prefix, way.0, way.1.address(*prefix));
            }
        }
        for (prefix, way) in &wanted {
            if self.held.get(prefix) == Some(way) {
                continue;
            }
            let (ifindex, hop) = *way;
            let next_hop = hop.address(*prefix);
            if let Some(next_hop) = next_hop
                && self.known.insert((ifindex, next_hop))
            {
                batch.add_neighbour(ifindex, next_hop, hop.mac());
            }
            batch.add_route(*prefix, ifindex, next_hop);
        }
        self.held = wanted;
        batch
    }
}
