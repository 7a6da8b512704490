//! The checksum of SCTP, a `CRC32c` of the packet (RFC 9260 section 6.8): what it is, and how it follows a change of ports.

/// How long the common header is.
pub(crate) const HEADER: u32 = 12;
/// Where the checksum is, from the common header on. It stands there with its lowest byte first.
pub(crate) const CHECKSUM: u32 = 8;

/// The polynomial of Castagnoli, the lowest power in the highest bit, as in the registers here.
const POLYNOMIAL: u32 = 0x82f6_3b78;
/// Bits of a length.
const BITS: usize = 16;
/// Half bytes of a register.
const NIBBLES: usize = 8;
/// Values of half a byte.
const VALUES: usize = 16;

/// What half a byte at the end of a register becomes with four bits more. Everything here is looked up, never decided bit
/// by bit: the verifier would follow each bit both ways.
static STEP: [u32; VALUES] = step();

/// What each half byte of a register becomes with `2^k` zero bytes more: that of half byte `n` with value `v` is at
/// `(k * NIBBLES + n) * VALUES + v`.
static ZEROS: [u32; BITS * NIBBLES * VALUES] = zeros();

const fn step() -> [u32; VALUES] {
    let mut step = [0; VALUES];
    let mut value = 0;
    while value < VALUES {
        #[expect(clippy::cast_possible_truncation, reason = "16 values")]
        let register = value as u32;
        step[value] = times_x(times_x(times_x(times_x(register))));
        value += 1;
    }
    step
}

const fn zeros() -> [u32; BITS * NIBBLES * VALUES] {
    let mut zeros = [0; BITS * NIBBLES * VALUES];
    let mut place = 0;
    while place < zeros.len() {
        let (bit, nibble, value) = (
            place / (NIBBLES * VALUES),
            place / VALUES % NIBBLES,
            place % VALUES,
        );
        #[expect(clippy::cast_possible_truncation, reason = "16 values")]
        let register = (value as u32) << (4 * nibble);
        zeros[place] = if bit == 0 {
            with_zero_byte(register)
        } else {
            doubled(&zeros, bit - 1, doubled(&zeros, bit - 1, register))
        };
        place += 1;
    }
    zeros
}

/// The register with `2^bit` zero bytes more.
#[inline(always)]
const fn doubled(zeros: &[u32; BITS * NIBBLES * VALUES], bit: usize, register: u32) -> u32 {
    let mut sum = 0;
    let mut nibble = 0;
    while nibble < NIBBLES {
        let value = (register >> (4 * nibble)) as usize % VALUES;
        sum ^= zeros[(bit * NIBBLES + nibble) * VALUES + value];
        nibble += 1;
    }
    sum
}

const fn with_zero_byte(mut register: u32) -> u32 {
    let mut bit = 0;
    while bit < 8 {
        register = times_x(register);
        bit += 1;
    }
    register
}

const fn times_x(register: u32) -> u32 {
    let carry = POLYNOMIAL * (register & 1);
    (register >> 1) ^ carry
}

/// The register with these bytes more.
#[inline(always)]
fn with<const N: usize>(mut register: u32, bytes: [u8; N]) -> u32 {
    for byte in bytes {
        register ^= u32::from(byte);
        register = (register >> 4) ^ STEP[register as usize % VALUES];
        register = (register >> 4) ^ STEP[register as usize % VALUES];
    }
    register
}

/// The register with so many zero bytes more, at most 65,535.
#[inline(always)]
fn with_zeros(mut register: u32, count: u32) -> u32 {
    for bit in 0..BITS {
        if (count >> bit) & 1 != 0 {
            register = doubled(&ZEROS, bit, register);
        }
    }
    register
}

/// The checksum of a whole packet, whose own bytes in it are zero.
#[inline(always)]
pub(crate) fn checksum<const N: usize>(packet: [u8; N]) -> [u8; 4] {
    (!with(u32::MAX, packet)).to_le_bytes()
}

/// The checksum of a packet of this length after its first four bytes, both ports, have changed by `difference`: the
/// remainder is linear, so it changes by that of the difference with zeros behind it.
#[inline(always)]
pub(crate) fn changed(checksum: [u8; 4], difference: [u8; 4], length: u32) -> [u8; 4] {
    let change = with_zeros(with(0, difference), length.saturating_sub(4));
    (u32::from_le_bytes(checksum) ^ change).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720 appendix B.4.
        assert_eq!(checksum(*b"123456789"), 0xe306_9283_u32.to_le_bytes());
        assert_eq!(checksum([0; 32]), 0x8a91_36aa_u32.to_le_bytes());
    }

    fn whole(bytes: &[u8]) -> [u8; 4] {
        let remainder = bytes
            .iter()
            .fold(u32::MAX, |remainder, byte| with(remainder, [*byte]));
        (!remainder).to_le_bytes()
    }

    #[test]
    fn a_change_of_ports_is_followed_whatever_the_length() {
        for length in [4_u16, 12, 16, 17, 100, 1452, 1500, 9000, 65_515] {
            let mut packet: Vec<u8> = (0..length).map(|at| at.to_le_bytes()[0]).collect();
            let before = whole(&packet);
            let difference = [0x12, 0x34, 0xff, 0x01];
            for (byte, difference) in packet.iter_mut().zip(difference) {
                *byte ^= difference;
            }
            let after = changed(before, difference, length.into());
            assert_eq!(after, whole(&packet), "{length}");
        }
    }
}
