//! Nodes, the network between them, and the hosts outside.

use crate::fabric::{self, Fabric, add_overlay};
use crate::mtu::ETHERNET_MTU;
use crate::routes::{Hop, Routes, Way};
use crate::{Endpoint, EndpointSpec, LabError, Node};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

/// How packets get from node to node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Routing {
    /// Each node has routes to the others' prefixes.
    #[default]
    Native,
    /// Routes to the others' prefixes lead into a tunnel device, whose programs say where to.
    Vxlan,
}

/// What a node shall be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeSpec {
    /// Its name, unique in the lab.
    pub name: String,
    /// Its IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub v6: Option<Ipv6Addr>,
    /// What is routed to it, its own addresses aside. A prefix that several nodes have leads to the last of them.
    pub prefixes: Vec<IpNet>,
}

impl NodeSpec {
    /// The addresses, IPv4 first.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.map(IpAddr::V4);
        v4.into_iter().chain(self.v6.map(IpAddr::V6))
    }
}

/// Nodes with endpoints, joined by a network that hosts outside are linked to as well.
///
/// The network is made when a second node or the first host comes: one node alone costs nothing more.
pub struct Lab {
    pub(crate) routing: Routing,
    /// What links between nodes take, in bytes.
    pub(crate) mtu: u32,
    nodes: BTreeMap<String, Member>,
    fabric: Option<Fabric>,
    next_number: u32,
}

/// A node of the lab.
struct Member {
    spec: NodeSpec,
    /// Never given to another node.
    number: u32,
    node: Node,
    routes: Routes,
}

impl Lab {
    /// A lab without nodes. Nothing is made before it is asked for.
    #[must_use]
    pub const fn new(routing: Routing) -> Self {
        Self::with_mtu(routing, ETHERNET_MTU)
    }

    /// The same, with links between nodes that take so many bytes, from the IP header on, and links of endpoints that
    /// take what fits.
    #[must_use]
    pub const fn with_mtu(routing: Routing, mtu: u32) -> Self {
        Self {
            routing,
            mtu,
            nodes: BTreeMap::new(),
            fabric: None,
            next_number: 1,
        }
    }

    /// Makes the nodes these. Those that go take their endpoints along; those that stay keep theirs. When it returns,
    /// every node knows the way to every other.
    ///
    /// # Errors
    /// [`LabError::MtuTooSmall`], [`LabError::MtuTooBig`] and [`LabError::AddressInUse`] (by another node, an endpoint
    /// of a node that stays, a host) before anything is made; [`LabError::Kernel`] when the kernel refuses.
    pub fn set_nodes(&mut self, specs: &[NodeSpec]) -> Result<(), LabError> {
        let stays: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let mtu = self.check_mtu(specs)?;
        self.check_node_addresses(specs, &stays)?;
        self.nodes.retain(|name, _| stays.contains(name.as_str()));
        for spec in specs {
            if !self.nodes.contains_key(&spec.name) {
                self.add_node(spec)?;
            }
            if let Some(member) = self.nodes.get_mut(&spec.name) {
                let addresses: Vec<IpAddr> = spec.addresses().collect();
                member.node.set_addresses(&addresses)?;
                member.node.mtu = mtu;
                member.spec = spec.clone();
            }
        }
        if self.nodes.len() > 1 {
            self.open_fabric()?;
        }
        self.connect()
    }

    /// Adds hosts outside. When it returns they are linked and routed.
    ///
    /// # Errors
    /// As [`Node::add`], and [`LabError::MtuTooBig`].
    pub fn add_hosts(&mut self, specs: &[EndpointSpec]) -> Result<(), LabError> {
        self.check_mtu(&[])?;
        self.check_names_and_addresses(specs)?;
        if specs.is_empty() {
            return Ok(());
        }
        self.open_fabric()?.router.add(specs)?;
        self.connect()
    }

    /// Adds endpoints to a node. When it returns they are linked, routed and ready to send.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`]; otherwise as [`Node::add`].
    pub fn add(&mut self, node: &str, specs: &[EndpointSpec]) -> Result<(), LabError> {
        self.check_names_and_addresses(specs)?;
        let member = self.nodes.get_mut(node);
        let member = member.ok_or_else(|| LabError::UnknownNode {
            name: node.to_owned(),
        })?;
        member.node.add(specs)
    }

