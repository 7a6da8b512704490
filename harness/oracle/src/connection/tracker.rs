//! The connections there are.

use super::lifetimes::{Lifetimes, Phase};
use super::packet::{Content, Flow, Packet};
use crate::{Judgement, Probe, ProbeError, judge};
use manifest::{Cluster, EndpointName, IpBlockMode, ObjectName, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// Remembers connections and judges packets by them. It is a value: clone it to ask "what if".
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
///   gone: whoever gets the address next starts without any.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tracker {
    lifetimes: Lifetimes,
    /// By the flow of who opened it.
    connections: BTreeMap<Flow, Connection>,
    opened: u64,
    /// How many states of the cluster there were.
    states: u64,
}

/// One connection.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Connection {
    /// The pods with a network of their own at its ends, and their addresses there.
    pods: Vec<(ObjectName, IpAddr)>,
    phase: Phase,
    /// Who has said its last word: the opener, the other.
    silent: [bool; 2],
    /// When it is forgotten, if nothing more comes.
    ends: Duration,
    /// The state of the cluster that it was judged in last.
    state: u64,
}

/// What must become of a packet.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PacketJudgement {
    /// The policies were asked, and this is what they said of a packet with this standing.
    Judged(Judgement, Standing),
    /// It answers a connection that was allowed: it passes.
    Answers,
    /// It answers a connection that is revoked: it is dropped.
    Revoked,
    /// An ICMP error about a packet of a living connection: it passes.
    Related,
    /// An ICMP error about something else: it is dropped.
    Unrelated,
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
    /// Whether the packet arrives.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Judged(judgement, _) => judgement.is_allowed(),
            Self::Answers | Self::Related => true,
            Self::Revoked | Self::Unrelated => false,
        }
    }
}

impl Tracker {
    /// Remembers nothing yet.
    #[must_use]
    pub const fn new(lifetimes: Lifetimes) -> Self {
        Self {
            lifetimes,
            connections: BTreeMap::new(),
            opened: 0,
            states: 0,
        }
    }

    /// Takes notice of a state of the cluster: a pod that goes, and comes back before it sends a packet, starts afresh.
    pub fn follow(&mut self, cluster: &Cluster) {
        self.states += 1;
        self.forget_departed(cluster);
    }

    fn forget_departed(&mut self, cluster: &Cluster) {
        let is_there = |(name, address): &(ObjectName, IpAddr)| {
            let pod = cluster.pods.get(name);
            pod.is_some_and(|pod| pod.addresses.contains(*address))
        };
        self.connections
            .retain(|_, connection| connection.pods.iter().all(is_there));
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
    ) -> Result<PacketJudgement, ProbeError> {
        self.forget_departed(cluster);
        self.connections
            .retain(|_, connection| connection.ends > now);
        if let Content::Error(about) = packet.content {
            return Ok(self.judge_error(cluster, packet, about));
        }
        if let Some(judgement) = self.judge_answer(packet, now) {
            return Ok(judgement);
        }
        let judgement = judge(cluster, mode, &question(packet))?;
        let standing = self.standing(packet);
        if judgement.is_allowed() {
            self.go_on(cluster, packet, now);
        } else {
            self.revoke(packet, now);
        }
        Ok(PacketJudgement::Judged(judgement, standing))
    }

    /// How many connections are remembered at that time.
    #[must_use]
    pub fn connection_count(&self, now: Duration) -> usize {
        let connections = self.connections.values();
        connections
            .filter(|connection| connection.ends > now)
            .count()
    }

    /// How many connections were ever opened.
    #[must_use]
    pub const fn opened_count(&self) -> u64 {
        self.opened
    }

    fn judge_error(&self, cluster: &Cluster, packet: &Packet, about: Flow) -> PacketJudgement {
        let is_to_sender = about.source.0 == packet.flow.destination.0;
        let routes = pod_with_own_network(cluster, &packet.from).is_none();
        let is_own = about.destination.0 == packet.flow.source.0;
        let is_alive = |flow: &Flow| {
            let connection = self.connections.get(flow);
            connection.is_some_and(|connection| connection.phase != Phase::Revoked)
        };
        let is_known = [about, about.reversed()].iter().any(is_alive);
        if is_known && is_to_sender && (is_own || routes) {
            PacketJudgement::Related
        } else {
            PacketJudgement::Unrelated
        }
    }

