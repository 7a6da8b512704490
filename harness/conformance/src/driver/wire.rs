//! What a link sees of a frame, however broken the frame is: read at fixed places, nothing is checked.

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

fn without_what_changes(frame: &[u8]) -> Vec<u8> {
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
