//! SCTP packets with one chunk (RFC 9260 section 3).

use super::Ports;
use crate::driver::crc32c;
use anyhow::Context;
use oracle::connection::SctpChunk;

/// Names, chunk types and the smallest length of a chunk's value.
const CHUNKS: [(&str, SctpChunk, u8, usize); 9] = [
    ("DATA", SctpChunk::Data, 0, 12),
    ("INIT", SctpChunk::Init, 1, 16),
    ("INIT-ACK", SctpChunk::InitAck, 2, 16),
    ("ABORT", SctpChunk::Abort, 6, 0),
    ("SHUTDOWN", SctpChunk::Shutdown, 7, 4),
    ("SHUTDOWN-ACK", SctpChunk::ShutdownAck, 8, 0),
    ("COOKIE-ECHO", SctpChunk::CookieEcho, 10, 4),
    ("COOKIE-ACK", SctpChunk::CookieAck, 11, 0),
    ("SHUTDOWN-COMPLETE", SctpChunk::ShutdownComplete, 14, 0),
];
/// Both sides of all made-up associations have the same tag.
const TAG: u32 = 0x706c_756d;

/// The chunk of this name.
///
/// # Errors
/// When there is none; the error lists them.
pub fn parse_chunk(text: &str) -> anyhow::Result<SctpChunk> {
    let known = CHUNKS.iter().find(|(name, ..)| *name == text);
    let known = known.with_context(|| {
        let names = CHUNKS.map(|(name, ..)| name).join(", ");
        format!("`{text}` is no SCTP chunk: use {names}")
    })?;
    Ok(known.1)
}

/// The name of a chunk.
#[must_use]
pub fn chunk_name(chunk: SctpChunk) -> &'static str {
    let known = CHUNKS.iter().find(|(_, known, ..)| *known == chunk);
    known.map_or("", |(name, ..)| name)
}

/// The bytes behind the IP header, with `payload` behind the chunk's fixed part.
pub(super) fn write(ports: Ports, chunk: SctpChunk, payload: &[u8]) -> Vec<u8> {
    let known = CHUNKS.iter().find(|(_, known, ..)| *known == chunk);
    let (number, fixed) = known.map_or((0, 0), |(_, _, number, fixed)| (*number, *fixed));
    let tag = if chunk == SctpChunk::Init { 0 } else { TAG };
    let length = u16::try_from(4 + fixed + payload.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(16 + fixed + payload.len());
    bytes.extend(ports.source.to_be_bytes());
    bytes.extend(ports.destination.to_be_bytes());
    bytes.extend(tag.to_be_bytes());
    bytes.extend([0; 4]);
    // A whole message in one DATA chunk; the other chunks have no such flags.
    bytes.extend([number, if chunk == SctpChunk::Data { 3 } else { 0 }]);
    bytes.extend(length.to_be_bytes());
    bytes.resize(bytes.len() + fixed, 1);
    bytes.extend(payload);
    let checksum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_errors_list_them() {
        for (name, chunk, ..) in CHUNKS {
            assert_eq!(parse_chunk(name).unwrap(), chunk);
            assert_eq!(chunk_name(chunk), name);
        }
        let error = parse_chunk("INITACK").unwrap_err().to_string();
        assert!(error.contains("INIT-ACK"), "{error}");
    }
}
