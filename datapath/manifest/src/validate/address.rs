//! Addresses and CIDRs, written without ambiguity.

use crate::report::Problem;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// An address. Octets with leading zeros and IPv4 in IPv6 are refused: programs read them differently.
pub(crate) fn address(text: &str) -> Result<IpAddr, Problem> {
    let address = text.parse().map_err(|_| {
        Problem::new(format!("{text:?} is not an IP address"))
            .help("write it like 10.0.0.1 or fd00::1, without leading zeros")
    })?;
    if is_mapped(address) {
        return Err(mapped(text));
    }
    Ok(address)
}

/// A CIDR, with its host bits as written.
pub(crate) fn cidr(text: &str) -> Result<IpNet, Problem> {
    let cidr = plain_cidr(text).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a CIDR"))
            .help("write it like 10.0.0.0/8 or fd00::/64, without leading zeros")
    })?;
    if is_mapped(cidr.addr()) {
        return Err(mapped(text));
    }
    Ok(cidr)
}

/// The parser of `ipnet` takes leading zeros, those of the standard library refuse them in addresses.
fn plain_cidr(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let plain = length == "0" || length.starts_with(|first: char| matches!(first, '1'..='9'));
    IpNet::new(
        address.parse().ok()?,
        length.parse().ok().filter(|_| plain)?,
    )
    .ok()
}

fn is_mapped(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if Ipv6Addr::to_ipv4_mapped(&address).is_some())
}

fn mapped(text: &str) -> Problem {
    Problem::new(format!(
        "{text:?} is an IPv4 address inside an IPv6 address"
    ))
    .help("write it as IPv4")
}
