//! From bytes to what the decisions need. Everything that is cut off or contradicts itself is an error.

use crate::fragment::{self, FragmentKey, Ports};
use crate::{Maps, Packet};
use abi::{Address, DropReason, Port, protocol};

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

/// A packet's addresses and what is known of its transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Datagram {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) protocol: u8,
    pub(crate) transport: Transport,
    /// Offset of the transport header.
    pub(crate) offset: u32,
}

/// The part of the transport header that decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Transport {
    pub(crate) source: Port,
    pub(crate) destination: Port,
    pub(crate) kind: Kind,
}

/// What kind of packet it is to connection tracking.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// TCP with these flags (RFC 9293 section 3.1).
    Tcp(u8),
    /// Anything else that may open or continue a connection.
    Plain,
    /// An ICMP error: it quotes the packet it is about.
    IcmpError,
    /// Neighbour discovery or multicast listener discovery, with the ICMPv6 type.
    Neighbour(u8),
}

/// Whether a packet is one of several.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fragmentation {
    Whole,
    First,
    Later,
}

/// The network header, before its transport is read.
pub(crate) struct Header {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) protocol: u8,
    identification: [u8; 4],
    fragmentation: Fragmentation,
    /// Offset of what follows.
    pub(crate) payload: u32,
}

impl Transport {
    const NO_PORTS: Self = Self::plain(Port::NONE, Port::NONE);

