//! How long a packet may be, and whether that is long enough.

use crate::LabError;
use std::net::IpAddr;

/// What links take if nobody says otherwise, in bytes from the IP header on: that of Ethernet (RFC 894).
pub const ETHERNET_MTU: u32 = 1500;

/// What VXLAN adds to a packet, in bytes: Ethernet, IPv4 or IPv6, UDP and VXLAN headers (RFC 7348).
const VXLAN_OVER_V4: u32 = 50;
const VXLAN_OVER_V6: u32 = 70;

/// What every link must take that carries IPv4 (RFC 791) or IPv6 (RFC 8200).
const LEAST_V4: u32 = 68;
pub(crate) const LEAST_V6: u32 = 1280;

/// What the links of a router take, in bytes from the IP header on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Mtu {
    /// Between nodes.
    pub(crate) segment: u32,
    /// What a tunnel between nodes adds.
    overhead: u32,
}

impl Mtu {
    /// Without tunnels.
    pub(crate) const fn native(segment: u32) -> Self {
        Self {
            segment,
            overhead: 0,
        }
    }

    /// With tunnels between nodes, over IPv4 if all have it.
    pub(crate) const fn tunnelled(segment: u32, over_v4: bool) -> Self {
        let overhead = if over_v4 {
            VXLAN_OVER_V4
        } else {
            VXLAN_OVER_V6
        };
        Self { segment, overhead }
    }

    /// Of endpoints and tunnels: what fits between any two nodes.
    pub(crate) const fn inside(self) -> u32 {
        self.segment.saturating_sub(self.overhead)
    }

    /// The same for what goes through no tunnel.
    pub(crate) const fn outside(self) -> Self {
        Self::native(self.segment)
    }

    /// Whether IPv6 fits: without, the kernel turns it off on the link.
    pub(crate) const fn fits_v6(self) -> bool {
        self.inside() >= LEAST_V6
    }

    /// Whether packets from and to this address fit.
    ///
    /// # Errors
    /// [`LabError::MtuTooSmall`].
    pub(crate) fn check(self, address: IpAddr) -> Result<(), LabError> {
        let (family, least) = match address {
            IpAddr::V4(_) => ("IPv4", LEAST_V4),
            IpAddr::V6(_) => ("IPv6", LEAST_V6),
        };
        if self.inside() >= least {
            return Ok(());
        }
        Err(LabError::MtuTooSmall {
            mtu: self.segment,
            overhead: self.overhead,
            family,
            least,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_small_says_what_would_do() {
        let check = |mtu: Mtu, address: &str, expected: Option<&str>| {
            let checked = mtu.check(address.parse().unwrap());
            let said = checked.err().map(|error| error.to_string());
            assert_eq!(said.as_deref(), expected);
        };
        check(Mtu::native(1280), "fd00::1", None);
        check(Mtu::native(68), "10.0.0.1", None);
        check(Mtu::tunnelled(1330, true), "fd00::1", None);
        check(Mtu::tunnelled(1300, true), "10.0.0.1", None);
        check(
            Mtu::native(1279),
            "fd00::1",
            Some("an MTU of 1279 is too small for IPv6: it must be at least 1280"),
        );
        check(
            Mtu::tunnelled(1329, true),
            "fd00::1",
            Some(
                "an MTU of 1329 is too small for IPv6 in a VXLAN tunnel, which takes 50 bytes of it: it must be at \
                 least 1330",
            ),
        );
        check(
            Mtu::tunnelled(100, false),
            "10.0.0.1",
            Some(
                "an MTU of 100 is too small for IPv4 in a VXLAN tunnel, which takes 70 bytes of it: it must be at \
                 least 138",
            ),
        );
    }
}
