//! The netlink requests a lab is made of.

use crate::address_plan::{GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, OVERLAY_MAC, VXLAN_PORT};
use crate::mtu::LEAST_V6;
use crate::netlink::Batch;
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, BridgeStpState, In6AddrGenMode, InfoBridge, InfoData, InfoKind,
    InfoVeth, InfoVxlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteProtocol, RouteScope,
    RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

const CREATE: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// One end of a veth pair at birth.
pub(crate) struct VethEnd<'a> {
    pub(crate) ifindex: u32,
    pub(crate) ifname: &'a str,
    pub(crate) mac: [u8; 6],
    /// What it takes, in bytes.
    pub(crate) mtu: u32,
}

impl Batch {
    /// Creates a veth pair, both ends down: `own` here, `peer` in the namespace `peer_namespace`.
    /// The peer is born there, because moving a link waits for every CPU (20 ms).
    pub(crate) fn create_veth(
        &mut self,
        own: &VethEnd<'_>,
        peer: &VethEnd<'_>,
        peer_namespace: BorrowedFd<'_>,
    ) {
        let mut peer = veth_end(peer);
        let namespace = LinkAttribute::NetNsFd(peer_namespace.as_raw_fd());
        peer.attributes.push(namespace);
        let mut own = veth_end(own);
        own.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));
        let message = RouteNetlinkMessage::NewLink(own);
        self.push("creating its veth pair", CREATE, message);
    }

    /// Creates a bridge that floods nothing it need not: no spanning tree, no multicast snooping.
    pub(crate) fn create_bridge(&mut self, ifindex: u32, ifname: &str, mac: [u8; 6], mtu: u32) {
        let data = vec![
            InfoBridge::StpState(BridgeStpState::Disabled),
            InfoBridge::MulticastSnooping(false),
        ];
        let info = vec![
            LinkInfo::Kind(InfoKind::Bridge),
            LinkInfo::Data(InfoData::Bridge(data)),
        ];
        let message = created(ifindex, ifname, mac, mtu, info);
        self.push("creating the bridge between nodes", CREATE, message);
    }

    /// Creates a VXLAN device whose packets tell where they go and come from (`external` in `ip-link(8)`).
    pub(crate) fn create_vxlan(&mut self, ifindex: u32, ifname: &str, mtu: u32) {
        let data = vec![
            InfoVxlan::CollectMetadata(true),
            InfoVxlan::Learning(false),
            InfoVxlan::Port(VXLAN_PORT),
        ];
        let info = vec![
            LinkInfo::Kind(InfoKind::Vxlan),
            LinkInfo::Data(InfoData::Vxlan(data)),
        ];
        let message = created(ifindex, ifname, OVERLAY_MAC, mtu, info);
        self.push("creating its tunnel device", CREATE, message);
    }

    /// Makes a link a port of a bridge.
    pub(crate) fn join_bridge(&mut self, ifindex: u32, bridge: u32) {
        let mut link = link(ifindex);
        link.attributes = vec![LinkAttribute::Controller(bridge)];
        let message = RouteNetlinkMessage::SetLink(link);
        self.push("making it a port of the bridge", 0, message);
    }

    /// Tells the bridge behind which of its ports a link-layer address is.
    pub(crate) fn add_bridge_entry(&mut self, port: u32, mac: [u8; 6]) {
        let mut entry = NeighbourMessage::default();
        entry.header.family = AddressFamily::Bridge;
        entry.header.ifindex = port;
        entry.header.state = NeighbourState::Noarp;
        entry.header.flags = NeighbourFlags::Controller;
        entry.attributes = vec![NeighbourAttribute::LinkLayerAddress(mac.to_vec())];
        let message = RouteNetlinkMessage::NewNeighbour(entry);
        self.push("telling the bridge where it is", NLM_F_CREATE, message);
    }

    /// Keeps the kernel from giving the link, which takes `mtu` bytes, an IPv6 address of its own. Must come before the
    /// link is up.
    pub(crate) fn no_automatic_address(&mut self, ifindex: u32, mtu: u32) {
        if mtu < LEAST_V6 {
            // IPv6 is off there.
            return;
        }
        let mut link = link(ifindex);
        let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        link.attributes = vec![LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(
            vec![mode],
        )])];
        let message = RouteNetlinkMessage::SetLink(link);
        self.push("turning automatic IPv6 addresses off", 0, message);
    }

    /// Sets the link up.
    pub(crate) fn link_up(&mut self, ifindex: u32) {
        let mut link = link(ifindex);
        link.header.flags = LinkFlags::Up;
        link.header.change_mask = LinkFlags::Up;
        self.push("setting its link up", 0, RouteNetlinkMessage::SetLink(link));
    }

    /// Waits until the link can send. When the other end of a veth pair comes up, the kernel starts this end's queue a
    /// moment later and drops what is sent before; a query makes it do so now (`linkwatch_sync_dev` in `rtnl_getlink`).
    pub(crate) fn await_carrier(&mut self, ifindex: u32) {
        let message = RouteNetlinkMessage::GetLink(link(ifindex));
        self.push("waiting for its link", 0, message);
    }

    /// Sets the link down. Its routes and neighbours are gone when this returns.
    pub(crate) fn link_down(&mut self, ifindex: u32) {
        let mut link = link(ifindex);
        link.header.change_mask = LinkFlags::Up;
        self.push(
            "setting its link down",
            0,
            RouteNetlinkMessage::SetLink(link),
        );
    }

    /// Gives the link an address of its own: nothing but this address is on the link. It is usable at once.
    pub(crate) fn add_own_address(&mut self, ifindex: u32, address: IpAddr) {
        self.add_address(ifindex, address, host_prefix(address));
        if address.is_ipv6() {
            let message = RouteNetlinkMessage::NewRoute(local_route(ifindex, address));
            self.push("adding its local route", CREATE, message);
        }
    }

    /// Takes such an address from the link.
    pub(crate) fn remove_own_address(&mut self, ifindex: u32, address: IpAddr) {
        if address.is_ipv6() {
            let message = RouteNetlinkMessage::DelRoute(local_route(ifindex, address));
            self.push("removing its local route", 0, message);
        }
        let message = address_message(ifindex, address, host_prefix(address));
        let message = RouteNetlinkMessage::DelAddress(message);
        self.push("removing an address", 0, message);
    }

    /// Gives the link an address, without duplicate address detection.
    pub(crate) fn add_address(&mut self, ifindex: u32, address: IpAddr, prefix_length: u8) {
        let message = address_message(ifindex, address, prefix_length);
        let message = RouteNetlinkMessage::NewAddress(message);
        self.push("adding an address", CREATE, message);
    }

    /// Routes one address through the link to the host behind it, whose link-layer address is known.
    pub(crate) fn route_to_host(&mut self, ifindex: u32, address: IpAddr, mac: [u8; 6]) {
        let mut route = route(ifindex, address);
        set_destination(&mut route, address);
        route.header.scope = match address {
            IpAddr::V4(_) => RouteScope::Link,
            IpAddr::V6(_) => RouteScope::Universe,
        };
        let message = RouteNetlinkMessage::NewRoute(route);
        self.push("adding its route", CREATE, message);
        self.add_neighbour(ifindex, address, mac);
    }

    /// Routes a prefix through the link to a next hop, whose neighbour entry is there; without one, refuses what is sent
    /// there.
    pub(crate) fn add_route(&mut self, prefix: IpNet, ifindex: u32, next_hop: Option<IpAddr>) {
        let message = RouteNetlinkMessage::NewRoute(route_via(prefix, ifindex, next_hop));
        self.push("adding a route", CREATE, message);
    }

    /// Takes such a route away.
    pub(crate) fn remove_route(&mut self, prefix: IpNet, ifindex: u32, next_hop: Option<IpAddr>) {
        let message = RouteNetlinkMessage::DelRoute(route_via(prefix, ifindex, next_hop));
        self.push("removing a route", 0, message);
    }

    /// Sends everything of the family of `address` to the node's end of the link.
    pub(crate) fn route_to_gateway(&mut self, ifindex: u32, address: IpAddr) {
        let gateway = match address {
            IpAddr::V4(_) => IpAddr::V4(GATEWAY_V4),
            IpAddr::V6(_) => IpAddr::V6(GATEWAY_V6),
        };
        let mut route = route(ifindex, gateway);
        route.header.flags = RouteFlags::Onlink;
        let next_hop = RouteAttribute::Gateway(RouteAddress::from(gateway));
        route.attributes.push(next_hop);
        let message = RouteNetlinkMessage::NewRoute(route);
        self.push("adding its default route", CREATE, message);
        self.add_neighbour(ifindex, gateway, GATEWAY_MAC);
    }

    /// A permanent neighbour entry, so that no packet waits for ARP or neighbour discovery.
    pub(crate) fn add_neighbour(&mut self, ifindex: u32, address: IpAddr, mac: [u8; 6]) {
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
        let message = RouteNetlinkMessage::NewNeighbour(neighbour);
        self.push("adding a neighbour entry", CREATE, message);
    }
}

