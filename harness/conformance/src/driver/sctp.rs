//! The two SCTP packets of an association's first round trip (RFC 9260): the kernel here has no SCTP of its own.

/// IP protocol number.
pub(super) const PROTOCOL: i32 = 132;

const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
const COMMON_HEADER: usize = 12;
/// A chunk header and the fixed part of INIT and INIT ACK.
const INIT_CHUNK: usize = 20;
/// What the state cookie holds; nobody will send it back.
const COOKIE: &[u8; 4] = b"plum";
/// Parameter type "State Cookie", without which an INIT ACK is not valid.
const STATE_COOKIE: u16 = 7;

/// A packet of the first round trip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet {
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    /// The association's number, chosen by who opens it.
    pub(super) tag: u32,
    pub(super) kind: Kind,
}

/// Which of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Opens an association.
    Init,
    /// Accepts it.
    InitAck,
    /// Refuses it.
    Abort,
}

impl Packet {
    /// The answer to an INIT.
    pub(super) fn answer(self, is_served: bool) -> Self {
        Self {
            source_port: self.destination_port,
            destination_port: self.source_port,
            tag: self.tag,
            kind: if is_served {
                Kind::InitAck
            } else {
                Kind::Abort
            },
        }
    }

    /// The bytes behind the IP header, with a valid checksum.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (verification_tag, chunk) = match self.kind {
            Kind::Init => (0, init_chunk(INIT, self.tag, &[])),
            Kind::InitAck => (self.tag, init_chunk(INIT_ACK, self.tag, &state_cookie())),
            Kind::Abort => (self.tag, vec![ABORT, 0, 0, 4]),
        };
        let mut bytes = Vec::with_capacity(COMMON_HEADER + chunk.len());
        bytes.extend(self.source_port.to_be_bytes());
        bytes.extend(self.destination_port.to_be_bytes());
        bytes.extend(verification_tag.to_be_bytes());
        bytes.extend([0; 4]);
        bytes.extend(chunk);
        let checksum = crc32c(&bytes);
        bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the bytes behind the IP header; `None` for anything else than an intact packet of these three kinds.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut without_checksum = bytes.to_vec();
        without_checksum.get_mut(8..12)?.fill(0);
        if bytes[8..12] != crc32c(&without_checksum).to_le_bytes() {
            return None;
        }
        let u32_at = |offset: usize| {
            let bytes = bytes.get(offset..offset + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        let ports = u32_at(0)?.to_be_bytes();
        let (kind, tag) = match *bytes.get(COMMON_HEADER)? {
            INIT => (Kind::Init, u32_at(COMMON_HEADER + 4)?),
            INIT_ACK => (Kind::InitAck, u32_at(4)?),
            ABORT => (Kind::Abort, u32_at(4)?),
            _ => return None,
        };
        Some(Self {
            source_port: u16::from_be_bytes([ports[0], ports[1]]),
            destination_port: u16::from_be_bytes([ports[2], ports[3]]),
            tag,
            kind,
        })
    }
}

/// INIT or INIT ACK: one stream each way, a window of 64 KiB, `tag` as initiate tag and first sequence number.
fn init_chunk(kind: u8, tag: u32, parameters: &[u8]) -> Vec<u8> {
    const ADVERTISED_WINDOW: u32 = 0x1_0000;
    const STREAMS: u16 = 1;
    let length = u16::try_from(INIT_CHUNK + parameters.len()).unwrap_or(u16::MAX);
    let mut chunk = vec![kind, 0];
    chunk.extend(length.to_be_bytes());
    chunk.extend(tag.to_be_bytes());
    chunk.extend(ADVERTISED_WINDOW.to_be_bytes());
    chunk.extend(STREAMS.to_be_bytes());
    chunk.extend(STREAMS.to_be_bytes());
    chunk.extend(tag.to_be_bytes());
    chunk.extend(parameters);
    chunk
}

fn state_cookie() -> Vec<u8> {
    let mut parameter = STATE_COOKIE.to_be_bytes().to_vec();
    parameter.extend([0, 8]);
    parameter.extend(COOKIE);
    parameter
}

/// CRC-32C (Castagnoli), bit by bit: the packets are short.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0x82f6_3b78;
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        (0..8).fold(remainder ^ u32::from(*byte), |remainder, _| {
            let carry = REVERSED_POLYNOMIAL * (remainder & 1);
            (remainder >> 1) ^ carry
        })
    });
    !remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720 appendix B.4.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn packets_round_trip_and_damage_shows() {
        let init = Packet {
            source_port: 40_000,
            destination_port: 80,
            tag: 7,
            kind: Kind::Init,
        };
        for packet in [init, init.answer(true), init.answer(false)] {
            let bytes = packet.to_bytes();
            assert_eq!(Packet::parse(&bytes), Some(packet));
            for index in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[index] ^= 1;
                assert_eq!(Packet::parse(&damaged), None, "byte {index}");
                assert_eq!(Packet::parse(&bytes[..index]), None, "cut at {index}");
            }
        }
        assert_eq!(init.answer(true).kind, Kind::InitAck);
        assert_eq!(init.answer(false).source_port, 80);
    }
}
