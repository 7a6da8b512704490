//! Addresses and ports, always in network byte order.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// An IPv4 or IPv6 address in 16 bytes, network order. IPv4 is held IPv4-mapped (`::ffff:a.b.c.d`),
/// so one table serves both families and a prefix of 96 + n bits is an IPv4 prefix of n bits.
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
#[repr(C, align(4))]
pub struct Address([u8; 16]);

impl Address {
    /// No address: never the source or the destination of a packet that passes.
    pub const NONE: Self = Self([0; 16]);

    /// The IPv4 address with these four bytes, in network order.
    #[must_use]
    #[inline(always)]
    pub const fn from_v4(bytes: [u8; 4]) -> Self {
        let [a, b, c, d] = bytes;
        Self([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d])
    }

    /// The IPv6 address with these sixteen bytes, in network order.
    #[must_use]
    #[inline(always)]
    pub const fn from_v6(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// What an IPv4 pod has in place of its own address where it is its own backend: it would take a packet from itself for
    /// a lie. It is on no link between nodes.
    pub const LOOPBACK_V4: Self = Self::from_v4([169, 254, 42, 1]);
    /// The same for IPv6.
    pub const LOOPBACK_V6: Self =
        Self::from_v6([0xfd, 0, 1, 0x69, 2, 0x54, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 1]);

    /// What a pod with this address has in place of it where it is its own backend.
    #[must_use]
    #[inline(always)]
    pub const fn loopback(self) -> &'static Self {
        if self.is_v4() {
            &Self::LOOPBACK_V4
        } else {
            &Self::LOOPBACK_V6
        }
    }

    /// Whether this is an IPv4 address.
    #[must_use]
    #[inline(always)]
    pub const fn is_v4(self) -> bool {
        matches!(self.0, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..])
    }

    /// Whether it is a unicast address that means something on one link only: `fe80::/10` (RFC 4291) and
    /// `169.254.0.0/16` (RFC 3927).
    #[must_use]
    #[inline(always)]
    pub const fn is_of_one_link(self) -> bool {
        self.is_link_local() || self.is_v4() && matches!(self.0, [.., 169, 254, _, _])
    }

    /// Whether it is a multicast address: `ff00::/8` (RFC 4291) or `224.0.0.0/4` (RFC 5771).
    #[must_use]
    #[inline(always)]
    pub const fn is_multicast(self) -> bool {
        self.0[0] == 0xff || self.is_v4() && self.0[12] & 0xf0 == 0xe0
    }

    /// Whether this is an IPv6 link-local address (`fe80::/10`).
    #[must_use]
    #[inline(always)]
    pub const fn is_link_local(self) -> bool {
        self.0[0] == 0xfe && self.0[1] & 0xc0 == 0x80
    }

    /// The address as two numbers, to compare without a call.
    #[must_use]
    #[inline(always)]
    pub const fn halves(self) -> (u64, u64) {
        let number = u128::from_be_bytes(self.0);
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
        let low = number as u64;
        ((number >> 64) as u64, low)
    }

    /// The sixteen bytes, in network order.
    #[must_use]
    #[inline(always)]
    pub const fn octets(self) -> [u8; 16] {
        self.0
    }

    /// The sixteen bytes, where they are.
    #[must_use]
    #[inline(always)]
    pub const fn as_octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The address as the standard library's type; an IPv4-mapped one as IPv4.
    #[must_use]
    pub fn to_ip(self) -> IpAddr {
        let address = Ipv6Addr::from(self.0);
        address
            .to_ipv4_mapped()
            .map_or(IpAddr::V6(address), IpAddr::V4)
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => v4.into(),
            IpAddr::V6(v6) => v6.into(),
        }
    }
}

impl From<Ipv4Addr> for Address {
    fn from(address: Ipv4Addr) -> Self {
        Self::from_v4(address.octets())
    }
}

impl From<Ipv6Addr> for Address {
    fn from(address: Ipv6Addr) -> Self {
        Self(address.octets())
    }
}

/// A transport port, or what stands in its place for ICMP (the echo identifier), in network order.
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
pub struct Port([u8; 2]);

impl Port {
    /// No port: protocols without ports, and the far end of an ICMP echo.
    pub const NONE: Self = Self([0; 2]);

    /// The port with this number, in host order.
    #[must_use]
    #[inline(always)]
    pub const fn new(number: u16) -> Self {
        Self(number.to_be_bytes())
    }

    /// The port from its two bytes as they stand in a packet.
    #[must_use]
    #[inline(always)]
    pub const fn from_octets(bytes: [u8; 2]) -> Self {
        Self(bytes)
    }

    /// Its two bytes as they stand in a packet.
    #[must_use]
    #[inline(always)]
    pub const fn octets(self) -> [u8; 2] {
        self.0
    }

    /// The port number, in host order.
    #[must_use]
    #[inline(always)]
    pub const fn number(self) -> u16 {
        u16::from_be_bytes(self.0)
    }
}

/// An end of a connection.
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
pub struct End {
    /// The address.
    pub address: Address,
    /// The port; none for protocols without.
    pub port: Port,
    /// Not used, zero.
    reserved: [u8; 2],
}

impl End {
    /// No end.
    pub const NONE: Self = Self::new(Address::NONE, Port::NONE);

    /// The end with this address and port.
    #[must_use]
    #[inline(always)]
    pub const fn new(address: Address, port: Port) -> Self {
        Self {
            address,
            port,
            reserved: [0; 2],
        }
    }
}

/// A link-layer address, in the order of transmission.
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
pub struct Mac(pub [u8; 6]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_round_trip_through_the_standard_type() {
        for text in ["10.1.2.3", "0.0.0.0", "fd00::1", "::1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Address::from(address).to_ip(), address);
        }
        assert!(Address::from_v4([10, 0, 0, 1]).is_v4());
        assert!(!Address::from_v6([0xfd; 16]).is_v4());
    }

    #[test]
    fn addresses_of_one_link_are_those_of_both_families() {
        for (text, expected) in [
            ("fe80::1", true),
            ("169.254.1.1", true),
            ("169.253.1.1", false),
            ("fd00::1", false),
            ("::169.254.1.1", false),
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Address::from(address).is_of_one_link(), expected, "{text}");
        }
    }

    #[test]
    fn multicast_is_told_from_unicast_in_both_families() {
        for (text, expected) in [
            ("ff02::16", true),
            ("224.0.0.22", true),
            ("239.255.255.255", true),
            ("240.0.0.1", false),
            ("223.255.255.255", false),
            ("fe80::1", false),
            ("::224.0.0.1", false),
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(Address::from(address).is_multicast(), expected, "{text}");
        }
    }

    #[test]
    fn ports_are_in_network_order() {
        assert_eq!(
            zerocopy::IntoBytes::as_bytes(&Port::new(0x1234)),
            [0x12, 0x34]
        );
        assert_eq!(Port::from_octets([0x1f, 0x90]).number(), 8080);
    }
}
