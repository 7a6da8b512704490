//! One endpoint: a namespace and the link that joins it to the node.

use crate::address_plan::endpoint_mac;
use crate::message::VethEnd;
use crate::netlink::{Batch, Netlink};
use crate::{GATEWAY_MAC, GATEWAY_V6, LabError, Namespace};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd};

/// The index of the loopback interface in every namespace.
pub(crate) const LOOPBACK: u32 = 1;
/// The index of an endpoint's own end of its link.
const ETH0: u32 = 2;

/// What an endpoint shall be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointSpec {
    /// Its name, unique in the lab.
    pub name: String,
    /// Its IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub v6: Option<Ipv6Addr>,
}

impl EndpointSpec {
    /// The addresses, IPv4 first.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.map(IpAddr::V4);
        v4.into_iter().chain(self.v6.map(IpAddr::V6))
    }
}

/// A link as its node sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Index of the host-side interface.
    pub(crate) ifindex: u32,
    /// What it takes, in bytes.
    pub(crate) mtu: u32,
}

/// An endpoint of a lab. In its own namespace the link is `eth0`.
#[derive(Debug)]
pub struct Endpoint {
    spec: EndpointSpec,
    namespace: Namespace,
    link: Link,
    /// Whether it answers nothing.
    pub(crate) is_mute: bool,
}

impl Endpoint {
    /// Makes the namespace and both ends of the link, up. The endpoint's side is ready, on
    /// the node's side [`Self::routes`] are missing. `node_netlink` is a socket of the namespace `node`.
    pub(crate) fn create(
        spec: EndpointSpec,
        link: Link,
        node: BorrowedFd<'_>,
        node_netlink: &mut Netlink,
    ) -> Result<Self, LabError> {
        let (namespace, configured) = Namespace::create(|| {
            let mut netlink = Netlink::open()?;
            netlink.send(&spec.name, endpoint_side(&spec, link, node))?;
            let mut batch = Batch::default();
            batch.link_up(link.ifindex);
            node_netlink.send(&spec.name, batch)?;
            let mut batch = Batch::default();
            batch.await_carrier(ETH0);
            netlink.send(&spec.name, batch)
        })?;
        configured?;
        Ok(Self {
            spec,
            namespace,
            link,
            is_mute: false,
        })
    }

    /// The node's way to the endpoint, and the gateway's IPv6 address on the link.
    pub(crate) fn routes(&self) -> Batch {
        let mut batch = Batch::default();
        if self.spec.v6.is_some() {
            batch.add_address(self.link.ifindex, GATEWAY_V6.into(), 64);
        }
        for address in self.spec.addresses() {
            batch.route_to_host(self.link.ifindex, address, self.mac());
        }
        batch
    }

    /// Takes its own end of the link down.
    pub(crate) fn unplug(&self) -> Result<(), LabError> {
        let mut batch = Batch::default();
        batch.link_down(ETH0);
        self.send_inside(batch)
    }

    /// Brings its own end of the link up again, with what the kernel has forgotten of it: routes, neighbours and IPv6
    /// addresses.
    pub(crate) fn plug(&self) -> Result<(), LabError> {
        let mut batch = Batch::default();
        batch.link_up(ETH0);
        if let Some(v6) = self.spec.v6 {
            batch.add_own_address(ETH0, v6.into());
        }
        for address in self.spec.addresses() {
            batch.route_to_gateway(ETH0, address);
        }
        batch.await_carrier(ETH0);
        self.send_inside(batch)
    }

    fn send_inside(&self, batch: Batch) -> Result<(), LabError> {
        let in_namespace = || Netlink::open()?.send(self.name(), batch);
        self.namespace.run(in_namespace)?
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// What it was asked to be.
    #[must_use]
    pub fn spec(&self) -> &EndpointSpec {
        &self.spec
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Index of the host-side interface, in the node's namespace. Never used twice in a lab.
    #[must_use]
    pub fn ifindex(&self) -> u32 {
        self.link.ifindex
    }

    /// Name of the host-side interface, in the node's namespace.
    #[must_use]
    pub fn ifname(&self) -> String {
        host_ifname(self.link.ifindex)
    }

    /// Link-layer address of the endpoint's end.
    #[must_use]
    pub fn mac(&self) -> [u8; 6] {
        endpoint_mac(self.link.ifindex)
    }
}

fn host_ifname(ifindex: u32) -> String {
    format!("ep{ifindex}")
}

/// The endpoint's side, and the host side of its link in the namespace `node`.
fn endpoint_side(spec: &EndpointSpec, link: Link, node: BorrowedFd<'_>) -> Batch {
    let eth0 = VethEnd {
        ifindex: ETH0,
        ifname: "eth0",
        mac: endpoint_mac(link.ifindex),
        mtu: link.mtu,
    };
    let host = VethEnd {
        ifindex: link.ifindex,
        ifname: &host_ifname(link.ifindex),
        mac: GATEWAY_MAC,
        mtu: link.mtu,
    };
    let mut batch = Batch::default();
    batch.create_veth(&eth0, &host, node.as_fd());
    batch.no_automatic_address(ETH0, link.mtu);
    batch.link_up(LOOPBACK);
    batch.link_up(ETH0);
    for address in spec.addresses() {
        batch.add_own_address(ETH0, address);
        batch.route_to_gateway(ETH0, address);
    }
    batch
}
