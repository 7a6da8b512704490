//! The network between nodes, and the way out.

use crate::address_plan::{FABRIC_MAC, uplink_mac};
use crate::message::VethEnd;
use crate::mtu::Mtu;
use crate::netlink::{Batch, Netlink};
use crate::routes::{Hop, Routes, Way};
use crate::uplink::{Overlay, Uplink};
use crate::{LabError, Node, losses};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::os::fd::AsFd;

/// A router whose bridge joins the nodes; outside hosts are its endpoints.
pub(crate) struct Fabric {
    pub(crate) router: Node,
    bridge: u32,
    /// The index of each node's port, by the node's number.
    ports: BTreeMap<u32, u32>,
    /// The numbers of the nodes whose links lose packets.
    lossy: BTreeSet<u32>,
    routes: Routes,
}

impl Fabric {
    /// The router, with a segment on which nobody is yet.
    pub(crate) fn new(mtu: u32) -> Result<Self, LabError> {
        let mut router = Node::new()?;
        router.mtu = Mtu::native(mtu);
        let bridge = router.take_ifindex();
        let mut batch = Batch::default();
        batch.create_bridge(bridge, "segment", FABRIC_MAC, mtu);
        batch.no_automatic_address(bridge, mtu);
        batch.link_up(bridge);
        router.netlink.send("fabric", batch)?;
        Ok(Self {
            router,
            bridge,
            ports: BTreeMap::new(),
            lossy: BTreeSet::new(),
            routes: Routes::default(),
        })
    }

    /// Gives a node its uplink. When it returns, the link carries frames.
    pub(crate) fn join(
        &mut self,
        name: &str,
        node: &mut Node,
        number: u32,
    ) -> Result<(), LabError> {
        let uplink = Uplink {
            ifindex: node.take_ifindex(),
            mac: uplink_mac(number),
        };
        let port = self.router.take_ifindex();
        let own = VethEnd {
            ifindex: uplink.ifindex,
            ifname: Uplink::NAME,
            mac: uplink.mac,
            mtu: self.router.mtu.segment,
        };
        let other = VethEnd {
            ifindex: port,
            ifname: &port_name(number),
            mac: FABRIC_MAC,
            mtu: self.router.mtu.segment,
        };
        let mut batch = Batch::default();
        batch.create_veth(&own, &other, self.router.namespace.as_fd());
        batch.no_automatic_address(uplink.ifindex, own.mtu);
        batch.link_up(uplink.ifindex);
        send_inside(name, node, batch)?;
        let mut batch = Batch::default();
        batch.no_automatic_address(port, other.mtu);
        batch.join_bridge(port, self.bridge);
        batch.add_bridge_entry(port, uplink.mac);
        self.router.netlink.send("fabric", batch)?;
        self.ports.insert(number, port);
        self.link_up(number)?;
        node.uplink = Some(uplink);
        await_uplink(name, node)
    }

    /// Brings a node's port up. When it returns, the bridge forwards to it.
    pub(crate) fn link_up(&mut self, number: u32) -> Result<(), LabError> {
        let mut batch = Batch::default();
        if let Some(&port) = self.ports.get(&number) {
            batch.link_up(port);
            batch.await_carrier(port);
            batch.await_carrier(self.bridge);
        }
        self.router.netlink.send("fabric", batch)
    }

    /// Takes a node's port down.
    pub(crate) fn cut_off(&mut self, number: u32) -> Result<(), LabError> {
        let mut batch = Batch::default();
        if let Some(&port) = self.ports.get(&number) {
            batch.link_down(port);
        }
        self.router.netlink.send("fabric", batch)
    }

    /// Lets a node's port lose every so manieth frame.
    pub(crate) fn lose(&mut self, number: u32, every: NonZeroU32) -> Result<(), LabError> {
        self.mend(number)?;
        let begin = || losses::begin(&port_name(number), every);
        self.router.namespace.run(begin)??;
        self.lossy.insert(number);
        Ok(())
    }

    /// Lets a node's port lose nothing any more.
    pub(crate) fn mend(&mut self, number: u32) -> Result<(), LabError> {
        if self.lossy.remove(&number) {
            let end = || losses::end(&port_name(number));
            self.router.namespace.run(end)??;
        }
        Ok(())
    }

    /// Makes what leads to nodes these prefixes, each by the number of its node.
    pub(crate) fn route(&mut self, to_nodes: &BTreeMap<IpNet, u32>) -> Result<(), LabError> {
        let wanted = to_nodes.iter();
        let wanted: BTreeMap<IpNet, Way> = wanted
            .map(|(prefix, number)| (*prefix, (self.bridge, Hop::Node(*number))))
            .collect();
        let batch = self.routes.change(wanted);
        self.router.netlink.send("fabric", batch)
    }
}

fn port_name(number: u32) -> String {
    format!("node{number}")
}

/// Returns when a node's uplink, whose other end is up, can send.
pub(crate) fn await_uplink(name: &str, node: &mut Node) -> Result<(), LabError> {
    let mut batch = Batch::default();
    if let Some(uplink) = &node.uplink {
        batch.await_carrier(uplink.ifindex);
    }
    node.netlink.send(name, batch)
}

/// Gives a node its tunnel device; endpoints that come later leave room for what it adds.
pub(crate) fn add_overlay(name: &str, node: &mut Node) -> Result<(), LabError> {
    let overlay = Overlay {
        ifindex: node.take_ifindex(),
    };
    let mut batch = Batch::default();
    batch.create_vxlan(overlay.ifindex, Overlay::NAME, node.mtu.inside());
    batch.no_automatic_address(overlay.ifindex, node.mtu.inside());
    batch.link_up(overlay.ifindex);
    send_inside(name, node, batch)?;
    node.overlay = Some(overlay);
    Ok(())
}

/// Carries requests out from inside the node's namespace: the new end of a link belongs to where it is asked for.
fn send_inside(name: &str, node: &mut Node, batch: Batch) -> Result<(), LabError> {
    let in_namespace = || Netlink::open()?.send(name, batch);
    node.namespace.run(in_namespace)?
}