    fn standing(&self, packet: &Packet) -> Standing {
        let known = self.connections.get(&packet.flow);
        let known = known.filter(|connection| !connection.ends_before(packet.content));
        match known {
            None => Standing::New,
            Some(known) if known.phase != Phase::Revoked && known.state == self.states => {
                Standing::Current
            }
            Some(_) => Standing::Stale,
        }
    }

    /// `None` if the packet answers nothing.
    fn judge_answer(&mut self, packet: &Packet, now: Duration) -> Option<PacketJudgement> {
        if packet.content.is_opening() {
            return None;
        }
        let connection = self.connections.get_mut(&packet.flow.reversed())?;
        if connection.phase == Phase::Revoked {
            return Some(PacketJudgement::Revoked);
        }
        if connection.phase == Phase::Opening {
            connection.phase = Phase::Established;
        }
        connection.hear(packet.content, 1);
        connection.prolong(&self.lifetimes, packet, now);
        Some(PacketJudgement::Answers)
    }

    /// A packet of who opens or has opened a connection was allowed.
    fn go_on(&mut self, cluster: &Cluster, packet: &Packet, now: Duration) {
        let known = self.connections.remove(&packet.flow);
        let known = known.filter(|connection| !connection.ends_before(packet.content));
        if known.is_none() && packet.content == Content::EchoReply {
            return;
        }
        // What opens against the direction of a connection takes its place.
        self.connections.remove(&packet.flow.reversed());
        self.opened += u64::from(known.is_none());
        let mut connection = known.unwrap_or_else(|| Connection::opened_by(cluster, packet));
        if connection.phase == Phase::Revoked {
            connection.phase = Phase::Established;
        }
        connection.state = self.states;
        connection.hear(packet.content, 0);
        connection.prolong(&self.lifetimes, packet, now);
        self.connections.insert(packet.flow, connection);
    }

    /// A packet of who opens or has opened a connection was denied.
    fn revoke(&mut self, packet: &Packet, now: Duration) {
        if let Some(connection) = self.connections.get_mut(&packet.flow)
            && !connection.ends_before(packet.content)
        {
            connection.phase = Phase::Revoked;
            connection.prolong(&self.lifetimes, packet, now);
        }
    }
}

/// The pod that this end is; `None` for nodes, pods on their network, and outside hosts, which all route.
fn pod_with_own_network<'a>(cluster: &Cluster, end: &'a EndpointName) -> Option<&'a ObjectName> {
    let EndpointName::Pod(name) = end else {
        return None;
    };
    let pod = cluster.pods.get(name)?;
    (!pod.host_network).then_some(name)
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

impl Connection {
    fn opened_by(cluster: &Cluster, packet: &Packet) -> Self {
        let ends = [
            (&packet.from, packet.flow.source.0),
            (&packet.to, packet.flow.destination.0),
        ];
        let pods = ends.into_iter().filter_map(|(end, address)| {
            let name = pod_with_own_network(cluster, end)?;
            Some((name.clone(), address))
        });
        Self {
            pods: pods.collect(),
            phase: Phase::Opening,
            silent: [false; 2],
            ends: Duration::ZERO,
            state: 0,
        }
    }

    /// Whether this is over with a packet of its opener, which is the first of the next connection.
    const fn ends_before(&self, content: Content) -> bool {
        let is_over = matches!(self.phase, Phase::Closing | Phase::Closed | Phase::Reset);
        is_over && content.is_opening()
    }

    /// A packet of the opener (0) or of the other side (1) passed.
    fn hear(&mut self, content: Content, side: usize) {
        if content.is_farewell() {
            self.silent[side] = true;
            self.phase = Phase::Closing;
        }
        if content.is_last() || self.silent == [true; 2] {
            self.phase = Phase::Closed;
        }
        if content.is_reset() {
            self.phase = Phase::Reset;
        }
    }

    fn prolong(&mut self, lifetimes: &Lifetimes, packet: &Packet, now: Duration) {
        self.ends = now + lifetimes.of(packet.flow.protocol, self.phase);
    }
}
