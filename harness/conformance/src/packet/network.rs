//! IP headers, whole or of fragments, with options and extension headers.

use super::{Packet, transport};
use anyhow::{Context, bail, ensure};
use etherparse::{
    IpAuthHeader, IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6FragmentHeader, Ipv6Header,
    Ipv6RawExtHeader,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

const HOP_LIMIT: u8 = 64;

/// Part of a datagram: of the bytes behind the IP header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// What the parts of one datagram have in common.
    pub identification: u32,
    /// The first byte, a multiple of 8.
    pub first: usize,
    /// The last byte; `None` is the datagram's last.
    pub last: Option<usize>,
}

/// An IPv6 extension header (RFC 8200 section 4) that says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Extension {
    /// Options for every router.
    HopByHop,
    /// The way to take.
    Routing,
    /// Options for the destination.
    Destination,
    /// An authentication header.
    Authentication,
}

impl Extension {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::HopByHop,
        Self::Routing,
        Self::Destination,
        Self::Authentication,
    ];
    /// A chain of so many headers may be refused.
    pub(super) const CHAIN_LIMIT: usize = 6;

    /// Its name in scenarios.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HopByHop => "hop-by-hop",
            Self::Routing => "routing",
            Self::Destination => "destination",
            Self::Authentication => "authentication",
        }
    }

    const fn number(self) -> IpNumber {
        match self {
            Self::HopByHop => IpNumber::IPV6_HEADER_HOP_BY_HOP,
            Self::Routing => IpNumber::IPV6_ROUTE_HEADER,
            Self::Destination => IpNumber::IPV6_DESTINATION_OPTIONS,
            Self::Authentication => IpNumber::AUTHENTICATION_HEADER,
        }
    }

    fn write(self, next: u8) -> anyhow::Result<Vec<u8>> {
        let next = IpNumber(next);
        Ok(match self {
            // PadN with four bytes of padding (RFC 8200 section 4.2).
            Self::HopByHop | Self::Destination => {
                Ipv6RawExtHeader::new_raw(next, &[1, 4, 0, 0, 0, 0])?
                    .to_bytes()
                    .to_vec()
            }
            // Type 253 is for experiments (RFC 4727); no segments are left.
            Self::Routing => Ipv6RawExtHeader::new_raw(next, &[253, 0, 0, 0, 0, 0])?
                .to_bytes()
                .to_vec(),
            Self::Authentication => IpAuthHeader::new(next, 1, 1, &[0; 4])?.to_bytes().to_vec(),
        })
    }
}

/// A text that names no extension header.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no extension header: use {names}", names = Extension::ALL.map(Extension::name).join(", "))]
pub struct ParseExtensionError(String);

impl FromStr for Extension {
    type Err = ParseExtensionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL
            .into_iter()
            .find(|extension| extension.name() == text);
        known.ok_or_else(|| ParseExtensionError(text.to_owned()))
    }
}

/// The packet from its IP header on.
pub(super) fn write(packet: &Packet) -> anyhow::Result<Vec<u8>> {
    let (protocol, datagram) = transport::write(packet)?;
    let part = part(&datagram, packet.oddities.fragment.as_ref())?;
    let source = packet.oddities.source.unwrap_or(packet.source);
    let mut bytes = match (source, packet.destination) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ipv4(packet, from, to, protocol, &part)?,
        (IpAddr::V6(from), IpAddr::V6(to)) => ipv6(packet, from, to, protocol, &part)?,
        (from, to) => bail!("{from} and {to} are of different families: no packet has both"),
    };
    if let Some(length) = packet.oddities.cut {
        bytes.truncate(length);
    }
    Ok(bytes)
}

/// What is sent of a datagram.
struct Part<'a> {
    bytes: &'a [u8],
    identification: Option<u32>,
    /// In units of 8 bytes.
    offset: IpFragOffset,
    more: bool,
}

fn part<'a>(datagram: &'a [u8], fragment: Option<&Fragment>) -> anyhow::Result<Part<'a>> {
    let Some(fragment) = fragment else {
        return Ok(Part {
            bytes: datagram,
            identification: None,
            offset: IpFragOffset::ZERO,
            more: false,
        });
    };
    let (start, end) = (
        fragment.first,
        fragment.last.map_or(datagram.len(), |last| last + 1),
    );
    ensure!(
        start % 8 == 0,
        "a fragment begins at a multiple of 8 bytes: {start} is none"
    );
    let bytes = datagram.get(start..end).with_context(|| {
        let (length, last) = (datagram.len(), end.saturating_sub(1));
        format!("the datagram has {length} bytes: there is no fragment from {start} to {last}")
    })?;
    let offset = u16::try_from(start / 8)?;
    Ok(Part {
        bytes,
        identification: Some(fragment.identification),
        offset: IpFragOffset::try_new(offset).context("a fragment begins before byte 65,536")?,
        more: end < datagram.len(),
    })
}

fn ipv4(
    packet: &Packet,
    from: Ipv4Addr,
    to: Ipv4Addr,
    protocol: u8,
    part: &Part<'_>,
) -> anyhow::Result<Vec<u8>> {
    ensure!(
        packet.oddities.extensions.is_empty(),
        "IPv4 has no extension headers"
    );
    let mut options = packet.oddities.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let length = u16::try_from(part.bytes.len())?;
    let ttl = packet.oddities.ttl.unwrap_or(HOP_LIMIT);
    let mut header = Ipv4Header::new(length, ttl, IpNumber(protocol), from.octets(), to.octets())?;
    header.options = Ipv4Options::try_from(options.as_slice())?;
    header.total_len += u16::try_from(options.len())?;
    header.identification = u16::try_from(part.identification.unwrap_or(0))
        .context("an IPv4 packet's identification is at most 65535")?;
    header.dont_fragment = part.identification.is_none();
    header.fragment_offset = part.offset;
    header.more_fragments = part.more;
    header.header_checksum = header.calc_header_checksum();
    Ok([header.to_bytes().as_slice(), part.bytes].concat())
}

fn ipv6(
    packet: &Packet,
    from: Ipv6Addr,
    to: Ipv6Addr,
    protocol: u8,
    part: &Part<'_>,
) -> anyhow::Result<Vec<u8>> {
    ensure!(
        packet.oddities.options.is_empty(),
        "IPv6 has extension headers instead of options"
    );
    let (first, extensions) = extensions(&packet.oddities.extensions, protocol, part)?;
    let header = Ipv6Header {
        payload_length: u16::try_from(extensions.len() + part.bytes.len())?,
        next_header: IpNumber(first),
        hop_limit: packet.oddities.ttl.unwrap_or(HOP_LIMIT),
        source: from.octets(),
        destination: to.octets(),
        ..Ipv6Header::default()
    };
    Ok([&header.to_bytes(), extensions.as_slice(), part.bytes].concat())
}

/// The chain of extension headers, and the number of its first: written from its end.
fn extensions(chain: &[Extension], protocol: u8, part: &Part<'_>) -> anyhow::Result<(u8, Vec<u8>)> {
    let mut next = protocol;
    let mut bytes = Vec::new();
    if let Some(identification) = part.identification {
        let header =
            Ipv6FragmentHeader::new(IpNumber(next), part.offset, part.more, identification);
        bytes = header.to_bytes().to_vec();
        next = IpNumber::IPV6_FRAGMENTATION_HEADER.0;
    }
    for extension in chain.iter().rev() {
        bytes.splice(0..0, extension.write(next)?);
        next = extension.number().0;
    }
    Ok((next, bytes))
}
