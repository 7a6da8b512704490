//! What follows the IP header.

use super::{Complaint, Message, Packet, Ports, TcpFlags, sctp};
use anyhow::Context;
use etherparse::checksum::Sum16BitWords;
use etherparse::{IpNumber, TcpHeader, UdpHeader};
use std::net::IpAddr;

const WINDOW: u16 = 1024;
/// What a packet carries, over and over.
const PAYLOAD: &[u8] = b"plumbline";

/// The bytes behind the IP header and its extensions, with true checksums, and the number of their protocol.
pub(super) fn write(packet: &Packet) -> anyhow::Result<(u8, Vec<u8>)> {
    let ends = Ends {
        source: packet.oddities.source.unwrap_or(packet.source),
        destination: packet.destination,
    };
    let payload: Vec<u8> = PAYLOAD
        .iter()
        .copied()
        .cycle()
        .take(packet.length)
        .collect();
    Ok(match &packet.message {
        Message::Tcp(ports, flags) => (IpNumber::TCP.0, ends.tcp(*ports, *flags, &payload)?),
        Message::Udp(ports) => (IpNumber::UDP.0, ends.udp(*ports, &payload)?),
        Message::Sctp(ports, chunk) => (IpNumber::SCTP.0, sctp::write(*ports, *chunk, &payload)),
        Message::EchoRequest(identifier) => ends.icmp(ends.echo([8, 128], *identifier), &payload),
        Message::EchoReply(identifier) => ends.icmp(ends.echo([0, 129], *identifier), &payload),
        Message::Error(Complaint { error, quoted, .. }) => {
            ends.icmp(error.header(ends.source.is_ipv4()), quoted)
        }
        Message::Other(number) => (*number, payload),
    })
}

/// The addresses that checksums cover.
struct Ends {
    source: IpAddr,
    destination: IpAddr,
}

impl Ends {
    fn tcp(&self, ports: Ports, flags: TcpFlags, payload: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut header = TcpHeader::new(ports.source, ports.destination, 1, WINDOW);
        let is_set = |bit: u8| flags.bits() & bit != 0;
        header.fin = is_set(0x01);
        header.syn = is_set(0x02);
        header.rst = is_set(0x04);
        header.psh = is_set(0x08);
        header.ack = is_set(0x10);
        header.urg = is_set(0x20);
        header.ece = is_set(0x40);
        header.cwr = is_set(0x80);
        header.acknowledgment_number = u32::from(header.ack);
        header.checksum = match (self.source, self.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)?
            }
            (from, to) => header.calc_checksum_ipv6_raw(octets(from), octets(to), payload)?,
        };
        Ok([header.to_bytes().as_slice(), payload].concat())
    }

    fn udp(&self, ports: Ports, payload: &[u8]) -> anyhow::Result<Vec<u8>> {
        let length = UdpHeader::LEN + payload.len();
        let mut header = UdpHeader {
            source_port: ports.source,
            destination_port: ports.destination,
            length: length
                .try_into()
                .context("a UDP datagram has at most 65,535 bytes")?,
            checksum: 0,
        };
        header.checksum = match (self.source, self.destination) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                header.calc_checksum_ipv4_raw(from.octets(), to.octets(), payload)?
            }
            (from, to) => header.calc_checksum_ipv6_raw(octets(from), octets(to), payload)?,
        };
        Ok([header.to_bytes().as_slice(), payload].concat())
    }

    /// The header of an echo; each family has a type of its own.
    fn echo(&self, [v4, v6]: [u8; 2], identifier: u16) -> [u8; 8] {
        let [high, low] = identifier.to_be_bytes();
        let kind = if self.source.is_ipv4() { v4 } else { v6 };
        [kind, 0, 0, 0, high, low, 0, 1]
    }

    /// An ICMP message of the family: the checksum of `ICMPv6` covers the addresses too (RFC 4443 section 2.3).
    pub(super) fn icmp(&self, header: [u8; 8], body: &[u8]) -> (u8, Vec<u8>) {
        let mut bytes = [header.as_slice(), body].concat();
        let mut sum = Sum16BitWords::new().add_slice(&bytes);
        let number = if self.source.is_ipv4() {
            IpNumber::ICMP
        } else {
            let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            sum = sum.add_16bytes(octets(self.source));
            sum = sum.add_16bytes(octets(self.destination));
            sum = sum.add_4bytes(length.to_be_bytes());
            sum = sum.add_2bytes([0, IpNumber::IPV6_ICMP.0]);
            IpNumber::IPV6_ICMP
        };
        bytes[2..4].copy_from_slice(&sum.ones_complement().to_be_bytes());
        (number.0, bytes)
    }
}

/// An `ICMPv6` message with a true checksum.
pub(super) fn icmpv6(source: IpAddr, destination: IpAddr, header: [u8; 8], body: &[u8]) -> Vec<u8> {
    let ends = Ends {
        source,
        destination,
    };
    ends.icmp(header, body).1
}

/// An address as 16 bytes, IPv4 ones mapped.
pub(super) fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}
