//! From bytes to what the decisions need. Everything that is cut off or contradicts itself is an error.

use crate::fragment;
use crate::scratch::{Scratch, Tuple, settled};
use crate::{Maps, Packet};
use abi::{Address, DropReason, FragmentKey, Port, Ports, protocol};

/// Where the network header begins.
pub(crate) const NETWORK: u32 = 14;
/// More IPv6 extension headers than this are refused.
const MAX_EXTENSIONS: usize = 6;

/// The Ethernet header.
pub(crate) struct Ethernet {
    pub(crate) source: [u8; 6],
    pub(crate) network: Network,
}

/// What follows the Ethernet header.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    Ipv4,
    Ipv6,
    Arp,
}

/// Where a packet's transport header is and what kind of packet that makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Payload {
    pub(crate) nature: Nature,
    /// Offset of the transport header.
    pub(crate) offset: u32,
}

/// The part of the transport header that decides. Plain bytes throughout, so that it can be [`settled`].
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
    /// TCP flags (RFC 9293 section 3.1), or the type of a neighbour discovery message.
    pub(crate) detail: u8,
}

/// The kinds of packets.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Whatever may open or continue a connection and says no more about it.
    #[default]
    Plain,
    /// TCP, with its flags.
    Tcp,
    /// An ICMP error: it quotes the packet it is about.
    IcmpError,
    /// Neighbour discovery or multicast listener discovery, with the ICMPv6 type.
    Neighbour,
}

/// Whether a packet is one of several.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(crate) enum Fragmentation {
    #[default]
    Whole,
    First,
    Later,
}

/// What the network header says besides the addresses. Plain bytes throughout, so that it can be [`settled`].
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub(crate) struct Header {
    pub(crate) protocol: u8,
    fragmentation: Fragmentation,
    /// Each family has an ICMP of its own; the other's is a protocol like any other.
    is_v6: bool,
    reserved: u8,
    identification: [u8; 4],
    /// Offset of what follows.
    pub(crate) payload: u32,
}

impl Transport {
    const NO_PORTS: Self = Self::plain(Port::NONE, Port::NONE);

    const fn plain(source: Port, destination: Port) -> Self {
        Self {
            source,
            destination,
            nature: Nature {
                kind: Kind::Plain,
                detail: 0,
            },
        }
    }

    /// A fragment without a transport header of its own.
    pub(crate) const fn later_fragment(ports: Ports) -> Self {
        Self::plain(ports.source, ports.destination)
    }
}

/// Reads the Ethernet header.
#[inline(always)]
pub(crate) fn ethernet<P: Packet>(packet: &P) -> Result<Ethernet, DropReason> {
    let header: [u8; 14] = packet.read(0).ok_or(DropReason::Malformed)?;
    let network = match u16::from_be_bytes([header[12], header[13]]) {
        0x0800 => Network::Ipv4,
        0x86dd => Network::Ipv6,
        0x0806 => Network::Arp,
        _ => return Err(DropReason::UnsupportedEthertype),
    };
    Ok(Ethernet {
        source: [
            header[6], header[7], header[8], header[9], header[10], header[11],
        ],
        network,
    })
}

/// Reads an IP header, extension headers included, and notes its addresses.
#[inline(always)]
pub(crate) fn header<P: Packet>(
    packet: &P,
    network: Network,
    scratch: &mut Scratch,
) -> Result<Header, DropReason> {
    let Scratch { tuple, header, .. } = scratch;
    let found = match network {
        Network::Ipv4 => ipv4(packet, NETWORK, tuple)?,
        _ => ipv6(packet, NETWORK, tuple, header)?,
    };
    Ok(settled(header, found))
}

/// Reads on to the ports. The source must be known to be true: first fragments are remembered by it.
#[inline(always)]
pub(crate) fn payload<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    header: Header,
    scratch: &mut Scratch,
) -> Result<Payload, DropReason> {
    let found = match header.fragmentation {
        Fragmentation::Whole => transport(packet, header)?,
        Fragmentation::First => {
            let first = transport(packet, header)?;
            note_fragment(header, scratch);
            fragment::remember(maps, &scratch.fragment, first)?
        }
        Fragmentation::Later => {
            note_fragment(header, scratch);
            fragment::ports_of_first(maps, &scratch.fragment)?
        }
    };
    let transport = settled(&mut scratch.transport, found);
    note_ports(&mut scratch.tuple, transport);
    Ok(Payload {
        nature: transport.nature,
        offset: header.payload,
    })
}

