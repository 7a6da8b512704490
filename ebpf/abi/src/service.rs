//! Services: virtual ends of connections, and the backends behind them.
//!
//! A packet to a virtual end looks its [`Frontend`] up and takes one of the slots of a [`BackendSet`]. What was chosen
//! stays with the connection; see [`crate::Connection::other`].

use crate::versions::rows;
use crate::{Address, End, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Key of the longest-prefix table of virtual ends. The kernel matches the first `prefix_length` bits of what follows;
/// the value is [`FrontendRows`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct FrontendKey {
    /// Bits that count of what follows: 128 (whatever is sent to the address), 160 (to a port of a protocol).
    pub prefix_length: u32,
    /// The virtual address.
    pub address: Address,
    /// IP protocol number; zero below 160 bits.
    pub protocol: u8,
    /// Not used, zero.
    reserved: u8,
    /// The port; zero below 160 bits.
    pub port: Port,
    /// Not used, zero. The kernel keeps the value behind the key, and aligned as that wants it.
    behind: [u8; 4],
}

impl FrontendKey {
    /// Bits that select an address.
    pub const ADDRESS: u32 = 128;
    /// Bits of one exact end.
    pub const EXACT: u32 = 160;

    /// The key of an end, with which packets look up, too.
    #[must_use]
    #[inline(always)]
    pub const fn exact(address: Address, protocol: u8, port: Port) -> Self {
        Self {
            prefix_length: Self::EXACT,
            address,
            protocol,
            reserved: 0,
            port,
            behind: [0; 4],
        }
    }

    /// The key of an address, found where it has no row for the port.
    #[must_use]
    #[inline(always)]
    pub const fn address(address: Address) -> Self {
        Self {
            prefix_length: Self::ADDRESS,
            address,
            protocol: 0,
            reserved: 0,
            port: Port::NONE,
            behind: [0; 4],
        }
    }

    /// The bits behind the prefix length, as they are compared.
    #[must_use]
    #[inline(always)]
    pub fn data(&self) -> [u8; 24] {
        let [_, _, _, _, data @ ..]: [u8; 28] = zerocopy::transmute!(*self);
        data
    }
}

rows! {
    /// Value of the table of virtual ends: a [`Frontend`] in two versions.
    FrontendRows of Frontend
}

/// Flag of [`Frontend::flags`]: there is such an end. Without, a row stands for one that has gone.
pub const FRONTEND_IS_THERE: u32 = 1;
/// Flag of [`Frontend::flags`]: the slot follows from who asks, so that every node chooses alike. Otherwise it is random.
pub const FRONTEND_HASHES: u32 = 2;

/// Flag of [`Frontend::flags`]: who is outside gets backends on this node alone, and where there are none no answer
/// (`externalTrafficPolicy: Local`).
pub const FRONTEND_IS_LOCAL: u32 = 4;

/// Flag of [`Frontend::flags`]: of who is outside only those are served whose addresses are among the sources of the
/// set of backends ([`SourceKey`]).
pub const FRONTEND_HAS_SOURCES: u32 = 8;

/// A virtual end: one port of one service, at one of its addresses.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Frontend {
    /// The service's port, whatever the address: what a client is affine to. Never used again for another.
    pub number: u32,
    /// [`FRONTEND_IS_THERE`], [`FRONTEND_HASHES`], [`FRONTEND_IS_LOCAL`], [`FRONTEND_HAS_SOURCES`].
    pub flags: u32,
    /// The backends for who is in the cluster.
    pub inside: BackendSet,
    /// The backends for who is outside of it.
    pub outside: BackendSet,
    /// How long a client stays with its backend after it was last sent there, seconds; zero is not at all.
    pub affinity: u32,
    /// Not used, zero.
    pub reserved: u32,
}

impl Frontend {
    /// Whether there is such an end.
    #[must_use]
    #[inline(always)]
    pub const fn is_there(&self) -> bool {
        self.flags & FRONTEND_IS_THERE != 0
    }
}

/// Backends to choose from. What is in a set never changes, and its number is never used again for another.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct BackendSet {
    /// The number.
    pub id: u32,
    /// How many slots it has, from 0; none if there is no backend.
    pub slots: u32,
}

