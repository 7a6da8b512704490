//! The nodes of the cluster, as each of them knows the others.

use crate::event::wire_enum;
use crate::{Address, Mac};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A node, keyed by each of its [`crate::Identity`]s: it has one for each address family, and they change with policies.
/// Its number never changes, so two identities are the same node's when their rows have the same number.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Node {
    /// Its number; not zero.
    pub number: u32,
    /// Its IPv4 address, where tunnels to it end, or [`Address::NONE`].
    pub v4: Address,
    /// Its IPv6 address, or [`Address::NONE`].
    pub v6: Address,
    /// The link-layer address of its uplink: the source of every frame that it sends to other nodes.
    pub mac: Mac,
    /// Not used, zero.
    pub reserved: [u8; 2],
}

/// The node that a program runs on. Zero until it is written: such a node takes nothing from other nodes.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Home {
    /// Its number.
    pub number: u32,
    /// A [`Routing`] as a number.
    pub routing: u32,
    /// Its IPv4 address, which what it sends on for services has, or [`Address::NONE`].
    pub v4: Address,
    /// Its IPv6 address, or [`Address::NONE`].
    pub v6: Address,
}

impl Home {
    /// The node's address in the family of another, or [`Address::NONE`].
    #[must_use]
    #[inline(always)]
    pub const fn beside(&self, other: &Address) -> &Address {
        if other.is_v4() { &self.v4 } else { &self.v6 }
    }
}

/// The node's own addresses while host policies apply to it, else [`Guard::NONE`]: only then its own packets are looked
/// at. It is on before the first generation that has such policies, and off only after the last.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Guard {
    /// Its IPv4 address, or [`Address::NONE`].
    pub v4: Address,
    /// Its IPv6 address, or [`Address::NONE`].
    pub v6: Address,
}

impl Guard {
    /// No host policy applies to the node.
    pub const NONE: Self = Self {
        v4: Address::NONE,
        v6: Address::NONE,
    };

    /// Whether host policies may apply to the node.
    #[must_use]
    #[inline(always)]
    pub fn is_on(&self) -> bool {
        self.v4 != Address::NONE || self.v6 != Address::NONE
    }

    /// The node's address in the family of another.
    #[must_use]
    #[inline(always)]
    pub const fn beside(&self, other: &Address) -> &Address {
        if other.is_v4() { &self.v4 } else { &self.v6 }
    }
}

/// The UDP port of VXLAN (RFC 7348 section 5).
pub const VXLAN_PORT: u16 = 4789;

wire_enum! {
    /// How packets between pods get from node to node.
    Routing {
        /// As they are: the network between the nodes knows where each pod is.
        Native = 1 => "native",
        /// In UDP between the nodes' own addresses (RFC 7348), with the source's identity as the network identifier.
        Vxlan = 2 => "vxlan",
    }
}
