//! Checksums that follow what changes beneath them.

use abi::Address;

/// What changes beneath a one's complement checksum: the sum of the words that come, less those that go (RFC 1624).
///
/// Words are as they stand in memory: such a sum is the same in either byte order, its two bytes swapped (RFC 1071).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ChecksumChange(u32);

/// A checksum in a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checksum {
    /// Where it is.
    pub offset: u32,
    /// Whether zero stands for no checksum, as in UDP (RFC 768).
    pub is_optional: bool,
}

/// Where a checksum covers the bytes that change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Covered {
    /// In the message itself.
    Message,
    /// In the pseudo header, which has the addresses of IPv4 (RFC 9293 section 3.1).
    PseudoHeaderV4,
    /// In the pseudo header, which has the addresses of IPv6 (RFC 8200 section 8.1).
    PseudoHeaderV6,
}

impl ChecksumChange {
    /// This change, and these bytes in place of those. They begin at an even offset; `N` is even.
    #[must_use]
    #[inline(always)]
    pub const fn replace<const N: usize>(self, old: [u8; N], new: [u8; N]) -> Self {
        let mut sum = self.0;
        let mut index = 0;
        while index + 1 < N {
            sum += (!u16::from_ne_bytes([old[index], old[index + 1]])) as u32;
            sum += u16::from_ne_bytes([new[index], new[index + 1]]) as u32;
            index += 2;
        }
        Self(sum)
    }

    /// This change, and this address in place of that.
    #[must_use]
    #[inline(always)]
    pub const fn replace_address(self, old: &Address, new: &Address) -> Self {
        let (old_high, old_low) = old.halves();
        let (new_high, new_low) = new.halves();
        let sum = words(!old_high) + words(!old_low) + words(new_high) + words(new_low);
        Self(self.0 + sum)
    }

    /// Both changes.
    #[must_use]
    #[inline(always)]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    /// The change as the kernel's helpers take it.
    #[must_use]
    #[inline(always)]
    pub const fn sum(self) -> u32 {
        self.0
    }

    /// What a checksum is after the change.
    #[must_use]
    #[inline(always)]
    pub const fn applied_to(self, checksum: [u8; 2]) -> [u8; 2] {
        let mut sum = (!u16::from_ne_bytes(checksum)) as u32 + (self.0 & 0xffff) + (self.0 >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = (sum & 0xffff) + (sum >> 16);
        #[expect(clippy::cast_possible_truncation, reason = "folded to 16 bits")]
        let sum = sum as u16;
        (!sum).to_ne_bytes()
    }
}

/// The sum of the four words of a number in network order, as they stand in memory.
#[inline(always)]
const fn words(number: u64) -> u32 {
    let number = number.to_be();
    let sum =
        (number & 0xffff) + (number >> 16 & 0xffff) + (number >> 32 & 0xffff) + (number >> 48);
    #[expect(clippy::cast_possible_truncation, reason = "four words of 16 bits")]
    let sum = sum as u32;
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checksum of RFC 1071.
    fn checksum(bytes: &[u8]) -> [u8; 2] {
        let words = bytes
            .chunks(2)
            .map(|word| u16::from_be_bytes([word[0], word[1]]));
        let sum: u32 = words.map(u32::from).sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        let folded = (folded & 0xffff) + (folded >> 16);
        (!u16::try_from(folded).unwrap()).to_be_bytes()
    }

    #[test]
    fn a_changed_checksum_is_the_checksum_of_what_changed() {
        let message = [0x45, 0, 0, 60, 0x12, 0x34, 0xff, 0xff, 64, 6, 10, 0, 0, 1];
        for new in [
            [0, 0, 0, 0],
            [0xff; 4],
            [203, 0, 113, 9],
            [0, 0, 0xff, 0xff],
        ] {
            for at in [0, 6, 10] {
                let mut changed = message;
                let old: [u8; 4] = message[at..at + 4].try_into().unwrap();
                changed[at..at + 4].copy_from_slice(&new);
                let change = ChecksumChange::default().replace(old, new);
                let applied = change.applied_to(checksum(&message));
                assert_eq!(applied, checksum(&changed), "{new:?} at {at}");
                let back = change.replace(new, old);
                assert_eq!(back.applied_to(applied), applied);
            }
        }
    }

    #[test]
    fn a_word_that_becomes_zero_and_comes_back_leaves_the_checksum() {
        // RFC 1624 section 4: the example on which the arithmetic of RFC 1141 fails.
        let change = ChecksumChange::default().replace([0x55, 0x55], [0x32, 0x85]);
        assert_eq!(change.applied_to([0xdd, 0x2f]), [0, 0]);
    }
}
