//! Messages as bytes on the wire.

use super::super::{sctp, wire};
use super::message::{Content, Icmp, Message, TcpFlag};
use abi::Mac;
use etherparse::err::packet::BuildWriteError;
use etherparse::icmpv4::DestUnreachableHeader;
use etherparse::icmpv6::DestUnreachableCode;
use etherparse::{
    IcmpEchoHeader, Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type, IpHeaders, IpNumber,
    IpPayloadSlice, NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket, TcpSlice,
    TransportSlice,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where the network header begins.
const NETWORK: usize = 14;
const HOP_LIMIT: u8 = 64;
const WINDOW: u16 = 1024;

/// A message as a frame between these link-layer addresses.
pub(super) fn write(message: &Message, from: [u8; 6], to: [u8; 6]) -> anyhow::Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(128);
    let ethernet = PacketBuilder::ethernet2(from, to);
    match (message.source, message.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let ip = ethernet.ipv4(source.octets(), destination.octets(), HOP_LIMIT);
            write_content(&message.content, ip, icmpv4, &mut frame)?;
        }
        (source, destination) => {
            let ip = ethernet.ipv6(octets(source), octets(destination), HOP_LIMIT);
            write_content(&message.content, ip, icmpv6, &mut frame)?;
        }
    }
    Ok(frame)
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// Reads a frame; `None` if it is nothing that these hosts say.
pub(super) fn read(frame: &[u8]) -> Option<Message> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let net = packet.net.as_ref()?;
    let (source, destination) = addresses(net)?;
    Some(Message {
        source,
        destination,
        content: match packet.transport.as_ref() {
            Some(transport) => read_transport(transport)?,
            None => read_sctp(net.ip_payload_ref()?)?,
        },
    })
}

/// What a router changes: one hop less, and in IPv4 the checksum over it. `None` if the packet may go no further.
pub(super) fn forward(frame: &mut [u8]) -> Option<()> {
    const HOPS_V4: usize = NETWORK + 8;
    const HOPS_V6: usize = NETWORK + 7;
    let is_v4 = wire::kind(frame) == wire::Kind::Ipv4;
    let hops = frame.get_mut(if is_v4 { HOPS_V4 } else { HOPS_V6 })?;
    *hops = hops.checked_sub(1).filter(|&left| left > 0)?;
    if is_v4 {
        let checksum = frame.get_mut(NETWORK + 10..NETWORK + 12)?;
        // RFC 1141: the high byte of a covered word has become one less.
        let sum = u32::from(u16::from_be_bytes([checksum[0], checksum[1]])) + 0x0100;
        let [_, carry, high, low] = sum.to_be_bytes();
        checksum
            .copy_from_slice(&(u16::from_be_bytes([high, low]) + u16::from(carry)).to_be_bytes());
    }
    Some(())
}

/// Puts a frame on another link.
pub(super) fn readdress(frame: &mut [u8], from: Mac, to: Mac) {
    if let Some(header) = frame.first_chunk_mut::<12>() {
        header[..6].copy_from_slice(&to.0);
        header[6..].copy_from_slice(&from.0);
    }
}

/// Who asks by ARP who has `target`.
pub(super) fn asked_by_arp(frame: &[u8], target: Ipv4Addr) -> Option<Ipv4Addr> {
    let body: &[u8; 28] = frame.get(NETWORK..)?.first_chunk()?;
    let is_request = wire::kind(frame) == wire::Kind::Arp && body[6..8] == [0, 1];
    let asks = is_request && body[24..28] == target.octets();
    asks.then(|| Ipv4Addr::new(body[14], body[15], body[16], body[17]))
}

/// Whether a neighbour solicitation asks who has `target`.
pub(super) fn asks_by_discovery(frame: &[u8], target: Ipv6Addr) -> bool {
    const SOLICITATION: u8 = 135;
    let message = NETWORK + 40;
    wire::kind(frame) == wire::Kind::Ipv6
        && frame.get(message) == Some(&SOLICITATION)
        && frame.get(message + 8..message + 24) == Some(target.octets().as_slice())
}

fn addresses(net: &NetSlice) -> Option<(IpAddr, IpAddr)> {
    match net {
        NetSlice::Ipv4(ip) => {
            let header = ip.header();
            let source = header.source_addr().into();
            Some((source, header.destination_addr().into()))
        }
        NetSlice::Ipv6(ip) => {
            let header = ip.header();
            let source = header.source_addr().into();
            Some((source, header.destination_addr().into()))
        }
        NetSlice::Arp(_) => None,
    }
}

type Written = Result<(), BuildWriteError>;

fn write_content(
    content: &Content,
    ip: PacketBuilderStep<IpHeaders>,
    icmp: impl Fn(PacketBuilderStep<IpHeaders>, &Icmp, &mut Vec<u8>) -> Written,
    frame: &mut Vec<u8>,
) -> Written {
    match content {
        Content::Tcp { ports, flag } => {
            let tcp = ip.tcp(ports[0], ports[1], 1, WINDOW);
            let tcp = match flag {
                TcpFlag::Syn => tcp.syn(),
                TcpFlag::SynAck => tcp.syn().ack(2),
                TcpFlag::Reset => tcp.rst().ack(2),
            };
            tcp.write(frame, &[])
        }
        Content::Udp { ports, payload } => ip.udp(ports[0], ports[1]).write(frame, payload),
        Content::Sctp(packet) => ip.write(frame, IpNumber::SCTP, &packet.to_bytes()),
        Content::Icmp(message) => icmp(ip, message, frame),
    }
}

