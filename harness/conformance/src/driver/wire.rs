//! What a link sees of a frame, however broken the frame is: read at fixed places, nothing is checked.

use abi::protocol;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the network header begins.
const NETWORK: usize = 14;
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ARP: [u8; 2] = [0x08, 0x06];
/// The multicast prefix of IPv6.
const MULTICAST: u8 = 0xff;

/// What a frame says it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Ipv4,
    Ipv6,
    Arp,
    Other,
}

/// What a frame says it is.
pub(super) fn kind(frame: &[u8]) -> Kind {
    match at(frame, NETWORK - 2) {
        Some(IPV4) => Kind::Ipv4,
        Some(IPV6) => Kind::Ipv6,
        Some(ARP) => Kind::Arp,
        _ => Kind::Other,
    }
}

/// Where the packet in a frame is to go.
pub(super) fn destination(frame: &[u8]) -> Option<IpAddr> {
    match kind(frame) {
        Kind::Ipv4 => at::<4>(frame, NETWORK + 16).map(|octets| Ipv4Addr::from(octets).into()),
        Kind::Ipv6 => at::<16>(frame, NETWORK + 24).map(|octets| Ipv6Addr::from(octets).into()),
        Kind::Arp | Kind::Other => None,
    }
}

/// What tells connections apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Tuple {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    /// Source and destination, host order, of protocols that have ports.
    pub(super) ports: Option<(u16, u16)>,
}

/// The tuple of the packet in a frame; `None` if it is no IP packet. A later fragment has no ports.
pub(super) fn tuple(frame: &[u8]) -> Option<Tuple> {
    let (source, transport) = match kind(frame) {
        Kind::Ipv4 => (
            Ipv4Addr::from(at::<4>(frame, NETWORK + 12)?).into(),
            behind_ipv4(frame)?,
        ),
        Kind::Ipv6 => (
            Ipv6Addr::from(at::<16>(frame, NETWORK + 8)?).into(),
            behind_ipv6(frame)?,
        ),
        Kind::Arp | Kind::Other => return None,
    };
    let Transport {
        protocol,
        offset,
        is_later_fragment,
    } = transport;
    let has_ports = matches!(protocol, protocol::TCP | protocol::UDP | protocol::SCTP);
    let ports = at::<4>(frame, NETWORK + offset)
        .filter(|_| has_ports && !is_later_fragment)
        .map(|[a, b, c, d]| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
    Some(Tuple {
        source,
        destination: destination(frame)?,
        protocol,
        ports,
    })
}

/// The address and port that a packet comes from; of an ICMP echo request its identifier, of a reply zero.
pub(super) fn source_end(frame: &[u8]) -> Option<(IpAddr, u16)> {
    let tuple = tuple(frame)?;
    if let Some((port, _)) = tuple.ports {
        return Some((tuple.source, port));
    }
    let transport = match kind(frame) {
        Kind::Ipv4 => behind_ipv4(frame)?,
        _ => behind_ipv6(frame)?,
    };
    let [kind, _, _, _, high, low] = at::<6>(frame, NETWORK + transport.offset)?;
    let is_whole = !transport.is_later_fragment;
    match (transport.protocol, kind) {
        (protocol::ICMP, 8) | (protocol::ICMPV6, 128) if is_whole => {
            Some((tuple.source, u16::from_be_bytes([high, low])))
        }
        (protocol::ICMP, 0) | (protocol::ICMPV6, 129) if is_whole => Some((tuple.source, 0)),
        _ => None,
    }
}

/// A frame in a VXLAN packet (RFC 7348).
pub(super) struct Packed<'a> {
    /// The end of the tunnel that it comes from.
    pub(super) from: IpAddr,
    /// The network identifier.
    pub(super) identity: u32,
    pub(super) frame: &'a [u8],
}

/// What is in a frame that goes through a tunnel.
pub(super) fn packed(frame: &[u8]) -> Option<Packed<'_>> {
    let tuple = tuple(frame).filter(is_for_tunnel)?;
    let transport = match kind(frame) {
        Kind::Ipv4 => behind_ipv4(frame)?,
        _ => behind_ipv6(frame)?,
    };
    let header = NETWORK + transport.offset + 8;
    let [high, middle, low, _] = at::<4>(frame, header + 4)?;
    Some(Packed {
        from: tuple.source,
        identity: u32::from_be_bytes([0, high, middle, low]),
        frame: frame.get(header + 8..)?,
    })
}

