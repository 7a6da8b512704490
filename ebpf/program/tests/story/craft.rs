//! Frames.

use crate::world::Pod;
use etherparse::PacketBuilder;

/// Ends of a packet: addresses of one family and ports.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) from: (&'a str, u16),
    pub(crate) to: (&'a str, u16),
}

impl Ends<'_> {
    pub(crate) const fn back(self) -> Self {
        Ends {
            from: self.to,
            to: self.from,
        }
    }
}

/// TCP flags as `tcpdump` writes them: `S`, `S.`, `.`, `F.`, `R`.
pub(crate) fn tcp(sender: &Pod, ends: Ends, flags: &str) -> Vec<u8> {
    let mut builder = ip(sender, ends).tcp(ends.from.1, ends.to.1, 1, 1024);
    for flag in flags.chars() {
        builder = match flag {
            'S' => builder.syn(),
            '.' => builder.ack(1),
            'F' => builder.fin(),
            'R' => builder.rst(),
            other => panic!("no flag {other}"),
        };
    }
    let mut frame = Vec::new();
    builder.write(&mut frame, &[]).unwrap();
    frame
}

/// SCTP with one chunk of this type and nothing in it.
pub(crate) fn sctp(sender: &Pod, ends: Ends, chunk: u8) -> Vec<u8> {
    let [from, to] = [ends.from.1, ends.to.1].map(u16::to_be_bytes);
    let mut payload = [from, to].concat();
    payload.extend([0; 8]);
    payload.extend([chunk, 0, 0, 4]);
    raw(sender, ends, abi::protocol::SCTP, &payload)
}

pub(crate) fn udp(sender: &Pod, ends: Ends, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip(sender, ends).udp(ends.from.1, ends.to.1);
    builder.write(&mut frame, payload).unwrap();
    frame
}

/// An IP packet of any protocol; IPv6 extension headers are part of `payload`.
pub(crate) fn raw(sender: &Pod, ends: Ends, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    let builder = ip(sender, ends);
    // The builder would look for extension headers of its own, so the number is written afterwards.
    let placeholder = etherparse::IpNumber(253);
    builder.write(&mut frame, placeholder, payload).unwrap();
    let is_v4 = frame[14] >> 4 == 4;
    frame[if is_v4 { 14 + 9 } else { 14 + 6 }] = protocol;
    frame
}

/// An ICMP error of the receiver of `about` (a frame), back to its sender.
pub(crate) fn unreachable(sender: &Pod, ends: Ends, about: &[u8]) -> Vec<u8> {
    let quoted = &about[14..];
    let (protocol, kind, code) = if quoted[0] >> 4 == 4 {
        (1, 3, 3)
    } else {
        (58, 1, 4)
    };
    let mut payload = vec![kind, code, 0, 0, 0, 0, 0, 0];
    payload.extend_from_slice(quoted);
    raw(sender, ends, protocol, &payload)
}

fn ip(sender: &Pod, ends: Ends) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    let gateway = crate::world::GATEWAY.0;
    let ethernet = PacketBuilder::ethernet2(sender.mac, gateway);
    match (ends.from.0.parse().unwrap(), ends.to.0.parse().unwrap()) {
        (std::net::IpAddr::V4(from), std::net::IpAddr::V4(to)) => {
            ethernet.ipv4(from.octets(), to.octets(), 64)
        }
        (std::net::IpAddr::V6(from), std::net::IpAddr::V6(to)) => {
            ethernet.ipv6(from.octets(), to.octets(), 64)
        }
        _ => panic!("two families in one packet"),
    }
}