#[inline(always)]
fn note_fragment(header: Header, scratch: &mut Scratch) {
    scratch.fragment = FragmentKey {
        source: scratch.tuple.source,
        destination: scratch.tuple.destination,
        identification: header.identification,
        protocol: header.protocol,
        reserved: [0; 3],
    };
}

/// Writes down the ports.
#[inline(always)]
pub(crate) fn note_ports(tuple: &mut Tuple, transport: Transport) {
    tuple.source_port = transport.source;
    tuple.destination_port = transport.destination;
}

/// Reads the packet that an ICMP error quotes: its header and the first 8 bytes behind it.
#[inline(always)]
pub(crate) fn quoted<P: Packet>(
    packet: &P,
    error: Payload,
    scratch: &mut Scratch,
) -> Result<Nature, DropReason> {
    let offset = error.offset + 8;
    let is_v4 = scratch.tuple.source.is_v4();
    let Scratch {
        quoted: tuple,
        header,
        ..
    } = scratch;
    let found = if is_v4 {
        ipv4_quoted(packet, offset, tuple)?
    } else {
        ipv6_header(packet, offset, tuple, header)?
    };
    let header = settled(header, found);
    let transport = quoted_transport(packet, header)?;
    note_ports(tuple, transport);
    Ok(transport.nature)
}

#[inline(always)]
fn ipv4<P: Packet>(packet: &P, offset: u32, tuple: &mut Tuple) -> Result<Header, DropReason> {
    let header = ipv4_quoted(packet, offset, tuple)?;
    let [high, low] = packet.read(offset + 2).ok_or(DropReason::Malformed)?;
    let total = u32::from(u16::from_be_bytes([high, low]));
    if offset + total > packet.length() || offset + total < header.payload {
        return Err(DropReason::Malformed);
    }
    Ok(header)
}

/// An IPv4 header whose total length may say more than is there, as in a quotation (RFC 791 section 3.1).
#[inline(always)]
fn ipv4_quoted<P: Packet>(
    packet: &P,
    offset: u32,
    tuple: &mut Tuple,
) -> Result<Header, DropReason> {
    let h: [u8; 20] = packet.read(offset).ok_or(DropReason::Malformed)?;
    let words = u32::from(h[0] & 0x0f);
    if h[0] >> 4 != 4 || words < 5 {
        return Err(DropReason::Malformed);
    }
    let more = h[6] & 0x20 != 0;
    let position = u16::from_be_bytes([h[6] & 0x1f, h[7]]);
    tuple.source = Address::from_v4([h[12], h[13], h[14], h[15]]);
    tuple.destination = Address::from_v4([h[16], h[17], h[18], h[19]]);
    tuple.protocol = u32::from(h[9]);
    Ok(Header {
        protocol: h[9],
        is_v6: false,
        reserved: 0,
        identification: [0, 0, h[4], h[5]],
        fragmentation: fragmentation(position, more),
        payload: offset + words * 4,
    })
}

#[inline(always)]
fn fragmentation(position: u16, more: bool) -> Fragmentation {
    match (position, more) {
        (0, false) => Fragmentation::Whole,
        (0, true) => Fragmentation::First,
        _ => Fragmentation::Later,
    }
}

#[inline(always)]
fn ipv6<P: Packet>(
    packet: &P,
    offset: u32,
    tuple: &mut Tuple,
    memory: &mut Header,
) -> Result<Header, DropReason> {
    let [high, low] = packet.read(offset + 4).ok_or(DropReason::Malformed)?;
    let end = offset + 40 + u32::from(u16::from_be_bytes([high, low]));
    if end > packet.length() {
        return Err(DropReason::Malformed);
    }
    let header = ipv6_header(packet, offset, tuple, memory)?;
    if header.payload > end {
        return Err(DropReason::Malformed);
    }
    Ok(header)
}

