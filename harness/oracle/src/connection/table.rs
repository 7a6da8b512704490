//! The connections that one node remembers.

use super::lifetimes::{Lifetimes, Phase};
use super::packet::{Content, Flow, Packet};
use super::tracker::{Halves, PacketJudgement, Standing, pod_with_own_network};
use crate::{Judgement, Side};
use manifest::{Cluster, ObjectName};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A pod at an end of a connection, and where it was then.
#[derive(Clone, PartialEq, Eq, Debug)]
struct PodEnd {
    name: ObjectName,
    address: IpAddr,
    node: String,
}

/// One connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Connection {
    /// The pods with a network of their own at its ends.
    pods: Vec<PodEnd>,
    phase: Phase,
    /// Who has said its last word: the opener, the other.
    silent: [bool; 2],
    /// When it is forgotten, if nothing more comes.
    ends: Duration,
    /// The state of the cluster that it was judged in last.
    state: u64,
    /// Whether the other side has ever answered.
    pub(super) is_answered: bool,
    /// Whether it has its node's address outside the cluster.
    pub(super) is_masqueraded: bool,
}

/// The connections whose packets a node sees.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Table {
    /// By the flow of who opened it.
    pub(super) connections: BTreeMap<Flow, Connection>,
}

/// The moment in which a packet is judged.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) lifetimes: &'a Lifetimes,
    /// Which state of the cluster it is.
    pub(super) state: u64,
    pub(super) now: Duration,
}

/// Which halves of a verdict a node is asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) egress: bool,
    pub(super) ingress: bool,
}

impl Asked {
    /// What this node says, of what both ends say.
    fn of(self, judgement: Judgement) -> Halves {
        let egress = self.egress.then_some(judgement.egress);
        let is_over = matches!(egress, Some(Side::Denied(_)));
        Halves {
            ingress: (self.ingress && !is_over).then_some(judgement.ingress),
            egress,
        }
    }
}

impl Table {
    /// Forgets the connections of pods that are gone or elsewhere.
    pub(super) fn forget_departed(&mut self, cluster: &Cluster) {
        let is_there = |end: &PodEnd| {
            let pod = cluster.pods.get(&end.name);
            pod.is_some_and(|pod| pod.addresses.contains(end.address) && pod.node == end.node)
        };
        self.connections
            .retain(|_, connection| connection.pods.iter().all(is_there));
    }

    /// Forgets the connections that have been silent for too long.
    pub(super) fn forget_silent(&mut self, now: Duration) {
        self.connections
            .retain(|_, connection| connection.ends > now);
    }

    /// How many connections are remembered at that time.
    pub(super) fn count(&self, now: Duration) -> usize {
        let connections = self.connections.values();
        connections
            .filter(|connection| connection.ends > now)
            .count()
    }

    /// Judges a packet and remembers what follows from it. `policies` is what the policies of both ends say; `opened` is
    /// raised when it opens a connection.
    pub(super) fn judge(
        &mut self,
        moment: Moment<'_>,
        packet: &Packet,
        asked: Asked,
        policies: Judgement,
        opened: &mut u64,
    ) -> PacketJudgement {
        if let Some(judgement) = self.judge_answer(moment, packet) {
            return judgement;
        }
        let halves = asked.of(policies);
        let standing = self.standing(moment, packet);
        if halves.is_allowed() {
            self.go_on(moment, packet, opened);
        } else {
            self.revoke(moment, packet);
        }
        PacketJudgement::Judged(halves, standing)
    }

    /// Judges an ICMP error. `routes` says whether its sender may quote what was not sent to it.
    pub(super) fn judge_error(
        &self,
        packet: &Packet,
        about: Flow,
        routes: bool,
    ) -> PacketJudgement {
        let is_to_sender = about.source.0 == packet.flow.destination.0;
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

    fn standing(&self, moment: Moment<'_>, packet: &Packet) -> Standing {
        let known = self.connections.get(&packet.flow);
        let known = known.filter(|connection| !connection.ends_before(packet.content));
        match known {
            None => Standing::New,
            Some(known) if known.phase != Phase::Revoked && known.state == moment.state => {
                Standing::Current
            }
            Some(_) => Standing::Stale,
        }
    }

    /// `None` if the packet answers nothing.
    fn judge_answer(&mut self, moment: Moment<'_>, packet: &Packet) -> Option<PacketJudgement> {
        if packet.content.is_opening() {
            return None;
        }
        let connection = self.connections.get_mut(&packet.flow.reversed())?;
        if connection.phase == Phase::Revoked {
            return Some(PacketJudgement::Revoked);
        }
        connection.is_answered = true;
        if connection.phase == Phase::Opening {
            connection.phase = Phase::Established;
        }
        connection.hear(packet.content, 1);
        connection.prolong(moment, packet);
        Some(PacketJudgement::Answers)
    }

    /// A packet of who opens or has opened a connection was allowed.
    fn go_on(&mut self, moment: Moment<'_>, packet: &Packet, opened: &mut u64) {
        let known = self.connections.remove(&packet.flow);
        let known = known.filter(|connection| !connection.ends_before(packet.content));
        if known.is_none() && packet.content == Content::EchoReply {
            return;
        }
        // What opens against the direction of a connection takes its place.
        self.connections.remove(&packet.flow.reversed());
        *opened += u64::from(known.is_none());
        let mut connection = known.unwrap_or_else(|| Connection::opened_by(moment.cluster, packet));
        if connection.phase == Phase::Revoked {
            connection.phase = Phase::Established;
        }
        connection.state = moment.state;
        connection.hear(packet.content, 0);
        connection.prolong(moment, packet);
        self.connections.insert(packet.flow, connection);
    }

    /// A packet of who opens or has opened a connection was denied.
    fn revoke(&mut self, moment: Moment<'_>, packet: &Packet) {
        if let Some(connection) = self.connections.get_mut(&packet.flow)
            && !connection.ends_before(packet.content)
        {
            connection.phase = Phase::Revoked;
            connection.prolong(moment, packet);
        }
    }
}

impl Connection {
    fn opened_by(cluster: &Cluster, packet: &Packet) -> Self {
        let ends = [
            (&packet.from, packet.flow.source.0),
            (&packet.to, packet.flow.destination.0),
        ];
        let pods = ends.into_iter().filter_map(|(end, address)| {
            let (name, pod) = pod_with_own_network(cluster, end)?;
            Some(PodEnd {
                name: name.clone(),
                address,
                node: pod.node.clone(),
            })
        });
        Self {
            pods: pods.collect(),
            phase: Phase::Opening,
            silent: [false; 2],
            ends: Duration::ZERO,
            state: 0,
            is_answered: false,
            is_masqueraded: false,
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

    fn prolong(&mut self, moment: Moment<'_>, packet: &Packet) {
        let lifetime = moment.lifetimes.of(packet.flow.protocol, self.phase);
        self.ends = moment.now + lifetime;
    }
}
