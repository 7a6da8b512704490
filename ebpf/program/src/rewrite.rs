//! An end of a packet gets another address and port, and its checksums follow.

use crate::Packet;
use crate::checksum::{Checksum, ChecksumChange, Covered};
use crate::packet::adjust;
use crate::parse::{Header, Kind, NETWORK, Payload};
use crate::sctp;
use abi::{Address, Port, protocol};

/// An end of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Destination,
}

/// What an end is and shall be.
pub(crate) struct Rewrite<'a> {
    pub(crate) side: Side,
    pub(crate) old: (&'a Address, Port),
    pub(crate) new: (&'a Address, Port),
}

/// Rewrites an end of the packet; its port only where a transport header is. `None` if the packet cannot be written.
#[inline(always)]
pub(crate) fn packet<P: Packet>(
    packet: &mut P,
    (header, payload): (Header, Payload),
    rewrite: &Rewrite<'_>,
) -> Option<()> {
    let (addresses, _) = address(packet, NETWORK, rewrite)?;
    if !header.has_transport() {
        return Some(());
    }
    if header.protocol == protocol::SCTP {
        return sctp_port(packet, (header, payload), rewrite);
    }
    let Some(checksum) = checksum(header.protocol, payload.offset) else {
        return Some(());
    };
    if covers_addresses(header.protocol) {
        packet.adjust_checksum(checksum, addresses, pseudo_header(rewrite.old.0))?;
    }
    if rewrite.old.1 == rewrite.new.1 {
        return Some(());
    }
    let ports = port(packet, header.protocol, payload, rewrite)?;
    packet.adjust_checksum(checksum, ports, Covered::Message)
}

/// Rewrites an end of the packet that an ICMP error quotes, as far as it quotes it. `None` as for [`packet`].
#[inline(always)]
pub(crate) fn quoted<P: Packet>(
    packet: &mut P,
    (header, error): (Header, Payload),
    (number, quoted): (u8, Payload),
    rewrite: &Rewrite<'_>,
) -> Option<()> {
    let (addresses, mut whole) = address(packet, error.offset + 8, rewrite)?;
    let mut ports = ChecksumChange::default();
    if rewrite.old.1 != rewrite.new.1 {
        ports = port(packet, number, quoted, rewrite)?;
        whole = whole.and(ports);
    }
    if let Some(checksum) = checksum(number, quoted.offset)
        && checksum.offset + 2 <= header.end
    {
        let covered = if covers_addresses(number) {
            addresses.and(ports)
        } else {
            ports
        };
        let (old, new) = adjust(packet, checksum, covered)?;
        whole = whole.replace(old, new);
    }
    let of_error = Checksum {
        offset: error.offset + 2,
        is_optional: false,
    };
    packet.adjust_checksum(of_error, whole, Covered::Message)
}

/// Rewrites the address in the IP header at `network`. Returns what that changes beneath the checksums that cover the
/// addresses, and beneath one that covers the header as a whole.
#[inline(always)]
fn address<P: Packet>(
    packet: &mut P,
    network: u32,
    rewrite: &Rewrite<'_>,
) -> Option<(ChecksumChange, ChecksumChange)> {
    let (old, new) = (rewrite.old.0, rewrite.new.0);
    let change = ChecksumChange::default().replace_address(old, new);
    let is_source = rewrite.side == Side::Source;
    if !rewrite.old.0.is_v4() {
        packet.write(network + if is_source { 8 } else { 24 }, new.as_octets())?;
        return Some((change, change));
    }
    let place = network + if is_source { 12 } else { 16 };
    let [.., a, b, c, d] = new.as_octets();
    packet.write(place, &[*a, *b, *c, *d])?;
    let of_header = Checksum {
        offset: network + 10,
        is_optional: false,
    };
    let (old, new) = adjust(packet, of_header, change)?;
    Some((change, change.replace(old, new)))
}

/// Rewrites the port of an SCTP packet. Its checksum covers all of it: with less than that it cannot follow.
#[inline(always)]
fn sctp_port<P: Packet>(
    packet: &mut P,
    (header, payload): (Header, Payload),
    rewrite: &Rewrite<'_>,
) -> Option<()> {
    let (old, new) = (rewrite.old.1.octets(), rewrite.new.1.octets());
    if old == new {
        return Some(());
    }
    if !header.is_whole() {
        return None;
    }
    let [high, low] = [old[0] ^ new[0], old[1] ^ new[1]];
    let difference = if rewrite.side == Side::Source {
        [high, low, 0, 0]
    } else {
        [0, 0, high, low]
    };
    let place = payload.offset + sctp::CHECKSUM;
    let checksum: [u8; 4] = packet.read(place)?;
    let length = header.end.saturating_sub(payload.offset);
    packet.write(place, &sctp::changed(checksum, difference, length))?;
    port(packet, header.protocol, payload, rewrite)?;
    Some(())
}

/// Rewrites the port, or the identifier of an ICMP echo, behind which nothing is if the protocol has none.
#[inline(always)]
fn port<P: Packet>(
    packet: &mut P,
    number: u8,
    payload: Payload,
    rewrite: &Rewrite<'_>,
) -> Option<ChecksumChange> {
    let is_source = rewrite.side == Side::Source;
    let place = match (number, payload.nature.kind) {
        (_, Kind::EchoRequest | Kind::EchoReply) => 4,
        (protocol::TCP | protocol::UDP | protocol::SCTP, _) if is_source => 0,
        (protocol::TCP | protocol::UDP | protocol::SCTP, _) => 2,
        _ => return Some(ChecksumChange::default()),
    };
    let (old, new) = (rewrite.old.1.octets(), rewrite.new.1.octets());
    packet.write(payload.offset + place, &new)?;
    Some(ChecksumChange::default().replace(old, new))
}

/// The checksum of a transport header, if an address or a port can change it as it changes others. That of SCTP is of
/// another kind: see [`sctp_port`].
#[inline(always)]
const fn checksum(number: u8, transport: u32) -> Option<Checksum> {
    let place = match number {
        protocol::TCP => 16,
        protocol::UDP => 6,
        protocol::ICMP | protocol::ICMPV6 => 2,
        _ => return None,
    };
    Some(Checksum {
        offset: transport + place,
        is_optional: number == protocol::UDP,
    })
}

/// Whether the checksum of a protocol covers the addresses, in a pseudo header.
#[inline(always)]
const fn covers_addresses(number: u8) -> bool {
    number != protocol::ICMP
}

#[inline(always)]
const fn pseudo_header(address: &Address) -> Covered {
    if address.is_v4() {
        Covered::PseudoHeaderV4
    } else {
        Covered::PseudoHeaderV6
    }
}
