//! Address families, as flags.

use clap::ValueEnum;
use std::net::IpAddr;

/// Which addresses of a destination are tried.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// IPv4.
    #[value(name = "4")]
    V4,
    /// IPv6.
    #[value(name = "6")]
    V6,
    /// All it has.
    #[value(name = "both")]
    Both,
}

impl Family {
    /// Whether `address` is of this family.
    pub(crate) const fn holds(self, address: IpAddr) -> bool {
        match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
            Self::Both => true,
        }
    }
}
