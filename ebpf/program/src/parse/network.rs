//! Ethernet and IP headers.

use crate::Packet;
use crate::scratch::{Scratch, Tuple, settled};
use abi::{Address, DropReason};

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
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Network {
    #[default]
    Ipv4,
    Ipv6,
    Arp,
}

/// Whether a packet is one of several.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(u8)]
pub(super) enum Fragmentation {
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
    pub(super) fragmentation: Fragmentation,
    /// Each family has an ICMP of its own; the other's is a protocol like any other.
    pub(super) is_v6: bool,
    reserved: u8,
    pub(super) identification: [u8; 4],
    /// Offset of what follows.
    pub(crate) payload: u32,
    /// Offset at which the packet ends by its own word. What a frame carries behind that is padding.
    pub(crate) end: u32,
}

impl Header {
    /// Whether a transport header follows: later fragments have none.
    #[inline(always)]
    pub(crate) fn has_transport(&self) -> bool {
        self.fragmentation != Fragmentation::Later
    }

    /// Whether all of the packet is here.
    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        self.fragmentation == Fragmentation::Whole
    }
}

/// Reads the Ethernet header. A tag (802.1Q, 802.1ad) names a network that no endpoint is in: refused, also where the
/// kernel has taken it out of the frame already.
#[inline(always)]
pub(crate) fn ethernet<P: Packet>(packet: &P) -> Result<Ethernet, DropReason> {
    let header: [u8; 14] = packet.read(0).ok_or(DropReason::Malformed)?;
    if packet.has_vlan_tag() {
        return Err(DropReason::UnsupportedEthertype);
    }
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
    if found.end > packet.length() || found.payload > found.end {
        return Err(DropReason::Malformed);
    }
    Ok(settled(header, found))
}

/// Reads the IP header that an ICMP error quotes, which may promise more than is quoted, and notes its addresses.
#[inline(always)]
pub(super) fn quoted<P: Packet>(
    packet: &P,
    offset: u32,
    scratch: &mut Scratch,
) -> Result<Header, DropReason> {
    let is_v4 = scratch.tuple.source.is_v4();
    let Scratch { quoted, header, .. } = scratch;
    let found = if is_v4 {
        ipv4(packet, offset, quoted)?
    } else {
        ipv6(packet, offset, quoted, header)?
    };
    Ok(settled(header, found))
}

/// An IPv4 header (RFC 791 section 3.1). Its options are stepped over.
#[inline(always)]
fn ipv4<P: Packet>(packet: &P, offset: u32, tuple: &mut Tuple) -> Result<Header, DropReason> {
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
        fragmentation: fragmentation(position, more),
        is_v6: false,
        reserved: 0,
        identification: [0, 0, h[4], h[5]],
        payload: offset + words * 4,
        end: offset + u32::from(u16::from_be_bytes([h[2], h[3]])),
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

/// An IPv6 header and its extension headers (RFC 8200 section 4). A jumbogram (RFC 2675) says it has no length: no link
/// of a pod carries one.
#[inline(always)]
fn ipv6<P: Packet>(
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
    // It would be judged as the IPv4 end of that address; no network carries it (RFC 4291 section 2.5.5.2).
    if tuple.source.is_v4() || tuple.destination.is_v4() {
        return Err(DropReason::Malformed);
    }
    let mut header = Header {
        protocol: start[6],
        fragmentation: Fragmentation::Whole,
        is_v6: true,
        reserved: 0,
        identification: [0; 4],
        payload: offset + 40,
        end: offset + 40 + u32::from(u16::from_be_bytes([start[4], start[5]])),
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