/// Whether a packet is for a tunnel.
pub(super) fn is_for_tunnel(tuple: &Tuple) -> bool {
    let to = tuple.ports.map(|(_, to)| to);
    tuple.protocol == protocol::UDP && to == Some(lab::VXLAN_PORT)
}

/// What an IP header leads to.
struct Transport {
    protocol: u8,
    /// From the IP header on.
    offset: usize,
    is_later_fragment: bool,
}

fn behind_ipv4(frame: &[u8]) -> Option<Transport> {
    const IHL: u8 = 0x0f;
    const FRAGMENT_OFFSET: u16 = 0x1fff;
    let fragment = u16::from_be_bytes(at(frame, NETWORK + 6)?);
    Some(Transport {
        protocol: *frame.get(NETWORK + 9)?,
        offset: usize::from(frame.get(NETWORK)? & IHL) * 4,
        is_later_fragment: fragment & FRAGMENT_OFFSET != 0,
    })
}

/// Steps over extension headers (RFC 8200 section 4).
fn behind_ipv6(frame: &[u8]) -> Option<Transport> {
    const FRAGMENT: u8 = 44;
    const AUTHENTICATION: u8 = 51;
    let mut transport = Transport {
        protocol: *frame.get(NETWORK + 6)?,
        offset: 40,
        is_later_fragment: false,
    };
    while let 0 | 43 | FRAGMENT | AUTHENTICATION | 60 = transport.protocol {
        let [next, length, position @ ..] = at::<4>(frame, NETWORK + transport.offset)?;
        let length = usize::from(length);
        transport.offset += match transport.protocol {
            FRAGMENT => 8,
            AUTHENTICATION => (length + 2) * 4,
            _ => (length + 1) * 8,
        };
        if transport.protocol == FRAGMENT {
            transport.is_later_fragment = u16::from_be_bytes(position) >> 3 != 0;
        }
        transport.protocol = next;
    }
    Some(transport)
}

/// Whether it is for everybody on its link, and goes no further.
pub(super) fn is_for_the_link(frame: &[u8]) -> bool {
    match kind(frame) {
        Kind::Arp => true,
        Kind::Ipv6 => frame.get(NETWORK + 24) == Some(&MULTICAST),
        Kind::Ipv4 | Kind::Other => false,
    }
}

/// Whether these are the same packet: link-layer addresses, hop limit and the header checksum over it change on the way.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    without_what_changes(one) == without_what_changes(other)
}

/// A frame without what changes on the way of a packet.
pub(super) fn without_what_changes(frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.get(12..).unwrap_or_default().to_vec();
    let network = NETWORK - 12;
    let changing: &[usize] = match kind(frame) {
        Kind::Ipv4 => &[8, 10, 11],
        Kind::Ipv6 => &[7],
        Kind::Arp | Kind::Other => &[],
    };
    for offset in changing {
        if let Some(byte) = bytes.get_mut(network + offset) {
            *byte = 0;
        }
    }
    bytes
}

/// Whether IPv6 stacks send it of their own accord: multicast listener reports and solicitations.
pub(super) fn is_housekeeping(frame: &[u8]) -> bool {
    const HOP_BY_HOP: u8 = 0;
    const ICMPV6: u8 = 58;
    if kind(frame) != Kind::Ipv6 {
        return false;
    }
    let message = match frame.get(NETWORK + 6) {
        Some(&ICMPV6) => NETWORK + 40,
        Some(&HOP_BY_HOP) if frame.get(NETWORK + 40) == Some(&ICMPV6) => NETWORK + 48,
        _ => return false,
    };
    matches!(frame.get(message), Some(130..=133 | 135 | 143))
}

fn at<const N: usize>(frame: &[u8], offset: usize) -> Option<[u8; N]> {
    frame.get(offset..offset + N)?.try_into().ok()
}
