//! Links between nodes, by netlink in the calling thread's namespace.

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

const CREATE: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// `RT_TABLE_LOCAL` of `linux/rtnetlink.h`.
const LOCAL_TABLE: u8 = 255;

/// The port of VXLAN (RFC 7348).
pub(crate) const VXLAN_PORT: u16 = 4789;

/// A veth pair of interfaces with the same name and index, one here and one in `peer_namespace`. Both are up.
pub(crate) fn add_veth(
    (ifindex, name): (u32, &str),
    [own, peer]: [[u8; 6]; 2],
    peer_namespace: BorrowedFd<'_>,
) {
    let mut other = link(ifindex, name, peer);
    let namespace = LinkAttribute::NetNsFd(peer_namespace.as_raw_fd());
    other.attributes.push(namespace);
    let mut link = link(ifindex, name, own);
    link.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(other))),
    ]));
    ask(CREATE, RouteNetlinkMessage::NewLink(link));
}

/// A tunnel device without a remote of its own: each packet brings its outer header.
pub(crate) fn add_vxlan((ifindex, name): (u32, &str), mac: [u8; 6]) {
    /// Outer IPv6, UDP, VXLAN and inner Ethernet headers.
    const OVERHEAD: u32 = 40 + 8 + 8 + 14;
    let mut link = link(ifindex, name, mac);
    link.attributes.push(LinkAttribute::Mtu(1500 - OVERHEAD));
    let data = vec![
        InfoVxlan::CollectMetadata(true),
        InfoVxlan::Learning(false),
        InfoVxlan::Port(VXLAN_PORT),
    ];
    link.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Vxlan),
        LinkInfo::Data(InfoData::Vxlan(data)),
    ]));
    ask(CREATE, RouteNetlinkMessage::NewLink(link));
}

fn link(ifindex: u32, name: &str, mac: [u8; 6]) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = ifindex;
    link.attributes = vec![
        LinkAttribute::IfName(name.to_owned()),
        LinkAttribute::Address(mac.to_vec()),
    ];
    link
}

/// Sets the link up. The other end of a veth pair must be asked for its state afterwards: see [`await_carrier`].
pub(crate) fn set_up(ifindex: u32) {
    let mut link = LinkMessage::default();
    link.header.index = ifindex;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    ask(0, RouteNetlinkMessage::SetLink(link));
}

/// Waits until the link can send: a query makes the kernel start its queue (`linkwatch_sync_dev`).
pub(crate) fn await_carrier(ifindex: u32) {
    let mut link = LinkMessage::default();
    link.header.index = ifindex;
    ask(0, RouteNetlinkMessage::GetLink(link));
}

/// Gives the link an address, which can be used at once.
pub(crate) fn add_address(ifindex: u32, address: IpAddr) {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = if address.is_ipv4() { 24 } else { 64 };
    message.header.index = ifindex;
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    if address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    ask(CREATE, RouteNetlinkMessage::NewAddress(message));
    if address.is_ipv6() {
        // The kernel adds this route itself, but from a work queue.
        let mut route = route(ifindex, address);
        route.header.table = LOCAL_TABLE;
        route.header.scope = RouteScope::Host;
        route.header.kind = RouteType::Local;
        let after_the_kernels_own = RouteAttribute::Priority(1);
        route.attributes.push(after_the_kernels_own);
        ask(CREATE, RouteNetlinkMessage::NewRoute(route));
    }
}

/// Sends what is for `address` through the link, to this link-layer address.
pub(crate) fn add_route(ifindex: u32, address: IpAddr, mac: [u8; 6]) {
    let route = route(ifindex, address);
    ask(CREATE, RouteNetlinkMessage::NewRoute(route));
    add_neighbour(ifindex, address, mac);
}

fn route(ifindex: u32, address: IpAddr) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = family(address);
    route.header.table = RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = RouteProtocol::Static;
    route.header.kind = RouteType::Unicast;
    let (scope, length) = match address {
        IpAddr::V4(_) => (RouteScope::Link, 32),
        IpAddr::V6(_) => (RouteScope::Universe, 128),
    };
    route.header.scope = scope;
    route.header.destination_prefix_length = length;
    route.attributes = vec![
        RouteAttribute::Oif(ifindex),
        RouteAttribute::Destination(RouteAddress::from(address)),
    ];
    route
}

/// Makes a link-layer address known for good, so that no packet waits for it.
pub(crate) fn add_neighbour(ifindex: u32, address: IpAddr, mac: [u8; 6]) {
    let mut neighbour = NeighbourMessage::default();
    neighbour.header.family = family(address);
    neighbour.header.ifindex = ifindex;
    neighbour.header.state = NeighbourState::Permanent;
    let destination = match address {
        IpAddr::V4(v4) => NeighbourAddress::Inet(v4),
        IpAddr::V6(v6) => NeighbourAddress::Inet6(v6),
    };
    neighbour.attributes = vec![
        NeighbourAttribute::Destination(destination),
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
    ];
    ask(CREATE, RouteNetlinkMessage::NewNeighbour(neighbour));
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// Has the kernel carry out a request.
fn ask(flags: u16, message: RouteNetlinkMessage) {
    let mut request = NetlinkMessage::from(message);
    request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    let socket = Socket::new(NETLINK_ROUTE).unwrap();
    socket.send(&bytes, 0).unwrap();
    let (answer, _) = socket.recv_from_full().unwrap();
    let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).unwrap();
    if let NetlinkPayload::Error(error) = answer.payload {
        assert_eq!(error.code, None, "{error:?} to {request:?}");
    }
}
