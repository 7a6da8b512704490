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
    let length = text.split_once('/').map_or("", |(_, length)| length);
    let plain = !length.starts_with('+') && (length == "0" || !length.starts_with('0'));
    let parsed: Option<IpNet> = text.parse().ok().filter(|_| plain);
    let cidr = parsed.ok_or_else(|| {
        Problem::new(format!("{text:?} is not a CIDR"))
            .help("write it like 10.0.0.0/8 or fd00::/64, without leading zeros")
    })?;
    if is_mapped(cidr.addr()) {
        return Err(mapped(text));
    }
    Ok(cidr)
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
