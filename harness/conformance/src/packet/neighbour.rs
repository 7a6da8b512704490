//! Who has which address on a link: ARP (RFC 826) and neighbour discovery (RFC 4861).

use super::Frame;
use super::transport::{icmpv6, octets};
use etherparse::{IpNumber, Ipv6Header};
use manifest::EndpointName;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ARP: [u8; 2] = [0x08, 0x06];
/// Ethernet and IPv4, addresses of six and four bytes.
const ARP_HEADER: [u8; 6] = [0, 1, 8, 0, 6, 4];
/// Where in an ARP frame, from the `EtherType` on, the sender's link-layer address is.
const ARP_SENDER: usize = 10;
/// Neighbour discovery is for the link only (RFC 4861 section 7.1).
const ON_LINK: u8 = 255;
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// An ARP message. The sender's link-layer address is its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arp {
    /// Asks who has the target; the sender says that it is at `sender`, or nobody yet (0.0.0.0).
    Request {
        /// The address of who asks.
        sender: Ipv4Addr,
        /// The address that is asked about.
        target: Ipv4Addr,
    },
    /// Says that the sender has this address.
    Reply {
        /// The address that is claimed.
        sender: Ipv4Addr,
        /// Who is told.
        target: Ipv4Addr,
    },
}

/// A neighbour discovery message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Discovery {
    /// Asks who has the target; the source may be unspecified (duplicate address detection).
    Solicitation {
        /// The address of who asks.
        source: Ipv6Addr,
        /// The address that is asked about.
        target: Ipv6Addr,
    },
    /// Says that the sender has the target.
    Advertisement {
        /// The address of who says so.
        source: Ipv6Addr,
        /// The address that is claimed.
        target: Ipv6Addr,
    },
    /// Says that the sender is a router.
    RouterAdvertisement {
        /// The address of who says so.
        source: Ipv6Addr,
    },
}

impl Arp {
    /// The frame that `from` sends.
    #[must_use]
    pub fn to_frame(self, from: EndpointName) -> Frame {
        let (operation, sender, target) = match self {
            Self::Request { sender, target } => (1_u16, sender, target),
            Self::Reply { sender, target } => (2, sender, target),
        };
        let mut bytes = ARP.to_vec();
        bytes.extend(ARP_HEADER);
        bytes.extend(operation.to_be_bytes());
        bytes.extend([0; 6]);
        bytes.extend(sender.octets());
        bytes.extend([0; 6]);
        bytes.extend(target.octets());
        let mut frame = Frame::new(from, bytes);
        frame.own_mac_at = Some(ARP_SENDER);
        frame
    }
}

impl Discovery {
    /// The frame that `from` sends.
    #[must_use]
    pub fn to_frame(self, from: EndpointName) -> Frame {
        let (source, destination, header, body) = match self {
            Self::Solicitation { source, target } => {
                let to = solicited_node(target);
                (
                    source,
                    to,
                    [135, 0, 0, 0, 0, 0, 0, 0],
                    target.octets().to_vec(),
                )
            }
            // Flags: solicited and override.
            Self::Advertisement { source, target } => (
                source,
                ALL_NODES,
                [136, 0, 0, 0, 0x60, 0, 0, 0],
                target.octets().to_vec(),
            ),
            // Hop limit 64, no flags, 1800 seconds; two timers that say nothing.
            Self::RouterAdvertisement { source } => {
                (source, ALL_NODES, [134, 0, 0, 0, 64, 0, 7, 8], vec![0; 8])
            }
        };
        let message = icmpv6(source.into(), destination.into(), header, &body);
        let header = Ipv6Header {
            payload_length: u16::try_from(message.len()).unwrap_or(u16::MAX),
            next_header: IpNumber::IPV6_ICMP,
            hop_limit: ON_LINK,
            source: octets(IpAddr::V6(source)),
            destination: octets(IpAddr::V6(destination)),
            ..Ipv6Header::default()
        };
        let network = [header.to_bytes().as_slice(), &message].concat();
        Frame::of_network(from, &network, None)
    }
}

/// The multicast address that whoever has `target` listens to (RFC 4291 section 2.7.1).
fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    let low = u16::from_be_bytes([b, c]);
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low)
}
