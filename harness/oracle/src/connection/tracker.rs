//! The nodes that a packet crosses, each with the connections that it remembers.

use super::departure::Stranded;
use super::lifetimes::Lifetimes;
use super::links::{Links, node_of};
use super::packet::{Content, Flow, Packet};
use super::table::{Asked, Moment, Table};
use crate::host::is_guarded;
use crate::{Probe, ProbeError, Side, judge};
use manifest::{Cluster, EndpointName, IpBlockMode, Masquerade, ObjectName, Pod, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Remembers connections and judges packets by them. It is a value: clone it to ask "what if".
///
/// The node of the pod that sends a packet asks the egress half of its policies, the node of the pod that gets it the
/// ingress half; if they are one node, it asks both at once. A node that a host policy applies to asks so for itself as
/// well; others do not watch their own connections. Each node remembers for itself:
///
/// - A packet of no living connection is judged by the policies, and if they allow it, it opens one. An echo reply
///   that nobody asked for opens none.
/// - A packet of who opened the connection is judged each time: an unchanged cluster says the same again. If it is
///   denied, the connection is *revoked* until such a packet is allowed again.
/// - A packet of the other side passes, unless the connection is revoked. What only an opener sends (SYN, INIT, echo
///   request) is no answer: it is judged as a connection of its own.
/// - An opening packet on a connection that closes, has closed or was reset opens a new one, judged as new.
/// - An ICMP error passes with the living connection that it quotes a packet of, sent by who receives the error. A pod
///   can only quote what was sent to itself; nodes and outside hosts route, so they quote whatever passes.
/// - A connection is gone when it was silent for as long as [`Lifetimes`] say, and when a pod at one of its ends is
///   gone or on another node: whoever gets the address next starts without any.
/// - Where pods are masqueraded, outside hosts answer whom they have seen: a node that no longer knows the connection keeps
///   the answer for itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Tracker {
    lifetimes: Lifetimes,
    /// By the name of the node.
    pub(super) nodes: BTreeMap<String, Table>,
    /// Connections that were ever opened, counted where the first packet was seen first.
    opened: u64,
    /// How many states of the cluster there were.
    states: u64,
    /// Links that are not as they should be.
    pub(super) links: Links,
    /// What nodes see that no change reaches.
    pub(super) views: BTreeMap<String, View>,
    /// How pods are masqueraded, if they are.
    pub(super) masquerade: Option<Masquerade>,
    /// The node that outside hosts have seen last at the other end of pods' flows, where it is not the pod.
    pub(super) faces: BTreeMap<Flow, String>,
}

/// A state of the cluster, and which it was.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct View {
    pub(super) cluster: Cluster,
    state: u64,
    pub(super) masquerade: Option<Masquerade>,
}

/// What becomes of a packet on its whole way.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Course {
    /// What each node on its way does with it, up to the first that drops it. Nobody judges what concerns no pod and no guarded node.
    pub judgements: Vec<NodeJudgement>,
    /// Where it arrives; `None` if somebody drops it, or there is no way.
    pub arrival: Option<Arrival>,
}

/// A packet at its destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Who gets it: who is meant, or a node that knows of no pod behind its address.
    pub at: EndpointName,
    /// The source address that it has there.
    pub source: IpAddr,
}

/// What one of the nodes on its way must do with a packet.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeJudgement {
    /// The end whose node it is.
    pub at: PacketEnd,
    /// What becomes of the packet there.
    pub judgement: PacketJudgement,
}

/// An end of a packet's way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PacketEnd {
    /// Where a pod, or a guarded node, sends it.
    Source,
    /// Where a pod, or a guarded node, gets it from elsewhere.
    Destination,
}

/// What must become of a packet.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PacketJudgement {
    /// The policies were asked, and this is what they said of a packet with this standing.
    Judged(Halves, Standing),
    /// It answers a connection that was allowed: it passes.
    Answers,
    /// It answers a connection that is revoked: it is dropped.
    Revoked,
    /// An ICMP error about a packet of a living connection: it passes.
    Related,
    /// An ICMP error about something else: it is dropped.
    Unrelated,
    /// It has passed, and cannot leave the cluster with the address of its node: it is dropped.
    Stranded(Stranded),
}

/// What a node asked of the policies of both ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Halves {
    /// The source's egress policies; `None` if they were not asked here.
    pub egress: Option<Side>,
    /// The destination's ingress policies; `None` if they were not asked here, or the source has denied already.
    pub ingress: Option<Side>,
}

impl Halves {
    /// Whether nobody who was asked denies.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        let halves = [&self.egress, &self.ingress];
        !halves
            .iter()
            .any(|half| matches!(half, Some(Side::Denied(_))))
    }

    /// Whether nobody denies, and policies in audit mode would.
    #[must_use]
    pub fn is_audited(&self) -> bool {
        let halves = [&self.egress, &self.ingress];
        let is_audited = |half: &&Option<Side>| matches!(half, Some(Side::Audited(_)));
        self.is_allowed() && halves.iter().any(is_audited)
    }
}

