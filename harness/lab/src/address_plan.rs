//! The addresses that are the same in every lab.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The link-layer address of the node's end of every link. Each link is a segment of its own, so they may be equal,
/// and a frame to the gateway looks the same whichever endpoint sends it.
pub const GATEWAY_MAC: [u8; 6] = [0xee; 6];

/// Next hop of every endpoint's IPv4 default route. Link-local, so it is never an address of an endpoint.
pub const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 1, 1);

/// Next hop of every endpoint's IPv6 default route.
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

/// The link-layer address of the router between nodes and outside hosts, on the segment that it shares with the nodes.
pub const FABRIC_MAC: [u8; 6] = [0xee, 0xee, 0xee, 0xee, 0xee, 0x02];

/// The link-layer address of every node's tunnel device, so that what is unpacked is always for the node that unpacks.
pub const OVERLAY_MAC: [u8; 6] = [0xee, 0xee, 0xee, 0xee, 0xee, 0x01];

/// Where nodes take packets from tunnels (RFC 7348, IANA), a UDP port, host order.
pub const VXLAN_PORT: u16 = 4789;

/// The link-layer address of the uplink of the node with this number.
pub(crate) fn uplink_mac(number: u32) -> [u8; 6] {
    let [a, b, c, d] = number.to_be_bytes();
    [0x02, 0x01, a, b, c, d]
}

/// The link-layer address of the endpoint behind the host-side interface `ifindex`: locally administered, and the
/// same in every run.
pub(crate) fn endpoint_mac(ifindex: u32) -> [u8; 6] {
    let [a, b, c, d] = ifindex.to_be_bytes();
    [0x02, 0x00, a, b, c, d]
}
