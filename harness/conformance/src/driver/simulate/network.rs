//! The virtual cluster: nodes, each with the program at its links, and a network between them.

use super::super::NodeStatus;
use super::super::balancer;
use super::super::evidence::{Finding, NodeEvent};
use super::super::journal::{Reader, Readers};
use super::super::question::Question;
use super::super::tables::Tables;
use super::super::wire;
use super::super::{Fault, FaultKind};
use super::frame;
use super::message::Message;
use super::node::{GATEWAY, VirtualNode, pod_mac, uplink_mac};
use super::uplink::Uplink;
use abi::{Address, DropReason, Identity, Mac, Routing};
use anyhow::{Context as _, bail, ensure};
use manifest::{Addresses, Cluster, ContainerPort, EndpointName, ObjectName, Protocol};
use program::{Action, Tunnel};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

/// Where a packet is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// In the pod behind this interface of the node with this number.
    Pod { node: u32, ifindex: u32 },
    /// On the node with this number; pods on its network are there too.
    Node(u32),
    /// At the outside host with this number.
    Outside(u32),
}

impl Place {
    /// The number of the node that it is on.
    pub(super) const fn node(self) -> Option<u32> {
        match self {
            Self::Pod { node, .. } | Self::Node(node) => Some(node),
            Self::Outside(_) => None,
        }
    }
}

/// One address.
#[derive(Debug)]
struct Site {
    place: Place,
    services: BTreeSet<(Protocol, u16)>,
}

/// A pod with a link of its own: its name, and its node.
type Linked = (ObjectName, u32);

/// Who has which address, and the nodes between them.
#[derive(Debug)]
pub(super) struct Network {
    routing: Routing,
    /// By number.
    pub(super) nodes: BTreeMap<u32, VirtualNode>,
    sites: HashMap<IpAddr, Site>,
    /// Who has which address on a link of its own.
    linked: BTreeMap<Address, Linked>,
    /// The node that a load balancer's address leads to.
    balanced: HashMap<IpAddr, u32>,
    /// Pods by the index of their interface.
    pods: BTreeMap<u32, ObjectName>,
    /// Pods whose links are down.
    unplugged: BTreeSet<ObjectName>,
    /// The clock of connection tracking, nanoseconds.
    now: u64,
    /// Events that there were: each is one nanosecond later than the one before.
    ticks: Cell<u64>,
    events: RefCell<Vec<NodeEvent>>,
}

impl Network {
    /// Without anybody.
    pub(super) fn new(routing: Routing) -> Self {
        Self {
            routing,
            nodes: BTreeMap::new(),
            sites: HashMap::new(),
            linked: BTreeMap::new(),
            balanced: HashMap::new(),
            pods: BTreeMap::new(),
            unplugged: BTreeSet::new(),
            now: 0,
            ticks: Cell::new(0),
            events: RefCell::default(),
        }
    }

    /// Plugs in the pods, nodes and outside hosts of `cluster` in place of those before. The connections of pods that
    /// are gone or elsewhere are forgotten.
    pub(super) fn plug(&mut self, cluster: &Cluster, tables: &Tables) {
        self.turn_nodes(tables);
        let before = std::mem::take(&mut self.linked);
        self.sites.clear();
        self.pods.clear();
        for (name, node) in &cluster.nodes {
            self.settle(node.addresses, Place::Node(tables.number(name)), &[]);
        }
        for (ifindex, (name, pod)) in (1..).zip(&cluster.pods) {
            let node = tables.number(&pod.node);
            if pod.host_network {
                self.settle(pod.addresses, Place::Node(node), &pod.ports);
            } else {
                self.settle(pod.addresses, Place::Pod { node, ifindex }, &pod.ports);
                self.link(name, pod.addresses, node, ifindex);
            }
        }
        for (number, host) in (0..).zip(cluster.externals.values()) {
            self.settle(host.addresses, Place::Outside(number), &host.ports);
        }
        let balanced = balancer::routes(cluster).into_iter();
        self.balanced = balanced
            .map(|(address, node)| (address, tables.number(node)))
            .collect();
        let has_left =
            |(address, linked): &(Address, Linked)| self.linked.get(address) != Some(linked);
        let left: BTreeMap<Address, Linked> = before.into_iter().filter(has_left).collect();
        for (name, _) in left.values() {
            self.unplugged.remove(name);
        }
        let left = left.into_keys().collect();
        for node in self.nodes.values_mut() {
            node.see_off(&left);
        }
    }