    const fn plain(source: Port, destination: Port) -> Self {
        Self {
            source,
            destination,
            kind: Kind::Plain,
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

/// Reads an IP header, extension headers included.
#[inline(always)]
pub(crate) fn header<P: Packet>(packet: &P, network: Network) -> Result<Header, DropReason> {
    match network {
        Network::Ipv4 => ipv4(packet, NETWORK),
        _ => ipv6(packet, NETWORK),
    }
}

/// Reads on to the ports. The source must be known to be true: first fragments are remembered by it.
#[inline(always)]
pub(crate) fn datagram<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    header: &Header,
) -> Result<Datagram, DropReason> {
    let key = FragmentKey {
        source: header.source,
        destination: header.destination,
        identification: header.identification,
        protocol: header.protocol,
        reserved: [0; 3],
    };
    let transport = match header.fragmentation {
        Fragmentation::Later => fragment::ports_of_first(maps, &key),
        Fragmentation::First => fragment::remember(maps, &key, transport(packet, header)?),
        Fragmentation::Whole => transport(packet, header),
    }?;
    Ok(Datagram {
        source: header.source,
        destination: header.destination,
        protocol: header.protocol,
        transport,
        offset: header.payload,
    })
}

/// Reads the packet that an ICMP error quotes: its header and the first 8 bytes behind it.
#[inline(always)]
pub(crate) fn quoted<P: Packet>(packet: &P, outer: &Datagram) -> Result<Datagram, DropReason> {
    let offset = outer.offset + 8;
    let header = if outer.protocol == protocol::ICMP {
        ipv4_quoted(packet, offset)?
    } else {
        ipv6_header(packet, offset)?
    };
    let transport = quoted_transport(packet, header.protocol, header.payload)?;
    Ok(Datagram {
        source: header.source,
        destination: header.destination,
        protocol: header.protocol,
        transport,
        offset: header.payload,
    })
}

#[inline(always)]
fn ipv4<P: Packet>(packet: &P, offset: u32) -> Result<Header, DropReason> {
    let header = ipv4_quoted(packet, offset)?;
    let [high, low] = packet.read(offset + 2).ok_or(DropReason::Malformed)?;
    let total = u32::from(u16::from_be_bytes([high, low]));
    if offset + total > packet.length() || offset + total < header.payload {
        return Err(DropReason::Malformed);
    }
    Ok(header)
}

/// An IPv4 header whose total length may say more than is there, as in a quotation (RFC 791 section 3.1).
#[inline(always)]
fn ipv4_quoted<P: Packet>(packet: &P, offset: u32) -> Result<Header, DropReason> {
    let h: [u8; 20] = packet.read(offset).ok_or(DropReason::Malformed)?;
    let words = u32::from(h[0] & 0x0f);
    if h[0] >> 4 != 4 || words < 5 {
        return Err(DropReason::Malformed);
    }
    let more = h[6] & 0x20 != 0;
    let position = u16::from_be_bytes([h[6] & 0x1f, h[7]]);
    Ok(Header {
        source: Address::from_v4([h[12], h[13], h[14], h[15]]),
        destination: Address::from_v4([h[16], h[17], h[18], h[19]]),
        protocol: h[9],
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
fn ipv6<P: Packet>(packet: &P, offset: u32) -> Result<Header, DropReason> {
    let [high, low] = packet.read(offset + 4).ok_or(DropReason::Malformed)?;
    let end = offset + 40 + u32::from(u16::from_be_bytes([high, low]));
    if end > packet.length() {
        return Err(DropReason::Malformed);
    }
    let header = ipv6_header(packet, offset)?;
    if header.payload > end {
        return Err(DropReason::Malformed);
    }
    Ok(header)
}

/// An IPv6 header and its extension headers (RFC 8200 section 4).
#[inline(always)]
fn ipv6_header<P: Packet>(packet: &P, offset: u32) -> Result<Header, DropReason> {
    let h: [u8; 40] = packet.read(offset).ok_or(DropReason::Malformed)?;
    if h[0] >> 4 != 6 {
        return Err(DropReason::Malformed);
    }
    let (_, addresses) = h.split_at(8);
    let mut header = Header {
        source: Address::from_v6(
            addresses[..16]
                .try_into()
                .map_err(|_| DropReason::Malformed)?,
        ),
        destination: Address::from_v6(
            addresses[16..]
                .try_into()
                .map_err(|_| DropReason::Malformed)?,
        ),
        protocol: h[6],
        identification: [0; 4],
        fragmentation: Fragmentation::Whole,
        payload: offset + 40,
    };
    for _ in 0..MAX_EXTENSIONS {
        if !extension(packet, &mut header)? {
            return Ok(header);
        }
    }
    if is_extension(header.protocol) {
        return Err(DropReason::ExtensionChainTooLong);
    }
    Ok(header)
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
pub(crate) fn transport<P: Packet>(packet: &P, header: &Header) -> Result<Transport, DropReason> {
    let offset = header.payload;
    match header.protocol {
        protocol::TCP => tcp(packet, offset),
        // The whole header must be there: 8 bytes of UDP (RFC 768), 12 of SCTP (RFC 9260).
        protocol::UDP => packet.read::<8>(offset).map(|h| first_ports(&h)),
        protocol::SCTP => packet.read::<12>(offset).map(|h| first_ports(&h)),
        protocol::ICMP => packet.read(offset).map(icmp),
        protocol::ICMPV6 => packet.read(offset).map(icmpv6),
        _ => Some(Transport::NO_PORTS),
    }
    .ok_or(DropReason::Malformed)
}

#[inline(always)]
fn quoted_transport<P: Packet>(
    packet: &P,
    number: u8,
    offset: u32,
) -> Result<Transport, DropReason> {
    let quoted: Option<[u8; 8]> = packet.read(offset);
    let h = quoted.ok_or(DropReason::Malformed)?;
    Ok(match number {
        protocol::TCP | protocol::UDP | protocol::SCTP => first_ports(&h),
        protocol::ICMP => icmp(h),
        protocol::ICMPV6 => icmpv6(h),
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
        kind: Kind::Tcp(header[13]),
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
        3 | 4 | 5 | 11 | 12 => of_kind(Kind::IcmpError),
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
        1..=4 => of_kind(Kind::IcmpError),
        kind @ (130..=137 | 143) => of_kind(Kind::Neighbour(kind)),
        _ => Transport::NO_PORTS,
    }
}

#[inline(always)]
fn of_kind(kind: Kind) -> Transport {
    Transport {
        kind,
        ..Transport::NO_PORTS
    }
}