/// What was known of the connection of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Nothing: the packet opens one, if it may.
    New,
    /// It was judged in an earlier state of the cluster, or is revoked.
    Stale,
    /// It was allowed in this state of the cluster: nothing new can be said.
    Current,
}

impl PacketJudgement {
    /// Whether the packet goes on.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Judged(halves, _) => halves.is_allowed(),
            Self::Answers | Self::Related => true,
            Self::Revoked | Self::Unrelated | Self::Stranded(_) => false,
        }
    }
}

impl Tracker {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(lifetimes: Lifetimes) -> Self {
        Self {
            lifetimes,
            nodes: BTreeMap::new(),
            opened: 0,
            states: 0,
            links: Links::default(),
            views: BTreeMap::new(),
            masquerade: None,
            faces: BTreeMap::new(),
        }
    }

    /// From now on pods are masqueraded like this, or not at all.
    pub fn masquerade(&mut self, masquerade: Option<Masquerade>) {
        self.masquerade = masquerade;
    }

    /// From now on nothing gets from this node to others and back, or it does again.
    pub fn cut_off(&mut self, node: &str, is_cut_off: bool) {
        self.links.cut_off(node, is_cut_off);
    }

    /// From now on every so manieth packet of each direction is lost between this node and others; or none.
    pub fn lose(&mut self, node: &str, every: Option<NonZeroU32>) {
        self.links.lose(node, every);
    }

    /// From now on nothing gets from this pod of the cluster to its node and back.
    pub fn unplug(&mut self, pod: &ObjectName, cluster: &Cluster) {
        self.links.unplug(pod, cluster);
    }

    /// From now on it does again.
    pub fn plug(&mut self, pod: &ObjectName) {
        self.links.plug(pod);
    }

    /// From now on no change reaches this node: it sees the cluster as it is.
    pub fn hold(&mut self, node: &str, cluster: &Cluster) {
        let view = View {
            cluster: cluster.clone(),
            state: self.states,
            masquerade: self.masquerade.clone(),
        };
        self.views.insert(node.to_owned(), view);
    }

    /// Changes reach this node again; it sees the cluster that all others see.
    pub fn release(&mut self, node: &str) {
        self.views.remove(node);
    }

    /// Takes notice of a state of the cluster: a pod that goes, and comes back before it sends a packet, starts afresh.
    /// A node that goes takes its memory along.
    pub fn follow(&mut self, cluster: &Cluster) {
        self.states += 1;
        self.forget_departed(cluster);
    }

    fn forget_departed(&mut self, cluster: &Cluster) {
        self.nodes
            .retain(|name, _| cluster.nodes.contains_key(name));
        for table in self.nodes.values_mut() {
            table.forget_departed(cluster);
        }
        self.links.forget_departed(cluster);
    }

    /// Judges a packet that is sent `now`, a time from any beginning, and remembers what follows from it.
    ///
    /// # Errors
    /// When the cluster has no such ends or they have no such addresses.
    pub fn judge(
        &mut self,
        cluster: &Cluster,
        mode: IpBlockMode,
        now: Duration,
        packet: &Packet,
    ) -> Result<Course, ProbeError> {
        self.forget_departed(cluster);
        for table in self.nodes.values_mut() {
            table.forget_silent(now);
        }
        let mut course = Course {
            judgements: Vec::new(),
            arrival: None,
        };
        if self.links.is_unplugged(&packet.from) {
            return Ok(course);
        }
        if let Some(node) = self.taken_by(packet) {
            course.arrival = self.end_at_node(cluster, node, packet);
            return Ok(course);
        }
        let [leaves, reaches] = self.way(cluster, packet);
        if !self.pass(leaves.as_ref(), cluster, mode, now, packet, &mut course)? {
            return Ok(course);
        }
        let face = match self.depart(leaves.as_ref(), cluster, packet) {
            Ok(face) => face,
            Err(stranded) => {
                course.judgements.push(stranded);
                return Ok(course);
            }
        };
        let passes = self.links.carry(cluster, packet)
            && self.pass(reaches.as_ref(), cluster, mode, now, packet, &mut course)?;
        if passes && !self.links.is_unplugged(&packet.to) {
            course.arrival = Some(self.arrive(packet, face));
        }
        Ok(course)
    }

