//! Fragments: later ones have no ports and follow the first.

use crate::parse::Transport;
use crate::{Full, Maps};
use abi::{Address, DropReason, Port};
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

/// Remembers the ports of a first fragment, for the later ones.
#[inline(always)]
pub(crate) fn remember<M: Maps>(
    maps: &M,
    key: &FragmentKey,
    first: Transport,
) -> Result<Transport, DropReason> {
    let ports = Ports {
        source: first.source,
        destination: first.destination,
    };
    match maps.put_fragment(key, &ports) {
        Ok(()) => Ok(first),
        Err(Full) => Err(DropReason::FragmentTableFull),
    }
}

/// What a later fragment takes from the first.
#[inline(always)]
pub(crate) fn ports_of_first<M: Maps>(
    maps: &M,
    key: &FragmentKey,
) -> Result<Transport, DropReason> {
    let ports = maps.fragment(key).ok_or(DropReason::FragmentWithoutFirst)?;
    Ok(Transport::later_fragment(ports))
}