/// An IPv6 header and its extension headers (RFC 8200 section 4).
#[inline(always)]
fn ipv6_header<P: Packet>(
    packet: &P,
    offset: u32,
    tuple: &mut Tuple,
    memory: &mut Header,
) -> Result<Header, DropReason> {
    let start: [u8; 8] = packet.read(offset).ok_or(DropReason::Malformed)?;
    if start[0] >> 4 != 6 {
        return Err(DropReason::Malformed);
    }
    tuple.source = Address::from_v6(packet.read(offset + 8).ok_or(DropReason::Malformed)?);
    tuple.destination = Address::from_v6(packet.read(offset + 24).ok_or(DropReason::Malformed)?);
    let mut header = Header {
        protocol: start[6],
        fragmentation: Fragmentation::Whole,
        is_v6: true,
        reserved: 0,
        identification: [0; 4],
        payload: offset + 40,
    };
    for _ in 0..MAX_EXTENSIONS {
        if !extension(packet, &mut header)? {
            tuple.protocol = u32::from(header.protocol);
            return Ok(header);
        }
        header = settled(memory, header);
    }
    Err(DropReason::ExtensionChainTooLong)
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

#[inline(always)]
fn is_extension(protocol: u8) -> bool {
    matches!(
        protocol,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION_OPTIONS
    )
}

/// Steps over one extension header; false when there is none.
#[inline(always)]
fn extension<P: Packet>(packet: &P, header: &mut Header) -> Result<bool, DropReason> {
    if !is_extension(header.protocol) || header.fragmentation == Fragmentation::Later {
        return Ok(false);
    }
    let h: [u8; 8] = packet.read(header.payload).ok_or(DropReason::Malformed)?;
    let length = match header.protocol {
        FRAGMENT => {
            let position = u16::from_be_bytes([h[2], h[3]]) >> 3;
            header.fragmentation = fragmentation(position, h[3] & 1 != 0);
            header.identification = [h[4], h[5], h[6], h[7]];
            8
        }
        AUTHENTICATION => (u32::from(h[1]) + 2) * 4,
        _ => (u32::from(h[1]) + 1) * 8,
    };
    header.protocol = h[0];
    header.payload += length;
    Ok(true)
}

#[inline(always)]
pub(crate) fn transport<P: Packet>(packet: &P, header: Header) -> Result<Transport, DropReason> {
    let offset = header.payload;
    match header.protocol {
        protocol::TCP => tcp(packet, offset),
        // The whole header must be there: 8 bytes of UDP (RFC 768), 12 of SCTP (RFC 9260).
        protocol::UDP => packet.read::<8>(offset).map(|h| first_ports(&h)),
        protocol::SCTP => packet.read::<12>(offset).map(|h| first_ports(&h)),
        protocol::ICMP if !header.is_v6 => packet.read(offset).map(icmp),
        protocol::ICMPV6 if header.is_v6 => packet.read(offset).map(icmpv6),
        _ => Some(Transport::NO_PORTS),
    }
    .ok_or(DropReason::Malformed)
}

#[inline(always)]
fn quoted_transport<P: Packet>(packet: &P, header: Header) -> Result<Transport, DropReason> {
    let h: [u8; 8] = packet.read(header.payload).ok_or(DropReason::Malformed)?;
    Ok(match header.protocol {
        protocol::TCP | protocol::UDP | protocol::SCTP => first_ports(&h),
        protocol::ICMP if !header.is_v6 => icmp(h),
        protocol::ICMPV6 if header.is_v6 => icmpv6(h),
        _ => Transport::NO_PORTS,
    })
}

#[inline(always)]
fn first_ports<const N: usize>(header: &[u8; N]) -> Transport {
    Transport::plain(
        Port::from_octets([header[0], header[1]]),
        Port::from_octets([header[2], header[3]]),
    )
}

#[inline(always)]
fn tcp<P: Packet>(packet: &P, offset: u32) -> Option<Transport> {
    let header: [u8; 20] = packet.read(offset)?;
    let length = u32::from(header[12] >> 4) * 4;
    if length < 20 || offset + length > packet.length() {
        return None;
    }
    Some(Transport {
        nature: Nature {
            kind: Kind::Tcp,
            detail: header[13],
        },
        ..first_ports(&header)
    })
}

/// ICMP (RFC 792): echoes are connections by their identifier.
#[inline(always)]
fn icmp(header: [u8; 8]) -> Transport {
    let identifier = Port::from_octets([header[4], header[5]]);
    match header[0] {
        8 => Transport::plain(identifier, Port::NONE),
        0 => Transport::plain(Port::NONE, identifier),
        3 | 4 | 5 | 11 | 12 => without_ports(Kind::IcmpError, header[0]),
        _ => Transport::NO_PORTS,
    }
}

/// `ICMPv6` (RFC 4443), neighbour discovery (RFC 4861), multicast listeners (RFC 2710, RFC 3810).
#[inline(always)]
fn icmpv6(header: [u8; 8]) -> Transport {
    let identifier = Port::from_octets([header[4], header[5]]);
    match header[0] {
        128 => Transport::plain(identifier, Port::NONE),
        129 => Transport::plain(Port::NONE, identifier),
        1..=4 => without_ports(Kind::IcmpError, header[0]),
        130..=137 | 143 => without_ports(Kind::Neighbour, header[0]),
        _ => Transport::NO_PORTS,
    }
}

#[inline(always)]
const fn without_ports(kind: Kind, detail: u8) -> Transport {
    Transport {
        nature: Nature { kind, detail },
        ..Transport::NO_PORTS
    }
}