fn icmpv4(ip: PacketBuilderStep<IpHeaders>, message: &Icmp, frame: &mut Vec<u8>) -> Written {
    match message {
        Icmp::Echo(id) => ip.icmpv4_echo_request(*id, 1).write(frame, &[]),
        Icmp::EchoReply(id) => ip.icmpv4_echo_reply(*id, 1).write(frame, &[]),
        Icmp::PortUnreachable { quoted } => {
            let kind = Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port);
            ip.icmpv4(kind).write(frame, quoted)
        }
    }
}

fn icmpv6(ip: PacketBuilderStep<IpHeaders>, message: &Icmp, frame: &mut Vec<u8>) -> Written {
    match message {
        Icmp::Echo(id) => ip.icmpv6_echo_request(*id, 1).write(frame, &[]),
        Icmp::EchoReply(id) => ip.icmpv6_echo_reply(*id, 1).write(frame, &[]),
        Icmp::PortUnreachable { quoted } => {
            let kind = Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port);
            ip.icmpv6(kind).write(frame, quoted)
        }
    }
}

fn read_transport(transport: &TransportSlice) -> Option<Content> {
    match transport {
        TransportSlice::Tcp(tcp) => read_tcp(tcp),
        TransportSlice::Udp(udp) => Some(Content::Udp {
            ports: [udp.source_port(), udp.destination_port()],
            payload: udp.payload().to_vec(),
        }),
        TransportSlice::Icmpv4(icmp) => read_icmpv4(icmp).map(Content::Icmp),
        TransportSlice::Icmpv6(icmp) => read_icmpv6(icmp).map(Content::Icmp),
        TransportSlice::Igmp(_) => None,
    }
}

fn read_tcp(tcp: &TcpSlice) -> Option<Content> {
    let flag = match (tcp.syn(), tcp.ack(), tcp.rst()) {
        (true, false, false) => TcpFlag::Syn,
        (true, true, false) => TcpFlag::SynAck,
        (false, _, true) => TcpFlag::Reset,
        _ => return None,
    };
    Some(Content::Tcp {
        ports: [tcp.source_port(), tcp.destination_port()],
        flag,
    })
}

fn read_icmpv4(icmp: &Icmpv4Slice) -> Option<Icmp> {
    match icmp.icmp_type() {
        Icmpv4Type::EchoRequest(IcmpEchoHeader { id, .. }) => Some(Icmp::Echo(id)),
        Icmpv4Type::EchoReply(IcmpEchoHeader { id, .. }) => Some(Icmp::EchoReply(id)),
        Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port) => {
            let quoted = icmp.payload().to_vec();
            Some(Icmp::PortUnreachable { quoted })
        }
        _ => None,
    }
}

fn read_icmpv6(icmp: &Icmpv6Slice) -> Option<Icmp> {
    match icmp.icmp_type() {
        Icmpv6Type::EchoRequest(IcmpEchoHeader { id, .. }) => Some(Icmp::Echo(id)),
        Icmpv6Type::EchoReply(IcmpEchoHeader { id, .. }) => Some(Icmp::EchoReply(id)),
        Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port) => {
            let quoted = icmp.payload().to_vec();
            Some(Icmp::PortUnreachable { quoted })
        }
        _ => None,
    }
}

fn read_sctp(ip: &IpPayloadSlice) -> Option<Content> {
    let is_sctp = ip.ip_number == IpNumber::SCTP;
    let packet = is_sctp.then(|| sctp::Packet::parse(ip.payload));
    packet.flatten().map(Content::Sctp)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
    const V6: [&str; 2] = ["fd00::1", "fd00::2"];

    /// One of each kind of message.
    fn contents() -> Vec<Content> {
        let ports = [40_000, 80];
        let init = sctp::Packet {
            source_port: 40_000,
            destination_port: 80,
            tag: 7,
            kind: sctp::Kind::Init,
        };
        let payload = b"payload".to_vec();
        let quoted = vec![0x45; 28];
        let flags = [TcpFlag::Syn, TcpFlag::SynAck, TcpFlag::Reset];
        let tcp = flags.map(|flag| Content::Tcp { ports, flag });
        let sctp = [init, init.answer(true), init.answer(false)].map(Content::Sctp);
        let echoes = [Icmp::Echo(1), Icmp::EchoReply(65535)];
        let others = [
            Content::Udp { ports, payload },
            Content::Icmp(Icmp::PortUnreachable { quoted }),
        ];
        let all = tcp.into_iter().chain(sctp).chain(others);
        all.chain(echoes.map(Content::Icmp)).collect()
    }

    #[test]
    fn every_message_survives_the_wire_and_no_cut_of_it_does() {
        for addresses in [V4, V6] {
            let [source, destination] = addresses.map(|text| text.parse().unwrap());
            for content in contents() {
                let message = Message {
                    source,
                    destination,
                    content,
                };
                let frame = write(&message, [2; 6], [4; 6]).unwrap();
                assert_eq!(read(&frame).as_ref(), Some(&message));
                assert_eq!(wire::destination(&frame), Some(destination));
                for length in 0..frame.len() {
                    assert_eq!(read(&frame[..length]), None, "{message:?} cut at {length}");
                }
            }
        }
    }
}