    /// Removes endpoints and hosts, wherever they are.
    ///
    /// # Errors
    /// [`LabError::UnknownEndpoint`] before anything is removed.
    pub fn remove(&mut self, names: &[&str]) -> Result<(), LabError> {
        if let Some(name) = names.iter().find(|name| self.endpoint(name).is_none()) {
            let name = (*name).to_owned();
            return Err(LabError::UnknownEndpoint { name });
        }
        self.routers_mut().try_for_each(|router| {
            let names = names.iter().copied();
            let here: Vec<&str> = names
                .filter(|name| router.endpoint(name).is_some())
                .collect();
            router.remove(here)
        })
    }

    /// Takes a node's uplink down at its other end: what is sent over it is lost, until [`Self::join`]. A node that has no
    /// uplink is alone anyway.
    ///
    /// # Errors
    /// [`LabError::UnknownNode`]; [`LabError::Kernel`] when the kernel refuses.
    pub fn cut_off(&mut self, node: &str) -> Result<(), LabError> {
        let number = self.number(node)?;
        let fabric = self.fabric.as_mut();
        fabric.map_or(Ok(()), |fabric| fabric.cut_off(number))
    }

    /// Brings a node's uplink up again. When it returns, the link carries frames.
    ///
    /// # Errors
    /// As [`Self::cut_off`].
    pub fn join(&mut self, node: &str) -> Result<(), LabError> {
        let number = self.number(node)?;
        let Some(fabric) = &mut self.fabric else {
            return Ok(());
        };
        fabric.link_up(number)?;
        let member = self.nodes.get_mut(node);
        member.map_or(Ok(()), |member| {
            fabric::await_uplink(node, &mut member.node)
        })
    }

    /// From now on a node's uplink loses every so manieth frame to one receiver, each direction counted from here.
    ///
    /// # Errors
    /// As [`Self::cut_off`].
    pub fn lose(&mut self, node: &str, every: NonZeroU32) -> Result<(), LabError> {
        let number = self.number(node)?;
        let fabric = self.fabric.as_mut();
        fabric.map_or(Ok(()), |fabric| fabric.lose(number, every))
    }

    /// A node's uplink loses nothing any more.
    ///
    /// # Errors
    /// As [`Self::cut_off`].
    pub fn mend(&mut self, node: &str) -> Result<(), LabError> {
        let number = self.number(node)?;
        let fabric = self.fabric.as_mut();
        fabric.map_or(Ok(()), |fabric| fabric.mend(number))
    }

    /// Takes an endpoint's end of its link down: nothing leaves it or reaches it.
    ///
    /// # Errors
    /// [`LabError::UnknownEndpoint`]; [`LabError::Kernel`] when the kernel refuses.
    pub fn unplug(&mut self, endpoint: &str) -> Result<(), LabError> {
        self.router_of(endpoint)?.unplug(endpoint)
    }

    /// Brings an endpoint's end of its link up again. When it returns, the link carries frames.
    ///
    /// # Errors
    /// As [`Self::unplug`].
    pub fn plug(&mut self, endpoint: &str) -> Result<(), LabError> {
        self.router_of(endpoint)?.plug(endpoint)
    }

    fn router_of(&mut self, endpoint: &str) -> Result<&mut Node, LabError> {
        let mut routers = self.routers_mut();
        let router = routers.find(|router| router.endpoint(endpoint).is_some());
        router.ok_or_else(|| LabError::UnknownEndpoint {
            name: endpoint.to_owned(),
        })
    }