/// Key of the slots: the value is the backend's [`End`]. A backend may have several.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct SlotKey {
    /// The set's number.
    pub set: u32,
    /// Which slot.
    pub slot: u32,
}

/// Key of the members of sets: those with a slot, and those that only keep the connections they have because they are
/// about to end. The value is a `u32`, [`MEMBER_TAKES_NEW`] or [`MEMBER_DRAINS`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct MemberKey {
    /// The set's number.
    pub set: u32,
    /// The backend.
    pub backend: End,
}

/// Key of the longest-prefix table of who may come to a set of backends. The kernel matches the first `prefix_length`
/// bits of what follows; that there is a row is all it says.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct SourceKey {
    /// Bits that count of what follows: 32 and those of the prefix, an IPv4 prefix has 96 more than it is written with.
    pub prefix_length: u32,
    /// The set, in network order so that it is a prefix.
    set: [u8; 4],
    /// The prefix, other bits zero.
    address: Address,
}

impl SourceKey {
    /// Bits of the set's number, and of one exact address.
    pub const SET: u32 = 32;
    /// Bits of one exact address of a set.
    pub const EXACT: u32 = Self::SET + 128;

    /// The key of a prefix, `length` bits long.
    #[must_use]
    #[inline(always)]
    pub const fn prefix(set: u32, address: Address, length: u32) -> Self {
        Self {
            prefix_length: Self::SET + length,
            set: set.to_be_bytes(),
            address,
        }
    }

    /// Makes this the key with which a packet looks up.
    #[inline(always)]
    pub const fn set_exact(&mut self, set: u32, address: &Address) {
        self.prefix_length = Self::EXACT;
        self.set = set.to_be_bytes();
        self.address = *address;
    }

    /// The set's number.
    #[must_use]
    pub const fn set(&self) -> u32 {
        u32::from_be_bytes(self.set)
    }

    /// The bits behind the prefix length, as they are compared.
    #[must_use]
    #[inline(always)]
    pub fn data(&self) -> [u8; 20] {
        let [_, _, _, _, data @ ..]: [u8; 24] = zerocopy::transmute!(*self);
        data
    }
}

/// A member with a slot.
pub const MEMBER_TAKES_NEW: u32 = 1;
/// A member that keeps the connections it has.
pub const MEMBER_DRAINS: u32 = 2;

/// Key of the affinities: the value is an [`Affinity`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct AffinityKey {
    /// Who asks.
    pub client: Address,
    /// [`Frontend::number`].
    pub number: u32,
}

/// Where a client was sent.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Affinity {
    /// Conntrack clock (nanoseconds) after which it is free again.
    pub expires: u64,
    /// The backend.
    pub backend: End,
    /// Not used, zero.
    pub reserved: u32,
}

/// Key of what sockets know: a virtual end and the backend that stands for it, each by the other. The value is an
/// [`End`]. Entries that were not asked for lately make room.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct PeerKey {
    /// The kernel's cookie of the socket, never used again for another.
    pub socket: u64,
    /// The end that is known.
    pub end: End,
    /// What that end is: [`PEER_IS_BACKEND`] or [`PEER_IS_VIRTUAL`].
    pub kind: u32,
}

/// [`PeerKey::kind`]: a backend, and the value is the virtual end that the socket knows it as.
pub const PEER_IS_BACKEND: u32 = 0;
/// [`PeerKey::kind`]: a virtual end, and the value is the backend that the socket's datagrams to it go to.
pub const PEER_IS_VIRTUAL: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frontend_key_is_a_prefix_of_address_protocol_port() {
        let address = Address::from_v4([10, 96, 0, 1]);
        let key = FrontendKey::exact(address, 6, Port::new(0x0102));
        assert_eq!(zerocopy::IntoBytes::as_bytes(&key)[4..], key.data());
        assert_eq!(key.data()[16..20], [6, 0, 1, 2]);
        assert_eq!(FrontendKey::address(address).data()[..16], address.octets());
    }
}
