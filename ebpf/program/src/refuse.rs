//! Refusals: a packet that goes nowhere becomes the answer that says so, at once.

use crate::Packet;
use crate::parse::{CLOSES, Header, Kind, NETWORK, OPENS, RESETS};
use crate::scratch::{Scratch, Tuple};
use crate::sctp;
use abi::{Address, DropReason, protocol};

/// Hops that an answer may take.
const HOPS: u8 = 64;
const TCP_LENGTH: u32 = 20;
/// What an ICMP error has before the packet that it quotes.
const ICMP_LENGTH: u32 = 8;
/// What it quotes behind the IP header: the ports (RFC 792).
const QUOTED_PAYLOAD: u32 = 8;
/// The longest IP header, with options or extension headers, that is quoted.
const MAX_QUOTED_HEADER: u32 = 120;

/// Whether who sent a packet that is dropped for this reason is told.
#[inline(always)]
pub(crate) const fn is_told(reason: DropReason) -> bool {
    matches!(
        reason,
        DropReason::NoServiceBackend | DropReason::NoServicePort | DropReason::ServiceBackendGone
    )
}

/// Turns the packet of `scratch.tuple` into the answer: a reset to TCP (RFC 9293 section 3.5.1), an ABORT to SCTP (RFC 9260
/// section 8.4), to others the ICMP error
/// that the port cannot be reached (RFC 792, RFC 4443 section 3.1). `None` if there is none: to resets, ICMP errors and
/// fragments but the first (RFC 1122 section 3.2.2), or if the packet cannot be written.
#[inline(always)]
pub(crate) fn turn<P: Packet>(packet: &mut P, scratch: &Scratch) -> Option<()> {
    let (header, payload) = scratch.parsed();
    let nature = payload.nature;
    if !header.has_transport() || nature.kind == Kind::IcmpError {
        return None;
    }
    let gateway: [u8; 6] = packet.read(0)?;
    let sender: [u8; 6] = packet.read(6)?;
    match header.protocol {
        protocol::TCP | protocol::SCTP if nature.detail & RESETS != 0 => return None,
        protocol::TCP => reset(packet, header, nature.detail, &scratch.tuple)?,
        protocol::SCTP => abort(packet, header, nature.detail, &scratch.tuple)?,
        _ => unreachable(packet, header, &scratch.tuple)?,
    }
    packet.set_ethernet_addresses(sender, gateway);
    Some(())
}

#[inline(always)]
fn reset<P: Packet>(packet: &mut P, header: Header, detail: u8, tuple: &Tuple) -> Option<()> {
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let segment: [u8; 20] = packet.read(header.payload)?;
    let [
        _,
        _,
        _,
        _,
        s0,
        s1,
        s2,
        s3,
        a0,
        a1,
        a2,
        a3,
        offset,
        flags,
        ..,
    ] = segment;
    let transport = header.payload + u32::from(offset >> 4) * 4;
    let length = header.end.saturating_sub(transport)
        + u32::from(detail & OPENS != 0)
        + u32::from(detail & CLOSES != 0);
    let (sequence, acknowledged, flags) = if flags & ACK == 0 {
        let next = u32::from_be_bytes([s0, s1, s2, s3]).wrapping_add(length);
        ([0; 4], next.to_be_bytes(), RST | ACK)
    } else {
        ([a0, a1, a2, a3], [0; 4], RST)
    };
    let mut tcp = [0; TCP_LENGTH as usize];
    tcp[..2].copy_from_slice(&tuple.destination_port.octets());
    tcp[2..4].copy_from_slice(&tuple.source_port.octets());
    tcp[4..8].copy_from_slice(&sequence);
    tcp[8..12].copy_from_slice(&acknowledged);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    let sum = Sum::default()
        .of_pseudo_header(tuple, protocol::TCP, TCP_LENGTH)
        .of(tcp);
    tcp[16..18].copy_from_slice(&sum.checksum());
    let transport = begin(packet, tuple, protocol::TCP, TCP_LENGTH)?;
    packet.write(transport, &tcp)
}

/// In the name of who was asked: with the tag that an INIT gives it, or with that of the packet, and a bit that says so.
#[inline(always)]
fn abort<P: Packet>(packet: &mut P, header: Header, detail: u8, tuple: &Tuple) -> Option<()> {
    const ABORT: u8 = 6;
    const LENGTH: u32 = sctp::HEADER + 4;
    let is_init = detail & OPENS != 0;
    let tag = if is_init { sctp::HEADER + 4 } else { 4 };
    let tag: [u8; 4] = packet.read(header.payload + tag)?;
    let mut abort = [0; LENGTH as usize];
    abort[..2].copy_from_slice(&tuple.destination_port.octets());
    abort[2..4].copy_from_slice(&tuple.source_port.octets());
    abort[4..8].copy_from_slice(&tag);
    abort[12..].copy_from_slice(&[ABORT, u8::from(!is_init), 0, 4]);
    let checksum = sctp::checksum(abort);
    abort[8..12].copy_from_slice(&checksum);
    let transport = begin(packet, tuple, protocol::SCTP, LENGTH)?;
    packet.write(transport, &abort)
}

