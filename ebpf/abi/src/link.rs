//! The plumbing: which interface is which endpoint. Written when a pod comes up, untouched by policy.

use crate::{Address, Mac};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The pod behind a host-side interface, keyed by the interface index: the only addresses it may send from.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Link {
    /// Its IPv4 address, or [`Address::NONE`].
    pub v4: Address,
    /// Its IPv6 address, or [`Address::NONE`].
    pub v6: Address,
    /// The link-layer address of its end of the link.
    pub mac: Mac,
    /// Not used, zero.
    pub reserved: [u8; 2],
}

/// Where a local pod's address is delivered, keyed by that [`Address`].
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct LocalEndpoint {
    /// Index of the host-side interface, in the node's namespace.
    pub ifindex: u32,
    /// The pod's link-layer address: the destination of frames to it.
    pub mac: Mac,
    /// The host side's link-layer address: the source of frames to it.
    pub gateway_mac: Mac,
}
