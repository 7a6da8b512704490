//! `ipBlock`s around the addresses that clusters have, of both families.

use super::one_of;
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::IPBlock;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of pods, nodes and outside hosts, as `topology` gives them out, and one that nobody has. What is there
/// twice is drawn twice as often.
const ADDRESSES: &[IpAddr] = &[
    v4([10, 244, 0, 8]),
    v4([10, 244, 0, 9]),
    v4([10, 244, 1, 10]),
    v4([172, 18, 0, 2]),
    v4([172, 18, 0, 3]),
    v4([203, 0, 113, 5]),
    v4([203, 0, 113, 5]),
    v4([203, 0, 113, 6]),
    v4([198, 51, 100, 1]),
    v6([0xfd00, 0x10, 0, 0, 0, 0, 0, 8]),
    v6([0xfd00, 0x10, 0, 1, 0, 0, 0, 10]),
    v6([0xfd00, 0x18, 0, 0, 0, 0, 0, 2]),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 5]),
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 5]),
];
/// How many of the last bits a block leaves open; more than the family has is all of them.
const OPEN_BITS: &[u8] = &[128, 16, 8, 3, 2, 1, 0, 64];

/// How many bits longer than its block an except is, as far as there are bits.
const LONGER: &[u8] = &[1, 2, 5, 8, 16, 28, 128];

/// A block with up to two excepts, each a strict subset as an API server demands. Bits behind the length may be set.
pub(super) fn block() -> BoxedStrategy<IPBlock> {
    let excepts = vec((one_of(ADDRESSES), one_of(LONGER)), 0..=2);
    let parts = (one_of(ADDRESSES), one_of(OPEN_BITS), any::<bool>(), excepts);
    parts
        .prop_map(|(address, open_bits, is_masked, excepts)| {
            let whole = IpNet::from(address);
            let length = whole.max_prefix_len().saturating_sub(open_bits);
            let block = IpNet::new_assert(address, length);
            let excepts = excepts.into_iter();
            let excepts = excepts.filter_map(|(toward, longer)| narrowed(block, toward, longer));
            let excepts: Vec<_> = excepts.map(|except| except.to_string()).collect();
            IPBlock {
                cidr: if is_masked { block.trunc() } else { block }.to_string(),
                except: (!excepts.is_empty()).then_some(excepts),
            }
        })
        .boxed()
}

/// A CIDR as `networks` has them.
pub(super) fn network() -> impl Strategy<Value = String> {
    (one_of(ADDRESSES), one_of(OPEN_BITS)).prop_map(|(address, open_bits)| {
        let whole = IpNet::from(address);
        let length = whole.max_prefix_len().saturating_sub(open_bits);
        IpNet::new_assert(address, length).trunc().to_string()
    })
}

/// A block inside `block` that goes on like the address `toward` for at most `longer` bits.
fn narrowed(block: IpNet, toward: IpAddr, longer: u8) -> Option<IpNet> {
    let address: IpAddr = match (block, toward) {
        (IpNet::V4(block), IpAddr::V4(toward)) => {
            (block.network() | (toward & block.hostmask())).into()
        }
        (IpNet::V6(block), IpAddr::V6(toward)) => {
            (block.network() | (toward & block.hostmask())).into()
        }
        _ => return None,
    };
    let length = block
        .prefix_len()
        .saturating_add(longer)
        .min(block.max_prefix_len());
    let is_strict = length > block.prefix_len();
    is_strict.then(|| IpNet::new_assert(address, length).trunc())
}

const fn v4(octets: [u8; 4]) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_octets(octets))
}

const fn v6(segments: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from_segments(segments))
}