    fn number(&self, node: &str) -> Result<u32, LabError> {
        let member = self.nodes.get(node);
        let member = member.ok_or_else(|| LabError::UnknownNode {
            name: node.to_owned(),
        })?;
        Ok(member.number)
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name).map(|member| &member.node)
    }

    /// Every node, by name.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &Node)> {
        let nodes = self.nodes.iter();
        nodes.map(|(name, member)| (name.as_str(), &member.node))
    }

    /// The router between the nodes and the hosts outside, once there is one.
    #[must_use]
    pub fn fabric(&self) -> Option<&Node> {
        self.fabric.as_ref().map(|fabric| &fabric.router)
    }

    /// The endpoint or host of this name.
    #[must_use]
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.routers().find_map(|router| router.endpoint(name))
    }

    /// Every endpoint and host.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.routers().flat_map(Node::endpoints)
    }

    /// From now on no endpoint or host but these and no address of a node answers anything, until [`Self::unmute`].
    ///
    /// # Errors
    /// As [`Node::mute_all_but`].
    pub fn mute_all_but(&mut self, talking: &[&str]) -> Result<(), LabError> {
        self.routers_mut()
            .try_for_each(|router| router.mute_all_but(talking))
    }

    /// Everybody answers again.
    ///
    /// # Errors
    /// As [`Node::unmute`].
    pub fn unmute(&mut self) -> Result<(), LabError> {
        self.routers_mut().try_for_each(Node::unmute)
    }

    fn routers(&self) -> impl Iterator<Item = &Node> {
        let nodes = self.nodes.values().map(|member| &member.node);
        nodes.chain(self.fabric())
    }

    fn routers_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        let nodes = self.nodes.values_mut().map(|member| &mut member.node);
        let fabric = self.fabric.as_mut();
        nodes.chain(fabric.map(|fabric| &mut fabric.router))
    }

    fn add_node(&mut self, spec: &NodeSpec) -> Result<(), LabError> {
        let member = Member {
            spec: spec.clone(),
            number: self.next_number,
            node: Node::new()?,
            routes: Routes::default(),
        };
        self.next_number += 1;
        self.nodes.insert(spec.name.clone(), member);
        Ok(())
    }

    fn open_fabric(&mut self) -> Result<&mut Fabric, LabError> {
        match &mut self.fabric {
            Some(fabric) => Ok(fabric),
            none => Ok(none.insert(Fabric::new(self.mtu)?)),
        }
    }

    /// Gives every node an uplink and, if it is to have one, a tunnel device, and brings all routes up to date.
    fn connect(&mut self) -> Result<(), LabError> {
        let Some(fabric) = &mut self.fabric else {
            return Ok(());
        };
        for (name, member) in &mut self.nodes {
            if member.node.uplink.is_none() {
                fabric.join(name, &mut member.node, member.number)?;
            }
            if self.routing == Routing::Vxlan && member.node.overlay.is_none() {
                add_overlay(name, &mut member.node)?;
            }
        }
        let addresses = self.destinations(NodeSpec::addresses_as_prefixes);
        let prefixes = self.destinations(|spec| spec.prefixes.clone());
        for (name, member) in &mut self.nodes {
            let wanted = wanted_routes(member, &addresses, &prefixes);
            let batch = member.routes.change(wanted);
            member.node.netlink.send(name, batch)?;
        }
        let mut all = prefixes;
        all.extend(addresses);
        self.fabric
            .as_mut()
            .map_or(Ok(()), |fabric| fabric.route(&all))
    }

    /// The number of the node that each prefix leads to.
    fn destinations(&self, of: impl Fn(&NodeSpec) -> Vec<IpNet>) -> BTreeMap<IpNet, u32> {
        let members = self.nodes.values();
        members
            .flat_map(|member| {
                let prefixes = of(&member.spec).into_iter();
                prefixes.map(|prefix| (prefix.trunc(), member.number))
            })
            .collect()
    }
}

impl NodeSpec {
    fn addresses_as_prefixes(&self) -> Vec<IpNet> {
        self.addresses().map(IpNet::from).collect()
    }
}

/// What leads from a node to others: to nodes by the segment, to their prefixes by the segment or the tunnel, to all
/// else by the router.
fn wanted_routes(
    member: &Member,
    addresses: &BTreeMap<IpNet, u32>,
    prefixes: &BTreeMap<IpNet, u32>,
) -> BTreeMap<IpNet, Way> {
    let Some(uplink) = &member.node.uplink else {
        return BTreeMap::new();
    };
    let overlay = member.node.overlay.as_ref();
    let others = |(_, number): &(&IpNet, &u32)| **number != member.number;
    let by_segment = |number: u32| (uplink.ifindex, Hop::Node(number));
    let by_tunnel = |number: u32| {
        overlay.map_or_else(
            || by_segment(number),
            |overlay| (overlay.ifindex, Hop::Overlay),
        )
    };
    let by_router = (uplink.ifindex, Hop::Fabric);
    let mut wanted = BTreeMap::from([(IpNet::from(Ipv4Net::default()), by_router)]);
    if member.node.mtu.outside().fits_v6() {
        wanted.insert(Ipv6Net::default().into(), by_router);
    }
    let is_own = |(prefix, number): &(&IpNet, &u32)| {
        **number == member.number && prefix.prefix_len() < prefix.max_prefix_len()
    };
    let own = prefixes.iter().filter(is_own);
    wanted.extend(own.map(|(prefix, _)| (*prefix, (uplink.ifindex, Hop::Nobody))));
    let to_prefixes = prefixes.iter().filter(others);
    wanted.extend(to_prefixes.map(|(prefix, number)| (*prefix, by_tunnel(*number))));
    let to_nodes = addresses.iter().filter(others);
    wanted.extend(to_nodes.map(|(address, number)| (*address, by_segment(*number))));
    wanted
}
