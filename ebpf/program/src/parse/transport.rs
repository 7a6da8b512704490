//! Transport headers: ports, and what a packet does to its connection.

use super::Header;
use super::network::Fragmentation;
use crate::Packet;
use abi::{DropReason, Port, Ports, protocol};

/// The part of the transport header that decides. Plain bytes throughout, so that it can be settled.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub(crate) struct Transport {
    pub(crate) source: Port,
    pub(crate) destination: Port,
    pub(crate) nature: Nature,
}

/// What kind of packet it is to connection tracking.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub(crate) struct Nature {
    pub(crate) kind: Kind,
    /// Of a stream: [`OPENS`], [`CLOSES`], [`ENDS`], [`RESETS`]. Of neighbour discovery: the message's type.
    pub(crate) detail: u8,
}

/// The kinds of packets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Whatever may open or continue a connection and says no more about it.
    #[default]
    Plain,
    /// TCP and SCTP: they say when they open and close.
    Stream,
    /// An ICMP echo request.
    EchoRequest,
    /// An ICMP echo reply: it opens nothing.
    EchoReply,
    /// An ICMP error: it quotes the packet it is about.
    IcmpError,
    /// Neighbour discovery or multicast listener discovery, with the ICMPv6 type.
    Neighbour,
}

/// A stream begins: a TCP SYN without ACK, an SCTP INIT.
pub(crate) const OPENS: u8 = 1;
/// The sender has said all: a TCP FIN, an SCTP SHUTDOWN or SHUTDOWN ACK.
pub(crate) const CLOSES: u8 = 2;
/// Both ends have said all: an SCTP SHUTDOWN COMPLETE.
pub(crate) const ENDS: u8 = 4;
/// The stream is broken off: a TCP RST, an SCTP ABORT.
pub(crate) const RESETS: u8 = 8;

impl Nature {
    /// Whether only the end that opens a connection sends such a packet.
    #[inline(always)]
    pub(crate) const fn opens(self) -> bool {
        matches!(self.kind, Kind::EchoRequest)
            || matches!(self.kind, Kind::Stream) && self.detail & OPENS != 0
    }
}

impl Transport {
    const NO_PORTS: Self = Self::of(Kind::Plain, Port::NONE, Port::NONE);

    const fn of(kind: Kind, source: Port, destination: Port) -> Self {
        Self {
            source,
            destination,
            nature: Nature { kind, detail: 0 },
        }
    }

    const fn with_detail(mut self, detail: u8) -> Self {
        self.nature.detail = detail;
        self
    }

    /// A fragment without a transport header of its own.
    pub(crate) const fn later_fragment(ports: Ports) -> Self {
        Self::of(Kind::Plain, ports.source, ports.destination)
    }
}

/// Reads the transport header, all of which must lie within the packet.
#[inline(always)]
pub(super) fn whole<P: Packet>(packet: &P, header: Header) -> Result<Transport, DropReason> {
    let offset = header.payload;
    let room = header.end - offset;
    match header.protocol {
        protocol::TCP => tcp(packet, offset, room),
        protocol::UDP => udp(packet, header, room),
        protocol::SCTP => sctp(packet, offset, room),
        protocol::ICMP if !header.is_v6 && room >= 8 => packet.read(offset).map(icmp),
        protocol::ICMPV6 if header.is_v6 && room >= 8 => packet.read(offset).map(icmpv6),
        protocol::ICMP if !header.is_v6 => None,
        protocol::ICMPV6 if header.is_v6 => None,
        _ => Some(Transport::NO_PORTS),
    }
    .ok_or(DropReason::Malformed)
}

/// Reads what an ICMP error quotes of a transport header: its first 8 bytes (RFC 792).
#[inline(always)]
pub(super) fn quoted<P: Packet>(packet: &P, header: Header) -> Result<Transport, DropReason> {
    let h: [u8; 8] = packet.read(header.payload).ok_or(DropReason::Malformed)?;
    Ok(match header.protocol {
        protocol::TCP | protocol::UDP | protocol::SCTP => first_ports(Kind::Plain, &h),
        protocol::ICMP if !header.is_v6 => icmp(h),
        protocol::ICMPV6 if header.is_v6 => icmpv6(h),
        _ => Transport::NO_PORTS,
    })
}

