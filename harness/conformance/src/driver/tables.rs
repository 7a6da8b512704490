//! The tables of a cluster, state by state, and each node's part of them.

use super::Mode;
use super::question::Question;
use abi::{Address, Generation, Home, Identity, Mac, Node};
use ipnet::IpNet;
use manifest::Cluster;
use policy::{Compiler, Desired, DesiredNode, EndpointRow};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 3927.
const LINK_LOCAL_V4: (IpAddr, u8) = (IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16);
/// RFC 4291.
const LINK_LOCAL_V6: (IpAddr, u8) = (IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10);

/// What all nodes together are to hold. Each state that says something new is the next generation, on every node.
#[derive(Debug)]
pub(super) struct Tables {
    compiler: Compiler,
    mode: Mode,
    desired: Desired,
    /// The nodes of the state before: until every node has turned, packets of it are under way.
    nodes_before: BTreeMap<String, DesiredNode>,
    generation: Generation,
    masquerade: Option<agent::Masquerade>,
}

impl Tables {
    /// Of no cluster yet.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            compiler: Compiler::new(mode.ip_block),
            mode,
            desired: Desired::default(),
            nodes_before: BTreeMap::new(),
            generation: 0,
            masquerade: None,
        }
    }

    /// Goes on to the state of this cluster.
    pub(super) fn turn(&mut self, cluster: &Cluster) {
        let desired = self.compiler.compile(cluster);
        let says_the_same = self.generation != 0
            && desired.endpoints == self.desired.endpoints
            && desired.cidrs == self.desired.cidrs
            && desired.nodes == self.desired.nodes;
        if !says_the_same {
            self.generation += 1;
        }
        let before = std::mem::replace(&mut self.desired, desired);
        self.nodes_before = before.nodes;
        self.masquerade = self.mode.masquerade(cluster).as_ref().map(translated);
    }

    /// The generation that is to be in force.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// The part of one node.
    pub(super) fn of_node(&self, name: &str) -> Desired {
        self.desired.for_node(name)
    }

    /// How the pods of all nodes are masqueraded, if they are.
    pub(super) const fn masquerade(&self) -> Option<&agent::Masquerade> {
        self.masquerade.as_ref()
    }

    /// The nodes, by name.
    pub(super) const fn nodes(&self) -> &BTreeMap<String, DesiredNode> {
        &self.desired.nodes
    }

    /// Whether the datapath has a say in what is sent between these addresses because host policies apply to one of them.
    pub(super) fn guard(&self, question: &Question) -> bool {
        let is_guarded = |address: IpAddr| {
            let row = self.desired.endpoints.get(&address);
            row.is_some_and(EndpointRow::is_guarded_node)
        };
        let Question {
            source,
            destination,
            ..
        } = *question;
        source != destination && (is_guarded(source) || is_guarded(destination))
    }

    /// What a node is to know of itself.
    pub(super) fn home(&self, name: &str) -> Home {
        let nodes = self.nodes();
        let addresses = nodes.get(name).map(|node| node.addresses);
        let addresses = addresses.unwrap_or_default();
        Home {
            number: self.number(name),
            routing: self.mode.routing as u32,
            v4: addresses.v4.map_or(Address::NONE, Address::from),
            v6: addresses.v6.map_or(Address::NONE, Address::from),
        }
    }

    /// The number of a node; zero if there is no such node.
    pub(super) fn number(&self, name: &str) -> u32 {
        self.nodes().get(name).map_or(0, |node| node.number)
    }

    /// What every node is to know of all of them; `mac` is the link-layer address of the uplink of the node with this
    /// name and number.
    pub(super) fn peers(&self, mac: impl Fn(&str, u32) -> Mac) -> BTreeMap<Identity, Node> {
        let nodes = self.nodes_before.iter().chain(&self.desired.nodes);
        let rows = nodes.flat_map(|(name, node)| {
            let row = Node {
                number: node.number,
                v4: node.addresses.v4.map_or(Address::NONE, Address::from),
                v6: node.addresses.v6.map_or(Address::NONE, Address::from),
                mac: mac(name, node.number),
                ..Node::default()
            };
            node.identities.iter().map(move |identity| (*identity, row))
        });
        rows.collect()
    }
}

/// What the agents are told of the ip-masq-agent's configuration.
fn translated(masquerade: &manifest::Masquerade) -> agent::Masquerade {
    let unless = |is_masqueraded: bool, (address, length): (IpAddr, u8)| {
        (!is_masqueraded).then(|| IpNet::new_assert(address, length))
    };
    let link_local = unless(masquerade.link_local, LINK_LOCAL_V4);
    let link_local_v6 = unless(masquerade.link_local_v6, LINK_LOCAL_V6);
    let listed = masquerade.non_masquerade_cidrs.iter().copied();
    let ports = masquerade.ports.clone();
    agent::Masquerade {
        exceptions: listed.chain(link_local).chain(link_local_v6).collect(),
        ports: ports.unwrap_or(agent::Masquerade::default().ports),
    }
}