    /// Lets something happen to a node or a pod.
    pub(super) fn inflict(&mut self, fault: &Fault, tables: &Tables) -> anyhow::Result<()> {
        match (&fault.at, fault.kind) {
            (EndpointName::Node(name), kind) => {
                let node = self.nodes.get_mut(&tables.number(name));
                let node = node.with_context(|| format!("there is no {}", fault.at))?;
                node.suffer(kind, name, tables);
            }
            (EndpointName::Pod(name), FaultKind::LinkDown) => {
                self.unplugged.insert(name.clone());
            }
            (EndpointName::Pod(name), FaultKind::LinkUp) => {
                self.unplugged.remove(name);
            }
            (at, kind) => bail!("{at} is no node: {kind:?} happens to nodes only"),
        }
        Ok(())
    }

    /// Whether the link of the pod that is there is down.
    pub(super) fn is_unplugged(&self, place: Place) -> bool {
        let Place::Pod { ifindex, .. } = place else {
            return false;
        };
        let name = self.pods.get(&ifindex);
        name.is_some_and(|name| self.unplugged.contains(name))
    }

    /// Makes the nodes those of the tables, each with its part of them and without links.
    fn turn_nodes(&mut self, tables: &Tables) {
        let numbers: BTreeSet<u32> = tables.nodes().values().map(|node| node.number).collect();
        self.nodes.retain(|number, _| numbers.contains(number));
        for (name, desired) in tables.nodes() {
            let node = self.nodes.entry(desired.number).or_default();
            node.addresses = desired.addresses;
            node.memory.now = self.now;
            node.unplug();
            if node.has_agent {
                node.turn(name, tables);
            }
        }
    }

    fn settle(&mut self, addresses: Addresses, place: Place, ports: &[ContainerPort]) {
        for address in addresses.iter() {
            let site = self.sites.entry(address).or_insert_with(|| Site {
                place,
                services: BTreeSet::new(),
            });
            let services = ports.iter().map(|port| (port.protocol, port.port));
            site.services.extend(services);
        }
    }

    fn link(&mut self, name: &ObjectName, addresses: Addresses, node: u32, ifindex: u32) {
        if let Some(virtual_node) = self.nodes.get_mut(&node) {
            virtual_node.plug(addresses, ifindex);
        }
        self.pods.insert(ifindex, name.clone());
        let addresses = addresses.iter().map(Address::from);
        self.linked
            .extend(addresses.map(|address| (address, (name.clone(), node))));
    }