/// A request for a new link, down.
fn created(
    ifindex: u32,
    ifname: &str,
    mac: [u8; 6],
    mtu: u32,
    info: Vec<LinkInfo>,
) -> RouteNetlinkMessage {
    let mut link = link(ifindex);
    link.attributes = vec![
        LinkAttribute::IfName(ifname.to_owned()),
        LinkAttribute::Address(mac.to_vec()),
        LinkAttribute::Mtu(mtu),
        LinkAttribute::LinkInfo(info),
    ];
    RouteNetlinkMessage::NewLink(link)
}

/// The length of the prefix that holds one address only.
fn host_prefix(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

fn link(ifindex: u32) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = ifindex;
    link
}

fn veth_end(end: &VethEnd<'_>) -> LinkMessage {
    let mut link = link(end.ifindex);
    link.attributes = vec![
        LinkAttribute::IfName(end.ifname.to_owned()),
        LinkAttribute::Address(end.mac.to_vec()),
        LinkAttribute::Mtu(end.mtu),
        LinkAttribute::NumTxQueues(1),
        LinkAttribute::NumRxQueues(1),
    ];
    link
}

fn address_message(ifindex: u32, address: IpAddr, prefix_length: u8) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.prefix_len = prefix_length;
    message.header.index = ifindex;
    message.header.scope = match address {
        IpAddr::V4(v4) if v4.is_link_local() => AddressScope::Link,
        _ => AddressScope::Universe,
    };
    message.attributes = vec![
        AddressAttribute::Local(address),
        AddressAttribute::Address(address),
    ];
    if address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message
}

