//! Maglev hashing: a table of slots in which each backend has its share, and keeps most of it when others come and go.
//!
//! Section 3.4 of “Maglev: A Fast and Reliable Software Network Load Balancer” (NSDI 2016).

use std::net::{IpAddr, SocketAddr};

/// How many slots a table has, whatever the number of backends: a prime, so that every step goes through all of them.
/// Shares differ by one slot at most: with 40 backends by one in a hundred.
pub const SLOTS: u32 = 4093;

/// The order in which a backend asks for slots.
struct Preference {
    next: u32,
    step: u32,
}

impl Preference {
    fn of(backend: &SocketAddr) -> Self {
        let hash = hash(backend);
        let low = u32::try_from(hash & 0xffff_ffff).unwrap_or_default();
        let high = u32::try_from(hash >> 32).unwrap_or_default();
        Self {
            next: low % SLOTS,
            step: high % (SLOTS - 1) + 1,
        }
    }
}

impl Iterator for Preference {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let slot = self.next;
        self.next = (slot + self.step) % SLOTS;
        usize::try_from(slot).ok()
    }
}

/// The backend of each slot; no slots without backends. Backends take turns, each with the first slot of its preference
/// that is free. More backends than slots: the last ones have none.
pub(crate) fn slots(backends: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut slots = vec![None; SLOTS as usize];
    let mut preferences: Vec<_> = backends.iter().map(Preference::of).collect();
    for backend in (0..backends.len()).cycle().take(slots.len()) {
        let free = preferences[backend].find(|slot| slots[*slot].is_none());
        if let Some(slot) = free {
            slots[slot] = Some(backends[backend]);
        }
    }
    slots.into_iter().flatten().collect()
}

/// A number for a backend that is the same on every machine and in every build.
fn hash(backend: &SocketAddr) -> u64 {
    /// Of the last step of `MurmurHash3`, which mixes 64 bits.
    const FIRST: u64 = 0xff51_afd7_ed55_8ccd;
    const SECOND: u64 = 0xc4ce_b9fe_1a85_ec53;
    let bits = match backend.ip() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    let halves = [bits >> 64, bits & u128::from(u64::MAX)];
    let words = halves.map(|half| u64::try_from(half).unwrap_or_default());
    let words = words.into_iter().chain([u64::from(backend.port())]);
    words.fold(0, |hash, word| {
        let mixed = ((hash ^ word) ^ ((hash ^ word) >> 33)).wrapping_mul(FIRST);
        let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(SECOND);
        mixed ^ (mixed >> 33)
    })
}
