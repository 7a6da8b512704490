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
