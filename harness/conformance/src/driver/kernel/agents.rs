//! The agents of all nodes, as one.

use super::super::evidence::NodeEvent;
use super::super::journal::{Reader, Readers};
use super::super::status::NodeStatus;
use super::super::tables::Tables;
use abi::{Address, DropReason, Mac};
use agent::{Agent, Config, Pressure, pool};
use flow::metrics::TableUse;
use lab::{Lab, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One agent a node.
pub(super) struct Agents {
    by_node: BTreeMap<String, Post>,
    /// Loaded and without a node yet.
    spare: Vec<Agent>,
    config: Config,
    /// How far the clock of connection tracking is ahead, nanoseconds.
    ahead: u64,
}

/// An agent at its node.
struct Post {
    /// The number of the node.
    number: u32,
    agent: Agent,
    /// Whether the programs between nodes are attached.
    is_joined: bool,
    /// How long it took to bring generations into force, those that were told of left out.
    turns: Vec<Duration>,
    /// Whether no change reaches it.
    is_stopped: bool,
    /// Addresses that pods have left while it was stopped.
    left: BTreeSet<Address>,
}

impl Agents {
    /// Loads the programs once, for the first node.
    pub(super) fn open(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            by_node: BTreeMap::new(),
            spare: vec![pool::take(config)?],
            config: *config,
            ahead: 0,
        })
    }

    /// Keeps the loaded programs for the next cluster.
    pub(super) fn close(mut self) -> anyhow::Result<()> {
        self.retain(|_| false);
        for agent in self.spare {
            pool::give_back(&self.config, agent)?;
        }
        Ok(())
    }

    /// Relieves the agents of nodes that are not to stay.
    pub(super) fn retain(&mut self, stays: impl Fn(&str) -> bool) {
        let gone = self.by_node.extract_if(.., |name, _| !stays(name));
        self.spare.extend(gone.map(|(_, post)| post.agent));
    }

    /// Brings every node's part of the tables into force, on new nodes too. First every node learns who the nodes are.
    pub(super) fn turn(&mut self, tables: &Tables, lab: &Lab) -> anyhow::Result<()> {
        for (name, node) in tables.nodes() {
            if !self.by_node.contains_key(name) {
                self.post(name, node.number)?;
            }
        }
        let peers = tables.peers(|name, _| Mac(lab.node(name).map_or([0; 6], uplink_mac)));
        let working = |(_, post): &(&String, &mut Post)| !post.is_stopped;
        for (name, post) in self.by_node.iter_mut().filter(working) {
            post.agent.set_home(tables.home(name))?;
            post.agent.set_nodes(&peers)?;
        }
        for (name, post) in self.by_node.iter_mut().filter(working) {
            let part = tables.of_node(name);
            post.agent.set_masquerade(tables.masquerade())?;
            let applied = post.agent.enforce_as(&part, tables.generation())?;
            post.turns.push(applied.elapsed);
        }
        for (name, node) in lab.nodes() {
            self.join(name, node)?;
        }
        Ok(())
    }

    fn post(&mut self, name: &str, number: u32) -> anyhow::Result<()> {
        let mut agent = match self.spare.pop() {
            Some(mut used) => {
                used.reset()?;
                used
            }
            None => pool::take(&self.config)?,
        };
        agent.set_clock_offset(self.ahead)?;
        let post = Post {
            number,
            agent,
            is_joined: false,
            turns: Vec::new(),
            is_stopped: false,
            left: BTreeSet::new(),
        };
        self.by_node.insert(name.to_owned(), post);
        Ok(())
    }

    /// Attaches the programs between nodes, once the node has a way to others.
    fn join(&mut self, name: &str, node: &Node) -> anyhow::Result<()> {
        let (Some(post), Some(uplink)) = (self.by_node.get_mut(name), node.uplink()) else {
            return Ok(());
        };
        if post.is_joined {
            return Ok(());
        }
        node.namespace().run(|| -> anyhow::Result<()> {
            post.agent
                .attach_uplink(uplink.ifname(), uplink.ifindex())?;
            if let Some(overlay) = node.overlay() {
                post.agent
                    .attach_overlay(overlay.ifname(), overlay.ifindex())?;
            }
            Ok(())
        })??;
        post.is_joined = true;
        Ok(())
    }

    /// The agent of a node.
    pub(super) fn of(&mut self, node: &str) -> Option<&mut Agent> {
        self.by_node.get_mut(node).map(|post| &mut post.agent)
    }

    /// The number of a node; zero if it has no agent.
    pub(super) fn number(&self, node: &str) -> u32 {
        self.by_node.get(node).map_or(0, |post| post.number)
    }

    /// Hands every waiting event to `each`, oldest first, and returns; it never waits.
    pub(super) fn events(&mut self, each: impl FnMut(&NodeEvent)) {
        let mut events = Vec::new();
        for post in self.by_node.values_mut() {
            let node = post.number;
            post.agent.events(|event| {
                events.push(NodeEvent {
                    node,
                    event: *event,
                });
            });
        }
        events.sort_by_key(|seen| seen.event.time);
        events.iter().for_each(each);
    }

    /// Events that found no room in a ring buffer.
    pub(super) fn lost_events(&self) -> anyhow::Result<u64> {
        let posts = self.by_node.values();
        let lost = posts.map(|post| post.agent.lost_events());
        Ok(lost.sum::<Result<u64, _>>()?)
    }

    /// Drops by reason, on all nodes.
    pub(super) fn drops(&self) -> anyhow::Result<BTreeMap<DropReason, u64>> {
        let mut all = BTreeMap::new();
        for post in self.by_node.values() {
            for (reason, count) in post.agent.drops()? {
                *all.entry(reason).or_default() += count;
            }
        }
        Ok(all)
    }

    /// Empties the connection table of every node, and frees the ports that masqueraded connections had.
    pub(super) fn forget_connections(&mut self) -> anyhow::Result<()> {
        for post in self.by_node.values_mut() {
            post.agent.forget_connections()?;
            post.agent.sweep()?;
        }
        Ok(())
    }

    /// Makes every node forget the connections that have one of these addresses at an end; a stopped one when it starts.
    pub(super) fn forget_connections_of(
        &mut self,
        addresses: &BTreeSet<Address>,
    ) -> anyhow::Result<()> {
        for post in self.by_node.values_mut() {
            post.left.extend(addresses);
            if !post.is_stopped {
                post.agent.forget_connections_of(&post.left)?;
                post.left.clear();
            }
        }
        Ok(())
    }

    /// From now on no change reaches this node's tables.
    pub(super) fn stop(&mut self, node: &str) {
        if let Some(post) = self.by_node.get_mut(node) {
            post.is_stopped = true;
        }
    }

    /// Changes reach this node's tables again; the next turn brings them up to date.
    pub(super) fn start(&mut self, node: &str) -> anyhow::Result<()> {
        if let Some(post) = self.by_node.get_mut(node) {
            post.is_stopped = false;
        }
        self.forget_connections_of(&BTreeSet::new())
    }

    /// Moves the clock of connection tracking ahead of the kernel's, on every node.
    pub(super) fn set_clock_offset(&mut self, nanoseconds: u64) -> anyhow::Result<()> {
        self.ahead = nanoseconds;
        for post in self.by_node.values_mut() {
            post.agent.set_clock_offset(nanoseconds)?;
        }
        Ok(())
    }

    /// Who knows the names behind the numbers in events.
    pub(super) fn readers(&self) -> Readers<'_> {
        let posts = self.by_node.iter().map(|(node, post)| {
            let planner = post.agent.planner();
            (post.number, Reader { node, planner })
        });
        posts.collect()
    }

    /// How each node is.
    pub(super) fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>> {
        let posts = self.by_node.iter_mut();
        posts
            .map(|(node, post)| {
                let tables = post.agent.pressure()?;
                Ok(NodeStatus {
                    node: node.as_str().into(),
                    tables: tables.iter().map(table_use).collect(),
                    lost_events: post.agent.lost_events()?,
                    suppressed_events: post.agent.suppressed_events()?,
                    generation: post.agent.generation()?,
                    turns: std::mem::take(&mut post.turns),
                })
            })
            .collect()
    }
}

fn table_use(pressure: &Pressure) -> TableUse {
    TableUse {
        table: pressure.table,
        entries: pressure.entries,
        capacity: pressure.capacity,
        refused: pressure.refused,
    }
}

fn uplink_mac(node: &Node) -> [u8; 6] {
    node.uplink().map_or([0; 6], lab::Uplink::mac)
}
