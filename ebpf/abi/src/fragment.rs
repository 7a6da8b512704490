//! Fragmented packets: later fragments have no ports of their own.

use crate::{Address, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A fragmented packet (RFC 791, RFC 8200 section 4.5).
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
pub struct FragmentKey {
    /// Source address.
    pub source: Address,
    /// Destination address.
    pub destination: Address,
    /// The identification field, as it stands in the packet.
    pub identification: [u8; 4],
    /// IP protocol number.
    pub protocol: u8,
    /// Not used, zero.
    pub reserved: [u8; 3],
}

/// The ports that a first fragment carried.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Ports {
    /// Source port.
    pub source: Port,
    /// Destination port.
    pub destination: Port,
}

/// What is remembered of a packet's first fragment.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct FirstFragment {
    /// Conntrack clock (nanoseconds) after which the entry is dead: identifications are used again.
    pub expires: u64,
    /// The ports it carried.
    pub ports: Ports,
    /// Not used, zero.
    pub reserved: [u8; 4],
}