/// A unicast route of the main table through the link, without destination or next hop yet.
fn route(ifindex: u32, address: IpAddr) -> RouteMessage {
    let mut route = RouteMessage::default();
    route.header.address_family = family(address);
    route.header.table = RouteHeader::RT_TABLE_MAIN;
    route.header.protocol = RouteProtocol::Static;
    route.header.scope = RouteScope::Universe;
    route.header.kind = RouteType::Unicast;
    route.attributes = vec![RouteAttribute::Oif(ifindex)];
    route
}

fn route_via(prefix: IpNet, ifindex: u32, next_hop: Option<IpAddr>) -> RouteMessage {
    let mut route = route(ifindex, prefix.addr());
    route.header.destination_prefix_length = prefix.prefix_len();
    if let Some(next_hop) = next_hop {
        route.header.flags = RouteFlags::Onlink;
        let next_hop = RouteAttribute::Gateway(RouteAddress::from(next_hop));
        route.attributes.push(next_hop);
    } else {
        route.header.kind = RouteType::Unreachable;
        route.attributes.clear();
    }
    if prefix.prefix_len() > 0 {
        let destination = RouteAddress::from(prefix.network());
        let destination = RouteAttribute::Destination(destination);
        route.attributes.push(destination);
    }
    route
}

fn set_destination(route: &mut RouteMessage, address: IpAddr) {
    route.header.destination_prefix_length = host_prefix(address);
    let destination = RouteAttribute::Destination(RouteAddress::from(address));
    route.attributes.push(destination);
}

/// What makes the namespace take packets for its own IPv6 address. The kernel adds such a route itself, with a better
/// metric, but from a work queue (`addrconf_dad_work`): packets that come before would be lost.
fn local_route(ifindex: u32, address: IpAddr) -> RouteMessage {
    let mut route = route(ifindex, address);
    set_destination(&mut route, address);
    route.header.table = libc::RT_TABLE_LOCAL;
    route.header.scope = RouteScope::Host;
    route.header.kind = RouteType::Local;
    let after_the_kernels_own = RouteAttribute::Priority(1);
    route.attributes.push(after_the_kernels_own);
    route
}
