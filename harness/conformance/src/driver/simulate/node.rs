//! One virtual node: the program over its own maps, at each of its hooks.

use super::super::tables::Tables;
use super::super::{FaultKind, NodeStatus};
use super::uplink::Uplink;
use abi::{Address, DropReason, Link, LocalEndpoint, Mac, PortRange};
use agent::Masquerade;
use flow::metrics::TableUse;
use manifest::Addresses;
use policy::{Planner, Write};
use program::memory::Memory;
use program::{Action, Scratch, Tunnel};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The link-layer address of the node's end of every pod's link, and of the router outside.
pub(super) const GATEWAY: Mac = Mac([0xee; 6]);
/// The index of the node's uplink and of its tunnel device: the programs there do not ask for it.
const BETWEEN_NODES: u32 = 0;

/// A node with the program at the ends of its links.
#[derive(Debug)]
pub(super) struct VirtualNode {
    pub(super) name: Arc<str>,
    /// What the program knows and remembers.
    pub(super) memory: Memory,
    /// What the tables in memory stand for.
    pub(super) planner: Planner,
    pub(super) addresses: Addresses,
    /// Its link to others.
    pub(super) uplink: Uplink,
    /// Whether somebody brings changes into force.
    pub(super) has_agent: bool,
    /// Addresses that pods have left while nobody did.
    left: BTreeSet<Address>,
    /// How long it took to bring generations into force, those that were told of left out.
    turns: Vec<Duration>,
}

impl Default for VirtualNode {
    fn default() -> Self {
        Self {
            name: Arc::default(),
            memory: Memory::default(),
            planner: Planner::default(),
            addresses: Addresses::default(),
            uplink: Uplink::default(),
            has_agent: true,
            left: BTreeSet::new(),
            turns: Vec::new(),
        }
    }
}

impl VirtualNode {
    /// Lets something happen to it.
    pub(super) fn suffer(&mut self, what: FaultKind, name: &str, tables: &Tables) {
        match what {
            FaultKind::LinkDown => self.uplink.is_down = true,
            FaultKind::LinkUp => self.uplink.is_down = false,
            FaultKind::LinkLoses(every) => self.uplink.lose(every),
            FaultKind::LinkWhole => self.uplink.mend(),
            FaultKind::AgentStops => self.has_agent = false,
            FaultKind::AgentStarts => {
                self.has_agent = true;
                self.turn(name, tables);
                self.see_off(&BTreeSet::new());
            }
        }
    }

    /// Brings this node's part of the tables into force.
    pub(super) fn turn(&mut self, name: &str, tables: &Tables) {
        let started = Instant::now();
        self.name = name.into();
        let memory = &mut self.memory;
        memory.home = tables.home(name);
        let peers = tables.peers(|_, number| uplink_mac(number));
        memory.nodes = peers.into_iter().collect();
        let part = tables.of_node(name);
        let plan = self.planner.plan_as(&part, tables.generation());
        for write in &plan.writes {
            match *write {
                Write::Endpoint(address, rows) => memory.write_endpoint(address, rows),
                Write::Cidr(key, rows) => memory.write_cidr(key, rows),
                Write::Class(key, class) => memory.write_class(key, class),
                Write::Verdict(key, verdict) => memory.write_verdict(key, verdict),
                Write::Frontend(key, rows) => memory.write_frontend(key, rows),
                Write::Slot(key, backend) => memory.write_slot(key, backend),
                Write::Member(key, state) => memory.write_member(key, state),
                Write::Source(key, row) => memory.write_source(key, row),
            }
        }
        memory.guard = part.guard();
        memory.generation = plan.generation;
        let masquerade = tables.masquerade().and_then(|masquerade| {
            let ports = masquerade.port_range().ok()?;
            Some((ports, masquerade.prefixes()))
        });
        let (ports, exceptions) = masquerade.unwrap_or((PortRange::NONE, BTreeSet::new()));
        memory.set_masquerade(ports, exceptions);
        if part.serves() {
            memory.service_ports = Masquerade::ports_of_services(ports);
        }
        self.turns.push(started.elapsed());
    }

