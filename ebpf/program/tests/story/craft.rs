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
    payload.extend([chunk, 0, 0, 8]);
    payload.extend(TAG);
    let checksum = crc32c(&payload);
    payload[8..12].copy_from_slice(&checksum.to_le_bytes());
    raw(sender, ends, abi::protocol::SCTP, &payload)
}

/// What an SCTP INIT says how it wants to be called.
pub(crate) const TAG: [u8; 4] = [0xca, 0xfe, 0, 7];

/// An SCTP packet with one empty chunk, its tag and its flags.
pub(crate) fn sctp_empty(sender: &Pod, ends: Ends, chunk: [u8; 2], tag: [u8; 4]) -> Vec<u8> {
    let [from, to] = [ends.from.1, ends.to.1].map(u16::to_be_bytes);
    let mut payload = [from, to].concat();
    payload.extend(tag);
    payload.extend([0, 0, 0, 0, chunk[0], chunk[1], 0, 4]);
    let checksum = crc32c(&payload);
    payload[8..12].copy_from_slice(&checksum.to_le_bytes());
    raw(sender, ends, abi::protocol::SCTP, &payload)
}

fn crc32c(bytes: &[u8]) -> u32 {
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(*byte), |remainder, _| {
            (remainder >> 1) ^ (0x82f6_3b78 * (remainder & 1))
        })
    });
    !remainder
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

/// An ICMP echo, with its identifier as the first end's port in a request and the second's in a reply.
pub(crate) fn echo(sender: &Pod, ends: Ends, is_request: bool) -> Vec<u8> {
    let is_v4 = !ends.from.0.contains(':');
    let (protocol, kind) = match (is_v4, is_request) {
        (true, true) => (1, 8),
        (true, false) => (1, 0),
        (false, true) => (58, 128),
        (false, false) => (58, 129),
    };
    let identifier = if is_request { ends.from.1 } else { ends.to.1 };
    let [high, low] = identifier.to_be_bytes();
    let message = [kind, 0, 0, 0, high, low, 0, 1, 0xab, 0xcd];
    summed(raw(sender, ends, protocol, &message))
}

/// The frame with the checksum of its ICMP message, which has no IP options or extensions before it.
pub(crate) fn summed(mut frame: Vec<u8>) -> Vec<u8> {
    let is_v4 = frame[14] >> 4 == 4;
    let start = if is_v4 { 34 } else { 54 };
    let mut covered = Vec::new();
    if !is_v4 {
        let length = u32::try_from(frame.len() - start).unwrap();
        covered.extend_from_slice(&frame[22..54]);
        covered.extend(length.to_be_bytes());
        covered.extend([0, 0, 0, 58]);
    }
    frame[start + 2..start + 4].fill(0);
    covered.extend_from_slice(&frame[start..]);
    let words = covered.chunks(2);
    let words = words.map(|word| u16::from_be_bytes([word[0], *word.get(1).unwrap_or(&0)]));
    let mut sum: u32 = words.map(u32::from).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap();
    frame[start + 2..start + 4].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// A datagram in two fragments.
pub(crate) fn fragments(sender: &Pod, ends: Ends, payload: &[u8; 64]) -> [Vec<u8>; 2] {
    let whole = udp(sender, ends, payload);
    if whole[14] >> 4 == 4 {
        [(0, 40, 0x2000_u16), (40, 72, 5)].map(|(start, end, position)| {
            let mut frame = raw(sender, ends, 17, &whole[34 + start..34 + end]);
            frame[18..20].copy_from_slice(&[0x12, 0x34]);
            frame[20..22].copy_from_slice(&position.to_be_bytes());
            frame[24..26].fill(0);
            let sum: u32 = frame[14..34].chunks(2).fold(0, |sum, word| {
                sum + u32::from(u16::from_be_bytes([word[0], word[1]]))
            });
            let sum = (sum & 0xffff) + (sum >> 16);
            let checksum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
            frame[24..26].copy_from_slice(&checksum.to_be_bytes());
            frame
        })
    } else {
        [(0, 40, 1_u8), (40, 72, 40)].map(|(start, end, position)| {
            let mut payload = vec![17, 0, 0, position, 0, 0, 0x12, 0x34];
            payload.extend_from_slice(&whole[54 + start..54 + end]);
            raw(sender, ends, 44, &payload)
        })
    }
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