    /// The nodes whose datapath sees the packet: that of the pod it leaves, and that of the pod it reaches; a node itself
    /// if it is guarded. A node's packets to its own pods are seen where they reach the pod.
    fn way<'a>(&self, cluster: &'a Cluster, packet: &'a Packet) -> [Option<Stop<'a>>; 2] {
        let [from, to] = [&packet.from, &packet.to].map(|end| {
            let node = node_of(cluster, end)?;
            let is_pod = pod_with_own_network(cluster, end).is_some();
            Some(Seat { node, is_pod })
        });
        let is_local = from.map(|seat| seat.node) == to.map(|seat| seat.node);
        let is_watched = |seat: &Seat<'_>| seat.is_pod || self.is_guarded(seat.node, cluster);
        let to = to.filter(is_watched);
        let from = from
            .filter(|seat| seat.is_pod || !is_local)
            .filter(is_watched);
        let leaves = from.map(|seat| Stop {
            node: seat.node,
            at: PacketEnd::Source,
            asked: Asked {
                egress: true,
                ingress: is_local && to.is_some(),
            },
            is_first: true,
            routes: !seat.is_pod,
        });
        let is_own = |seat: &Seat<'_>| is_local && (from.is_some() || !seat.is_pod);
        let reaches = to.filter(|seat| !is_own(seat)).map(|seat| Stop {
            node: seat.node,
            at: PacketEnd::Destination,
            asked: Asked {
                egress: false,
                ingress: true,
            },
            is_first: from.is_none(),
            routes: true,
        });
        [leaves, reaches]
    }

    /// Whether a host policy applies to a node, as far as the node knows.
    fn is_guarded(&self, node: &str, cluster: &Cluster) -> bool {
        let view = self.views.get(node);
        is_guarded(view.map_or(cluster, |view| &view.cluster), node)
    }

    /// Whether the packet goes on from there.
    fn pass(
        &mut self,
        stop: Option<&Stop<'_>>,
        cluster: &Cluster,
        mode: IpBlockMode,
        now: Duration,
        packet: &Packet,
        course: &mut Course,
    ) -> Result<bool, ProbeError> {
        let Some(stop) = stop else {
            return Ok(true);
        };
        let judgement = self.judge_at(stop, cluster, mode, now, packet)?;
        let passes = judgement.passes();
        let at = stop.at;
        course.judgements.push(NodeJudgement { at, judgement });
        Ok(passes)
    }

    fn judge_at(
        &mut self,
        stop: &Stop<'_>,
        cluster: &Cluster,
        mode: IpBlockMode,
        now: Duration,
        packet: &Packet,
    ) -> Result<PacketJudgement, ProbeError> {
        let table = self.nodes.entry(stop.node.to_owned()).or_default();
        if let Content::Error(about) = packet.content {
            return Ok(table.judge_error(packet, about, stop.routes));
        }
        let view = self.views.get(stop.node);
        let (cluster, state) =
            view.map_or((cluster, self.states), |view| (&view.cluster, view.state));
        let moment = Moment {
            cluster,
            lifetimes: &self.lifetimes,
            state,
            now,
        };
        let policies = judge(cluster, mode, &question(packet))?;
        let mut opened = 0;
        let judgement = table.judge(moment, packet, stop.asked, policies, &mut opened);
        if stop.is_first {
            self.opened += opened;
        }
        Ok(judgement)
    }

    /// How many connections all nodes together remember at that time.
    #[must_use]
    pub fn connection_count(&self, now: Duration) -> usize {
        self.nodes.values().map(|table| table.count(now)).sum()
    }

    /// How many connections were ever opened.
    #[must_use]
    pub const fn opened_count(&self) -> u64 {
        self.opened
    }
}

/// Where an end is.
#[derive(Clone, Copy)]
struct Seat<'a> {
    node: &'a str,
    /// Whether it is a pod with a network of its own; else it is the node.
    is_pod: bool,
}

/// A node on a packet's way.
pub(super) struct Stop<'a> {
    pub(super) node: &'a str,
    pub(super) at: PacketEnd,
    asked: Asked,
    is_first: bool,
    /// Whether its sender may quote what was not sent to it: what a pod sends was held against its own connections where
    /// it left.
    routes: bool,
}

/// The pod that this end is; `None` for nodes, pods on their network, and outside hosts, which all route.
pub(super) fn pod_with_own_network<'a, 'b>(
    cluster: &'a Cluster,
    end: &'b EndpointName,
) -> Option<(&'b ObjectName, &'a Pod)> {
    let EndpointName::Pod(name) = end else {
        return None;
    };
    let pod = cluster.pods.get(name)?;
    (!pod.host_network).then_some((name, pod))
}

/// The packet as a question to the policies.
fn question(packet: &Packet) -> Probe {
    let Flow {
        protocol,
        destination: (address, port),
        ..
    } = packet.flow;
    Probe {
        from: packet.from.clone(),
        to: packet.to.clone(),
        address,
        protocol,
        port: (protocol != Protocol::Icmp).then_some(port),
    }
}