    /// How it is. Only connections have a limit here.
    pub(super) fn status(&mut self) -> NodeStatus {
        let memory = &self.memory;
        let refused = memory.drops().get(&DropReason::ConntrackFull).copied();
        let connections = TableUse {
            table: "CONNECTIONS",
            entries: u64::try_from(memory.connections().len()).ok(),
            capacity: u64::try_from(memory.capacity).unwrap_or(u64::MAX),
            refused: refused.unwrap_or(0),
        };
        NodeStatus {
            node: Arc::clone(&self.name),
            tables: vec![connections],
            lost_events: 0,
            suppressed_events: memory.suppressed_events(),
            generation: memory.generation,
            turns: std::mem::take(&mut self.turns),
        }
    }

    /// Forgets the connections of addresses that pods have left, as soon as somebody is there to do it.
    pub(super) fn see_off(&mut self, left: &BTreeSet<Address>) {
        self.left.extend(left);
        if self.has_agent {
            self.memory.forget_connections_of(&self.left);
            self.left.clear();
        }
    }

    /// Takes every link away.
    pub(super) fn unplug(&mut self) {
        self.memory.links.clear();
        self.memory.locals.clear();
    }

    /// Links a pod to the node.
    pub(super) fn plug(&mut self, addresses: Addresses, ifindex: u32) {
        let link = Link {
            v4: addresses.v4.map_or(Address::NONE, Address::from),
            v6: addresses.v6.map_or(Address::NONE, Address::from),
            mac: pod_mac(ifindex),
            ..Link::default()
        };
        self.memory.links.insert(ifindex, link);
        for address in addresses.iter() {
            let local = LocalEndpoint {
                ifindex,
                mac: link.mac,
                gateway_mac: GATEWAY,
            };
            self.memory.locals.insert(address.into(), local);
        }
    }

    /// What a pod sends.
    pub(super) fn leave(&self, frame: &mut Vec<u8>, ifindex: u32) -> Action {
        program::from_endpoint(&self.memory, frame, &mut Scratch::default(), ifindex)
    }

    /// What the stack delivers to a pod.
    pub(super) fn enter(&self, frame: &mut Vec<u8>, ifindex: u32) -> Action {
        program::to_endpoint(&self.memory, frame, &mut Scratch::default(), ifindex)
    }

    /// What comes by the uplink.
    pub(super) fn arrive(&self, frame: &mut Vec<u8>) -> Action {
        let scratch = &mut Scratch::default();
        program::from_network(&self.memory, frame, scratch, BETWEEN_NODES)
    }

    /// What goes by the uplink.
    pub(super) fn depart(&self, frame: &mut Vec<u8>) -> Action {
        let scratch = &mut Scratch::default();
        program::to_network(&self.memory, frame, scratch, BETWEEN_NODES)
    }

    /// What goes into a tunnel.
    pub(super) fn pack(&self, frame: &mut Vec<u8>) -> Action {
        let scratch = &mut Scratch::default();
        program::to_overlay(&self.memory, frame, scratch, BETWEEN_NODES)
    }

    /// What comes out of one.
    pub(super) fn unpack(&self, frame: &mut Vec<u8>, tunnel: Tunnel) -> Action {
        let scratch = &mut Scratch::default();
        program::from_overlay(&self.memory, frame, scratch, BETWEEN_NODES, &tunnel)
    }

    /// The end of a tunnel that leads from here to `remote`.
    pub(super) fn tunnel_end(&self, remote: Address) -> Address {
        let own = if remote.is_v4() {
            self.addresses.v4.map(Address::from)
        } else {
            self.addresses.v6.map(Address::from)
        };
        own.unwrap_or(Address::NONE)
    }
}

/// The link-layer address of a pod's end of its link.
pub(super) fn pod_mac(ifindex: u32) -> Mac {
    let [a, b, c, d] = ifindex.to_be_bytes();
    Mac([2, 0, a, b, c, d])
}

/// The link-layer address of a node's uplink.
pub(super) fn uplink_mac(number: u32) -> Mac {
    let [a, b, c, d] = number.to_be_bytes();
    Mac([2, 1, a, b, c, d])
}