#[inline(always)]
fn unreachable<P: Packet>(packet: &mut P, header: Header, tuple: &Tuple) -> Option<()> {
    let is_v4 = tuple.source.is_v4();
    // Both are whole words.
    let words = (header.payload - NETWORK + QUOTED_PAYLOAD) / 4;
    if words > (MAX_QUOTED_HEADER + QUOTED_PAYLOAD) / 4 {
        return None;
    }
    let length = ICMP_LENGTH + words * 4;
    let (number, icmp) = if is_v4 {
        (protocol::ICMP, [3, 3, 0, 0, 0, 0, 0, 0])
    } else {
        (protocol::ICMPV6, [1, 4, 0, 0, 0, 0, 0, 0])
    };
    let mut sum = Sum::default().of(icmp);
    if !is_v4 {
        sum = sum.of_pseudo_header(tuple, number, length);
    }
    let distance = ip_length(is_v4) + ICMP_LENGTH;
    packet.resize(NETWORK + distance + words * 4)?;
    // From the end on, for what is quoted moves back over itself.
    for from_end in 1..=(MAX_QUOTED_HEADER + QUOTED_PAYLOAD) / 4 {
        if from_end > words {
            break;
        }
        let place = NETWORK + (words - from_end) * 4;
        let word: [u8; 4] = packet.read(place)?;
        sum = sum.of(word);
        packet.write(place + distance, &word)?;
    }
    let transport = write_header(packet, tuple, number, length)?;
    packet.write(transport, &icmp)?;
    packet.write(transport + 2, &sum.checksum())
}

/// Makes the packet one with this much behind a new IP header. Returns where that begins.
#[inline(always)]
fn begin<P: Packet>(packet: &mut P, tuple: &Tuple, number: u8, length: u32) -> Option<u32> {
    packet.resize(NETWORK + ip_length(tuple.source.is_v4()) + length)?;
    write_header(packet, tuple, number, length)
}

#[inline(always)]
const fn ip_length(is_v4: bool) -> u32 {
    if is_v4 { 20 } else { 40 }
}

/// Writes the IP header of the answer to `tuple`. Returns where it ends.
#[inline(always)]
fn write_header<P: Packet>(packet: &mut P, tuple: &Tuple, number: u8, length: u32) -> Option<u32> {
    let is_v4 = tuple.source.is_v4();
    if is_v4 {
        packet.write(NETWORK, &v4_header(tuple, number, length))?;
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "an answer is short")]
        let [high, low] = (length as u16).to_be_bytes();
        packet.write(NETWORK, &[6 << 4, 0, 0, 0, high, low, number, HOPS])?;
        packet.write(NETWORK + 8, tuple.destination.as_octets())?;
        packet.write(NETWORK + 24, tuple.source.as_octets())?;
    }
    Some(NETWORK + ip_length(is_v4))
}

#[inline(always)]
fn v4_header(tuple: &Tuple, number: u8, length: u32) -> [u8; 20] {
    const DO_NOT_FRAGMENT: u8 = 0x40;
    #[expect(clippy::cast_possible_truncation, reason = "an answer is short")]
    let [high, low] = (length as u16 + 20).to_be_bytes();
    let mut header = [0; 20];
    header[0] = 4 << 4 | 5;
    header[2] = high;
    header[3] = low;
    header[6] = DO_NOT_FRAGMENT;
    header[8] = HOPS;
    header[9] = number;
    header[12..16].copy_from_slice(&v4(&tuple.destination));
    header[16..20].copy_from_slice(&v4(&tuple.source));
    let checksum = Sum::default().of(header).checksum();
    header[10..12].copy_from_slice(&checksum);
    header
}

#[inline(always)]
const fn v4(address: &Address) -> [u8; 4] {
    let [.., a, b, c, d] = address.octets();
    [a, b, c, d]
}

/// A one's complement sum of words (RFC 1071), as they stand in memory.
#[derive(Clone, Copy, Default)]
struct Sum(u32);

impl Sum {
    /// With these bytes, an even number of them.
    #[inline(always)]
    fn of<const N: usize>(mut self, bytes: [u8; N]) -> Self {
        let mut index = 0;
        while index + 1 < N {
            self.0 += u32::from(u16::from_ne_bytes([bytes[index], bytes[index + 1]]));
            index += 2;
        }
        self
    }

    /// With the pseudo header of the answer to `tuple`. The mapped form of IPv4 addresses has more words than the
    /// addresses, and their sum is nothing: `0xffff`.
    #[inline(always)]
    fn of_pseudo_header(self, tuple: &Tuple, number: u8, length: u32) -> Self {
        self.of(*tuple.source.as_octets())
            .of(*tuple.destination.as_octets())
            .of([0, number])
            .of(length.to_be_bytes())
    }

    #[inline(always)]
    fn checksum(self) -> [u8; 2] {
        let sum = (self.0 & 0xffff) + (self.0 >> 16);
        let sum = (sum & 0xffff) + (sum >> 16);
        #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits")]
        let sum = sum as u16;
        (!sum).to_ne_bytes()
    }
}
