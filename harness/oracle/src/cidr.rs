//! Address blocks: whether the first bits of an address are those of a prefix.

use ipnet::IpNet;
use std::net::IpAddr;

/// How a block relates to an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Containment {
    Inside,
    Outside,
    /// One is IPv4 and the other IPv6, or the block is none at all (which an API server refuses).
    OtherFamily,
}

/// Where `address` is as seen from `block`, written `10.0.0.0/8`. Bits of the block behind its length do not count.
pub(crate) fn locate(block: &str, address: IpAddr) -> Containment {
    let same_first_bits = match (block.parse(), address) {
        (Ok(IpNet::V4(block)), IpAddr::V4(address)) => {
            let differing = block.addr().to_bits() ^ address.to_bits();
            differing.leading_zeros() >= u32::from(block.prefix_len())
        }
        (Ok(IpNet::V6(block)), IpAddr::V6(address)) => {
            let differing = block.addr().to_bits() ^ address.to_bits();
            differing.leading_zeros() >= u32::from(block.prefix_len())
        }
        _ => return Containment::OtherFamily,
    };
    if same_first_bits {
        Containment::Inside
    } else {
        Containment::Outside
    }
}
