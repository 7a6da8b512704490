//! Echo requests and replies (RFC 792, RFC 4443).

use std::net::IpAddr;

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// The bytes of an echo request behind the IP header; `id` is its payload. For `ICMPv6` the kernel fills in the checksum.
pub(super) fn echo_request(destination: IpAddr, identifier: u16, id: u32) -> Vec<u8> {
    let kind = request_kind(destination);
    let [high, low] = identifier.to_be_bytes();
    let mut bytes = vec![kind, 0, 0, 0, high, low, 0, 1];
    bytes.extend(id.to_be_bytes());
    let checksum = internet_checksum(&bytes);
    bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// The identifier and payload of an echo reply; `None` for every other message.
pub(super) fn parse_reply(source: IpAddr, bytes: &[u8]) -> Option<(u16, u32)> {
    parse(if source.is_ipv4() { 0 } else { 129 }, bytes)
}

/// The same of an echo request.
pub(super) fn parse_request(source: IpAddr, bytes: &[u8]) -> Option<(u16, u32)> {
    parse(request_kind(source), bytes)
}

const fn request_kind(end: IpAddr) -> u8 {
    if end.is_ipv4() { 8 } else { 128 }
}

fn parse(kind: u8, bytes: &[u8]) -> Option<(u16, u32)> {
    let header: [u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
    if header[0] != kind {
        return None;
    }
    let id = bytes.get(HEADER..HEADER + 4)?.try_into().ok()?;
    let identifier = u16::from_be_bytes([header[4], header[5]]);
    Some((identifier, u32::from_be_bytes(id)))
}

/// RFC 1071, of an even number of bytes.
fn internet_checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    let sum: u32 = words
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let [_, _, high, low] = (folded + (folded >> 16)).to_be_bytes();
    !u16::from_be_bytes([high, low])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    #[test]
    fn the_checksum_makes_the_sum_all_ones() {
        let request = echo_request(Ipv4Addr::LOCALHOST.into(), 0xfffe, 0xdead_beef);
        assert_eq!(internet_checksum(&request), 0);
    }

    #[test]
    fn requests_and_replies_are_told_apart() {
        for (address, reply) in [
            (IpAddr::from(Ipv4Addr::LOCALHOST), 0),
            (IpAddr::from(Ipv6Addr::LOCALHOST), 129),
        ] {
            let mut message = echo_request(address, 80, 7);
            assert_eq!(parse_reply(address, &message), None);
            assert_eq!(parse_request(address, &message), Some((80, 7)));
            message[0] = reply;
            assert_eq!(parse_reply(address, &message), Some((80, 7)));
            assert_eq!(parse_request(address, &message), None);
            assert_eq!(parse_reply(address, &message[..11]), None);
        }
    }
}
