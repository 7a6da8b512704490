//! The tables of a cluster, state by state, and each node's part of them.

use super::Mode;
use abi::{Address, Generation, Home, Identity, Mac, Node, Routing};
use manifest::Cluster;
use policy::{Compiler, Desired, DesiredNode};
use std::collections::BTreeMap;

/// What all nodes together are to hold. Each state that says something new is the next generation, on every node.
#[derive(Debug)]
pub(super) struct Tables {
    compiler: Compiler,
    routing: Routing,
    desired: Desired,
    /// The nodes of the state before: until every node has turned, packets of it are under way.
    nodes_before: BTreeMap<String, DesiredNode>,
    generation: Generation,
}

impl Tables {
    /// Of no cluster yet.
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            compiler: Compiler::new(mode.ip_block),
            routing: mode.routing,
            desired: Desired::default(),
            nodes_before: BTreeMap::new(),
            generation: 0,
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
    }

    /// The generation that is to be in force.
    pub(super) const fn generation(&self) -> Generation {
        self.generation
    }

    /// The part of one node.
    pub(super) fn of_node(&self, name: &str) -> Desired {
        self.desired.for_node(name)
    }

    /// The nodes, by name.
    pub(super) const fn nodes(&self) -> &BTreeMap<String, DesiredNode> {
        &self.desired.nodes
    }

    /// What a node is to know of itself.
    pub(super) fn home(&self, name: &str) -> Home {
        Home {
            number: self.number(name),
            routing: self.routing as u32,
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