    /// Who knows the names behind the numbers in events.
    pub(super) fn readers(&self) -> Readers<'_> {
        let nodes = self.nodes.iter().map(|(number, node)| {
            let reader = Reader {
                node: &node.name,
                planner: &node.planner,
            };
            (*number, reader)
        });
        nodes.collect()
    }

    /// How each node is.
    pub(super) fn status(&mut self) -> Vec<NodeStatus> {
        self.nodes.values_mut().map(VirtualNode::status).collect()
    }

    /// The events since the last call, oldest first.
    pub(super) fn take_events(&self) -> Vec<NodeEvent> {
        self.events.take()
    }

    /// The time by which events are told, nanoseconds: no event so far is later.
    pub(super) fn event_time(&self) -> u64 {
        self.now + self.ticks.get()
    }

    /// Moves the clock of connection tracking; `None` if it cannot go that far.
    pub(super) fn pass_time(&mut self, nanoseconds: u64) -> Option<()> {
        self.now = self.now.checked_add(nanoseconds)?;
        for node in self.nodes.values_mut() {
            node.memory.now = self.now;
        }
        Some(())
    }

    /// Empties the connection table of every node.
    pub(super) fn forget_connections(&mut self) {
        for node in self.nodes.values_mut() {
            node.memory.forget_connections();
        }
    }

    /// Drops by reason, on all nodes.
    pub(super) fn drops(&self) -> BTreeMap<DropReason, u64> {
        let mut all = BTreeMap::new();
        let drops = self.nodes.values().flat_map(|node| node.memory.drops());
        for (reason, count) in drops {
            *all.entry(reason).or_default() += count;
        }
        all
    }

    /// Puts a question and carries the answer back. `number` is its source port, or the identifier of an echo. The events
    /// are still to be taken.
    pub(super) fn ask(&self, question: &Question, number: u16) -> anyhow::Result<Finding> {
        let from = self.site(question.source)?.place;
        let to = if question.is_virtual {
            None
        } else {
            Some(self.site(question.destination)?.place)
        };
        let request = Message::request(question, number);
        self.exchange(&request, from, to)
    }

    /// Whether the datapath has a say: the packet leaves its place, and one of the ends is a pod.
    pub(super) fn is_judged(&self, question: &Question) -> bool {
        let [from, to] = [question.source, question.destination]
            .map(|address| self.sites.get(&address).map(|site| site.place));
        let is_pod = |place| matches!(place, Some(Place::Pod { .. }));
        !question.is_virtual && from != to && (is_pod(from) || is_pod(to))
    }

    /// Where an address is; `None` if nobody has it.
    pub(super) fn place_at(&self, address: IpAddr) -> Option<Place> {
        self.sites.get(&address).map(|site| site.place)
    }

    fn site(&self, address: IpAddr) -> anyhow::Result<&Site> {
        let site = self.sites.get(&address);
        site.with_context(|| format!("{address} is nobody's address"))
    }

    /// One packet there, one back. `to` is `None` for what nobody has the address of: a service knows where it goes.
    fn exchange(
        &self,
        request: &Message,
        from: Place,
        to: Option<Place>,
    ) -> anyhow::Result<Finding> {
        let mut finding = Finding::default();
        let sent = frame::write(request, mac(from).0, GATEWAY.0)?;
        let Some((at, arrived)) = self.carry(sent.clone(), from, to) else {
            return Ok(finding);
        };
        if matches!(at, Place::Outside(_)) {
            finding.seen_from = wire::tuple(&arrived).map(|tuple| tuple.source);
        }
        let answers = |bytes: &[u8]| frame::read(bytes)?.as_answer_to(request, &sent);
        if at == from
            && to.is_none()
            && let Some(answer) = answers(&arrived)
        {
            finding.answer = Some(answer);
            return Ok(finding);
        }
        let Some(answer) = self.answer(&arrived, at)? else {
            return Ok(finding);
        };
        let back = frame::write(&answer, mac(at).0, GATEWAY.0)?;
        let returned = self.carry(back, at, to.map(|_| from));
        finding.answer = returned
            .filter(|(at, _)| *at == from)
            .and_then(|(_, bytes)| answers(&bytes));
        Ok(finding)
    }

    /// What the host that this frame reached says to it.
    fn answer(&self, arrived: &[u8], at: Place) -> anyhow::Result<Option<Message>> {
        let Some(message) = frame::read(arrived) else {
            return Ok(None);
        };
        let site = self.site(message.destination)?;
        ensure!(
            site.place == at,
            "{} is not where it arrived",
            message.destination
        );
        let services = &site.services;
        let serves = |protocol, port| services.contains(&(protocol, port));
        Ok(message.answer(arrived, serves))
    }

    /// Carries a frame from one place to another, past the hooks on its way. Returns where it arrives, which is where it
    /// was to go if that is known, and `None` if it is dropped or goes astray.
    fn carry(
        &self,
        mut bytes: Vec<u8>,
        from: Place,
        to: Option<Place>,
    ) -> Option<(Place, Vec<u8>)> {
        let is_itself = to == Some(from);
        if !is_itself && self.is_unplugged(from) {
            return None;
        }
        let arrived = match from {
            _ if is_itself => from,
            Place::Pod { node, ifindex } => match self.leave(node, &mut bytes, ifindex) {
                Action::Redirect { ifindex } | Action::Refuse { ifindex, .. } => {
                    Place::Pod { node, ifindex }
                }
                Action::Pass => self.route(Some(node), &mut bytes)?,
                Action::Drop(_) | Action::Reflect { .. } | Action::Encapsulate(_) => return None,
            },
            Place::Node(node) => self.route(Some(node), &mut bytes)?,
            Place::Outside(_) => self.route(None, &mut bytes)?,
        };
        let is_there = is_itself || !self.is_unplugged(arrived);
        (is_there && to.is_none_or(|to| arrived == to)).then_some((arrived, bytes))
    }

    /// What a pod sends, at its link.
    pub(super) fn leave(&self, node: u32, bytes: &mut Vec<u8>, ifindex: u32) -> Action {
        self.at(node, |node| node.leave(bytes, ifindex))
    }

    /// What the stack of a node, or the network outside all nodes, does with a packet: it goes by its destination.
    /// Returns where it arrives.
    pub(super) fn route(&self, at: Option<u32>, bytes: &mut Vec<u8>) -> Option<Place> {
        let destination = wire::destination(bytes)?;
        let Some(place) = self.place_at(destination) else {
            let balanced = *self.balanced.get(&destination)?;
            return (Some(balanced) != at).then(|| self.cross(at, balanced, false, bytes))?;
        };
        match place.node() {
            node if node == at => self.enter(place, bytes),
            None => (self.go_out(at?, bytes) && self.carries(at, None)).then_some(place),
            Some(node) => {
                let is_pod = matches!(place, Place::Pod { .. });
                self.cross(at, node, is_pod, bytes)
            }
        }
    }

    /// From a node to the outside; tells whether the packet gets there.
    fn go_out(&self, from: u32, bytes: &mut Vec<u8>) -> bool {
        self.at(from, |node| node.depart(bytes)) == Action::Pass
    }

    /// Whether the links between two nodes, or one and the outside, carry the next packet.
    fn carries(&self, from: Option<u32>, to: Option<u32>) -> bool {
        let uplink = |node: Option<u32>| Some(&self.nodes.get(&node?)?.uplink);
        uplink(from).is_none_or(Uplink::carries_out) && uplink(to).is_none_or(Uplink::carries_in)
    }

    /// The last link, from a node's stack: a pod's is guarded.
    pub(super) fn enter(&self, place: Place, bytes: &mut Vec<u8>) -> Option<Place> {
        let Place::Pod { node, ifindex } = place else {
            return Some(place);
        };
        let action = self.at(node, |node| node.enter(bytes, ifindex));
        (action == Action::Pass).then_some(place)
    }

    /// From one node, or from outside, to another node: for one of its pods or not.
    fn cross(
        &self,
        from: Option<u32>,
        to: u32,
        is_pod: bool,
        bytes: &mut Vec<u8>,
    ) -> Option<Place> {
        let destination = wire::destination(bytes)?;
        let action = match from {
            Some(from) if is_pod && self.routing == Routing::Vxlan => {
                let tunnel = self.pack(from, bytes)?;
                self.carries(Some(from), Some(to)).then_some(())?;
                self.at(to, |node| node.unpack(bytes, tunnel))
            }
            _ if from.is_some_and(|from| !self.go_out(from, bytes)) => return None,
            _ => {
                self.carries(from, Some(to)).then_some(())?;
                let sender = from.map_or(GATEWAY, uplink_mac);
                frame::readdress(bytes, sender, uplink_mac(to));
                self.at(to, |node| node.arrive(bytes))
            }
        };
        match action {
            Action::Redirect { ifindex } => Some(Place::Pod { node: to, ifindex }),
            // The answer to who asked, or sent on in the node's own name.
            Action::Reflect { .. } => self.route(Some(to), bytes),
            Action::Pass if wire::destination(bytes)? != destination => self.route(Some(to), bytes),
            Action::Pass if self.is_refused_by_tunnel(to, bytes) => None,
            Action::Pass => self.enter(self.place_at(destination)?, bytes),
            Action::Drop(_) | Action::Refuse { .. } | Action::Encapsulate(_) => None,
        }
    }

    /// Whether a node's tunnel takes a packet that somebody has packed, and its program drops what is in it.
    fn is_refused_by_tunnel(&self, node: u32, bytes: &[u8]) -> bool {
        let packed = wire::packed(bytes).filter(|_| self.routing == Routing::Vxlan);
        packed.is_some_and(|packed| {
            let tunnel = Tunnel {
                remote: packed.from.into(),
                identity: Identity(packed.identity),
            };
            let mut inner = packed.frame.to_vec();
            let action = self.at(node, |node| node.unpack(&mut inner, tunnel));
            matches!(action, Action::Drop(_))
        })
    }

    /// What the other end of the tunnel is told of a packet.
    fn pack(&self, from: u32, bytes: &mut Vec<u8>) -> Option<Tunnel> {
        let Action::Encapsulate(sent) = self.at(from, |node| node.pack(bytes)) else {
            return None;
        };
        let remote = self.nodes.get(&from)?.tunnel_end(sent.remote);
        Some(Tunnel { remote, ..sent })
    }

    /// Runs a hook of a node, and keeps what it reports. A node that is not there drops everything.
    fn at(&self, number: u32, hook: impl FnOnce(&VirtualNode) -> Action) -> Action {
        let Some(node) = self.nodes.get(&number) else {
            return Action::Drop(DropReason::UnknownEndpoint);
        };
        let action = hook(node);
        for mut event in node.memory.take_events() {
            self.ticks.set(self.ticks.get() + 1);
            event.time = self.event_time();
            self.events.borrow_mut().push(NodeEvent {
                node: number,
                event,
            });
        }
        action
    }
}

/// The link-layer address at a place: of a pod's end of its link, or of the node's or router's.
pub(super) fn mac(place: Place) -> Mac {
    match place {
        Place::Pod { ifindex, .. } => pod_mac(ifindex),
        Place::Node(_) | Place::Outside(_) => GATEWAY,
    }
}
