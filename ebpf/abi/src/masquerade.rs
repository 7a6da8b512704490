//! Masquerade: what pods send out of the cluster leaves with their node's address.

use crate::{Address, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The ports, and identifiers of ICMP echoes, that masqueraded connections have on the node's address. Host order.
/// The default is none: masquerade is off.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct PortRange {
    /// The first; not zero unless there are none.
    pub first: u16,
    /// The last, not below the first.
    pub last: u16,
}

impl PortRange {
    /// No ports.
    pub const NONE: Self = Self { first: 0, last: 0 };

    /// How many there are.
    #[must_use]
    #[inline(always)]
    pub const fn count(self) -> u32 {
        if self.first == 0 || self.last < self.first {
            0
        } else {
            self.last as u32 - self.first as u32 + 1
        }
    }

    /// The one that a port leads to: itself, if it is one of them. None of them if there are none.
    #[must_use]
    #[inline(always)]
    pub const fn starting_at(self, port: Port) -> Port {
        self.nth(port, 0)
    }

    /// The one that is `steps` behind the one that a port leads to, round and round.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "not above the last port")]
    pub const fn nth(self, port: Port, steps: u32) -> Port {
        let count = self.count();
        if count == 0 {
            return Port::NONE;
        }
        let start = port.number().wrapping_sub(self.first) as u32;
        let offset = (start + steps) % count;
        Port::new(self.first.wrapping_add(offset as u16))
    }

    /// Whether this is one of them.
    #[must_use]
    #[inline(always)]
    pub const fn contains(self, port: Port) -> bool {
        let number = port.number();
        self.first != 0 && self.first <= number && number <= self.last
    }
}

/// A masqueraded connection as its remote end sees it: the node's end and the remote one. The value is the pod's end.
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
pub struct TranslationKey {
    /// The node's address.
    pub node: Address,
    /// The remote end's address.
    pub remote: Address,
    /// The port on the node's address, or the identifier of an ICMP echo.
    pub node_port: Port,
    /// The remote end's port; none for an ICMP echo.
    pub remote_port: Port,
    /// IP protocol number.
    pub protocol: u8,
    /// Not used, zero.
    pub reserved: [u8; 3],
}

/// The pod's end of a masqueraded connection. It holds while the pod's connection lives and has this port on the node:
/// see [`crate::Connection::node_port`].
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Translation {
    /// The pod's address.
    pub pod: Address,
    /// The pod's port, or its identifier of an ICMP echo.
    pub pod_port: Port,
    /// Not used, zero.
    pub reserved: [u8; 2],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_ends_and_no_range_has_nothing() {
        let range = PortRange {
            first: 61000,
            last: 61003,
        };
        assert_eq!(range.count(), 4);
        for (number, is_in) in [(60999, false), (61000, true), (61003, true), (61004, false)] {
            assert_eq!(range.contains(Port::new(number)), is_in, "{number}");
        }
        assert_eq!(PortRange::NONE.count(), 0);
        assert!(!PortRange::NONE.contains(Port::NONE));
        let backwards = PortRange { first: 9, last: 1 };
        assert_eq!(backwards.count(), 0);
    }
}