#[inline(always)]
fn first_ports<const N: usize>(kind: Kind, header: &[u8; N]) -> Transport {
    Transport::of(
        kind,
        Port::from_octets([header[0], header[1]]),
        Port::from_octets([header[2], header[3]]),
    )
}

/// TCP (RFC 9293 section 3.1): 20 bytes and options.
#[inline(always)]
fn tcp<P: Packet>(packet: &P, offset: u32, room: u32) -> Option<Transport> {
    const FIN: u8 = 0x01;
    const SYN: u8 = 0x02;
    const RST: u8 = 0x04;
    const ACK: u8 = 0x10;
    let header: [u8; 20] = packet.read(offset)?;
    let length = u32::from(header[12] >> 4) * 4;
    if length < 20 || length > room {
        return None;
    }
    let flags = header[13];
    let mut detail = 0;
    if flags & (SYN | ACK) == SYN {
        detail |= OPENS;
    }
    if flags & FIN != 0 {
        detail |= CLOSES;
    }
    if flags & RST != 0 {
        detail |= RESETS;
    }
    Some(first_ports(Kind::Stream, &header).with_detail(detail))
}

/// UDP (RFC 768): 8 bytes, and a length that covers them and, unless more fragments follow, nothing that is not there.
#[inline(always)]
fn udp<P: Packet>(packet: &P, header: Header, room: u32) -> Option<Transport> {
    let h: [u8; 8] = packet.read(header.payload)?;
    let length = u32::from(u16::from_be_bytes([h[4], h[5]]));
    let is_whole = header.fragmentation == Fragmentation::Whole;
    if room < 8 || length < 8 || is_whole && length > room {
        return None;
    }
    Some(first_ports(Kind::Plain, &h))
}

/// SCTP (RFC 9260 section 3): 12 bytes and at least the header of a chunk. The first chunk says what the packet does:
/// those that open and close stand alone or first.
#[inline(always)]
fn sctp<P: Packet>(packet: &P, offset: u32, room: u32) -> Option<Transport> {
    const INIT: u8 = 1;
    const ABORT: u8 = 6;
    const SHUTDOWN: u8 = 7;
    const SHUTDOWN_ACK: u8 = 8;
    const SHUTDOWN_COMPLETE: u8 = 14;
    let header: [u8; 16] = packet.read(offset)?;
    if room < 16 {
        return None;
    }
    let detail = match header[12] {
        INIT => OPENS,
        ABORT => RESETS,
        SHUTDOWN | SHUTDOWN_ACK => CLOSES,
        SHUTDOWN_COMPLETE => ENDS,
        _ => 0,
    };
    Some(first_ports(Kind::Stream, &header).with_detail(detail))
}

/// ICMP (RFC 792): echoes are connections by their identifier.
#[inline(always)]
fn icmp(header: [u8; 8]) -> Transport {
    let identifier = Port::from_octets([header[4], header[5]]);
    match header[0] {
        8 => Transport::of(Kind::EchoRequest, identifier, Port::NONE),
        0 => Transport::of(Kind::EchoReply, Port::NONE, identifier),
        3 | 4 | 5 | 11 | 12 => without_ports(Kind::IcmpError, header[0]),
        _ => Transport::NO_PORTS,
    }
}

/// `ICMPv6` (RFC 4443), neighbour discovery (RFC 4861), multicast listeners (RFC 2710, RFC 3810).
#[inline(always)]
fn icmpv6(header: [u8; 8]) -> Transport {
    let identifier = Port::from_octets([header[4], header[5]]);
    match header[0] {
        128 => Transport::of(Kind::EchoRequest, identifier, Port::NONE),
        129 => Transport::of(Kind::EchoReply, Port::NONE, identifier),
        1..=4 => without_ports(Kind::IcmpError, header[0]),
        130..=137 | 143 => without_ports(Kind::Neighbour, header[0]),
        _ => Transport::NO_PORTS,
    }
}

#[inline(always)]
const fn without_ports(kind: Kind, detail: u8) -> Transport {
    Transport::of(kind, Port::NONE, Port::NONE).with_detail(detail)
}
