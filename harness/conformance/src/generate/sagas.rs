//! Long stories: packets, changes and time, one after the other.

use super::changes::{Change, change, policy_change};
use super::probes::{Other, other, pods};
use super::topology::clusters;
use super::{choose, one_of};
use crate::packet::{Complaint, IcmpError, Message, Packet, Ports};
use manifest::{Cluster, EndpointName, Protocol};
use oracle::connection::SctpChunk;
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::IpAddr;
use std::time::Duration;

/// A cluster and what happens in it.
#[derive(Clone, Debug)]
pub struct Saga {
    /// How it begins.
    pub cluster: Cluster,
    /// What happens, in this order.
    pub acts: Vec<Act>,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The cluster becomes this one: one change away from what it was.
    Change(Box<Cluster>),
    /// Time passes.
    Pass(Duration),
    /// A packet is sent. At least one end is a pod on the pod network.
    Send(Box<Packet>),
}

/// Sagas of so many acts at most, about a few connections: so packets meet what those before them left.
pub fn sagas(acts: usize) -> BoxedStrategy<Saga> {
    (vec(sketch(), 1..=acts), vec(flow(), 1..=4), clusters())
        .prop_map(|(sketches, flows, cluster)| {
            let flows: Vec<_> = flows
                .iter()
                .filter_map(|flow| flow.among(&cluster))
                .collect();
            let mut current = cluster.clone();
            let acts = sketches.into_iter();
            let acts = acts.filter_map(|sketch| sketch.act(&mut current, &flows));
            Saga {
                acts: acts.collect(),
                cluster,
            }
        })
        .boxed()
}

/// An act before it knows the cluster.
#[derive(Clone, Debug)]
enum Sketch {
    Change(Change),
    Pass(Duration),
    Send(PacketSketch),
}

fn sketch() -> BoxedStrategy<Sketch> {
    prop_oneof![
        16 => packet().prop_map(Sketch::Send),
        2 => times().prop_map(Sketch::Pass),
        1 => change().prop_map(Sketch::Change),
        2 => policy_change().prop_map(Sketch::Change),
    ]
    .boxed()
}

impl Sketch {
    fn act(self, cluster: &mut Cluster, flows: &[FlowBetween]) -> Option<Act> {
        match self {
            Self::Change(change) => {
                *cluster = change.apply(cluster.clone());
                Some(Act::Change(Box::new(cluster.clone())))
            }
            Self::Pass(time) => Some(Act::Pass(time)),
            Self::Send(packet) => {
                let packet = packet.about(cluster, flows)?;
                Some(Act::Send(Box::new(packet)))
            }
        }
    }
}

/// Sums of multiples of 11 seconds come near no time-out: what really passes meanwhile changes nothing.
fn times() -> BoxedStrategy<Duration> {
    const STEP: u64 = 11;
    let steps = prop_oneof![8 => 1..=6u64, 3 => 7..=25u64, 1 => 700..=760u64];
    steps
        .prop_map(|steps| Duration::from_secs(steps * STEP))
        .boxed()
}

/// A connection before it knows the cluster.
#[derive(Clone, Debug)]
struct FlowSketch {
    protocol: Protocol,
    pod: usize,
    other: Other,
    is_to_pod: bool,
    family: usize,
    ports: Ports,
}

/// Few ports, which are also each other's opposites: so connections cross.
const PORTS: &[Ports] = &[
    Ports {
        source: 40_000,
        destination: 80,
    },
    Ports {
        source: 40_000,
        destination: 80,
    },
    Ports {
        source: 80,
        destination: 40_000,
    },
    Ports {
        source: 40_000,
        destination: 53,
    },
];

fn flow() -> BoxedStrategy<FlowSketch> {
    const PROTOCOLS: &[Protocol] = &[
        Protocol::Tcp,
        Protocol::Tcp,
        Protocol::Sctp,
        Protocol::Udp,
        Protocol::Icmp,
    ];
    let flow = (
        one_of(PROTOCOLS),
        0..8usize,
        other(),
        any::<bool>(),
        0..2usize,
        one_of(PORTS),
    );
    flow.prop_map(
        |(protocol, pod, other, is_to_pod, family, ports)| FlowSketch {
            protocol,
            pod,
            other,
            is_to_pod,
            family,
            ports,
        },
    )
    .boxed()
}

/// A connection, opened or not, from the first end to the second.
#[derive(Clone, Debug)]
struct FlowBetween {
    protocol: Protocol,
    ends: [End; 2],
    ports: Ports,
}

impl FlowSketch {
    /// The connection between ends of this cluster.
    fn among(&self, cluster: &Cluster) -> Option<FlowBetween> {
        let pod = choose(pods(cluster), self.pod)?;
        let own: Vec<_> = cluster.addresses(&pod)?.iter().collect();
        let own = choose(own, self.family)?;
        let other = end(cluster, self.other.among(cluster)?, own)?;
        let ends = if self.is_to_pod {
            [other, (pod, own)]
        } else {
            [(pod, own), other]
        };
        (ends[0].1 != ends[1].1).then_some(FlowBetween {
            protocol: self.protocol,
            ends,
            ports: self.ports,
        })
    }
}

/// A packet of a connection before it knows which.
#[derive(Clone, Debug)]
struct PacketSketch {
    flow: usize,
    is_answer: bool,
    /// Which of the packets of its protocol.
    what: usize,
    complaint: Option<ComplaintSketch>,
}

/// An ICMP error about such a packet instead, from who got it or from somebody.
#[derive(Clone, Debug)]
struct ComplaintSketch {
    error: IcmpError,
    from: Option<Other>,
}

fn packet() -> BoxedStrategy<PacketSketch> {
    let from = proptest::option::of(other());
    let complaint = (one_of(&IcmpError::ALL), from);
    let complaint = complaint.prop_map(|(error, from)| ComplaintSketch { error, from });
    let complaint = proptest::option::weighted(0.1, complaint);
    (0..4usize, any::<bool>(), 0..WHATS, complaint)
        .prop_map(|(flow, is_answer, what, complaint)| PacketSketch {
            flow,
            is_answer,
            what,
            complaint,
        })
        .boxed()
}

/// Divisible by how many packets each protocol has.
const WHATS: usize = 72;
const FLAGS: &[&str] = &[
    "SYN", "SYN", "SYN/ACK", "ACK", "PSH/ACK", "FIN/ACK", "RST", "none", "SYN/FIN",
];
const CHUNKS: &[SctpChunk] = &[
    SctpChunk::Init,
    SctpChunk::InitAck,
    SctpChunk::Data,
    SctpChunk::Data,
    SctpChunk::Abort,
    SctpChunk::Shutdown,
    SctpChunk::ShutdownAck,
    SctpChunk::ShutdownComplete,
];

impl PacketSketch {
    /// The packet in this cluster; none where nobody has one of the addresses now.
    fn about(&self, cluster: &Cluster, flows: &[FlowBetween]) -> Option<Packet> {
        let flow = choose(flows, self.flow)?;
        let mut ends = flow.ends.clone();
        let mut ports = flow.ports;
        if self.is_answer {
            ends.reverse();
            std::mem::swap(&mut ports.source, &mut ports.destination);
        }
        let [from, to] = ends.map(|end| whoever_has(cluster, end));
        let (from, to) = from.zip(to)?;
        let message = self.message(flow, ports)?;
        let packet = Packet::new(from, to, message);
        match &self.complaint {
            Some(sketch) => sketch.about(cluster, &packet),
            None => crosses_a_link(cluster, &packet).then_some(packet),
        }
    }

    fn message(&self, flow: &FlowBetween, ports: Ports) -> Option<Message> {
        Some(match flow.protocol {
            Protocol::Tcp => Message::Tcp(ports, choose(FLAGS, self.what)?.parse().ok()?),
            Protocol::Sctp => Message::Sctp(ports, *choose(CHUNKS, self.what)?),
            Protocol::Udp => Message::Udp(ports),
            // The answer to a request and the request of an answerer, one time in four.
            Protocol::Icmp if (self.what % 4 == 3) == self.is_answer => {
                Message::EchoRequest(flow.ports.source)
            }
            Protocol::Icmp => Message::EchoReply(flow.ports.source),
        })
    }
}

impl ComplaintSketch {
    /// The error about this packet: who got it complains, or somebody.
    fn about(&self, cluster: &Cluster, packet: &Packet) -> Option<Packet> {
        const ETHERTYPE: usize = 2;
        const QUOTED: usize = 64;
        let from = match &self.from {
            Some(other) => end(cluster, other.among(cluster)?, packet.source)?,
            None => (packet.to.clone(), packet.destination),
        };
        let frame = packet.to_frame().ok()?;
        let network = frame.bytes().iter().skip(ETHERTYPE);
        let complaint = Complaint {
            error: self.error,
            quoted: network.take(QUOTED).copied().collect(),
            about: Some(packet.flow()),
            quotation: Some(Box::new(packet.clone())),
        };
        let to = (packet.from.clone(), packet.source);
        let complaint = Packet::new(from, to, Message::Error(complaint));
        crosses_a_link(cluster, &complaint).then_some(complaint)
    }
}

/// An end and its address.
type End = (EndpointName, IpAddr);

/// This end at its address of the other's family.
fn end(cluster: &Cluster, name: EndpointName, other: IpAddr) -> Option<End> {
    let mut addresses = cluster.addresses(&name)?.iter();
    let address = addresses.find(|address| address.is_ipv4() == other.is_ipv4())?;
    Some((name, address))
}

/// This end, or who has its address now.
fn whoever_has(cluster: &Cluster, (name, address): End) -> Option<End> {
    let has = |name: &EndpointName| {
        let addresses = cluster.addresses(name);
        addresses.is_some_and(|addresses| addresses.contains(address))
    };
    let mut names = std::iter::once(name).chain(pods(cluster));
    names.find(has).map(|name| (name, address))
}

/// Whether a packet leaves its sender's place and passes a pod's link: otherwise it is nobody's business.
fn crosses_a_link(cluster: &Cluster, packet: &Packet) -> bool {
    let pods = pods(cluster);
    let is_pod = |name: &EndpointName| pods.contains(name);
    packet.source != packet.destination && (is_pod(&packet.from) || is_pod(&packet.to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::IpBlockMode;
    use oracle::connection::{PacketJudgement, Tracker};
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;

    const SAGAS: usize = 400;
    const ACTS: usize = 60;

    /// How often each thing happens to connections in a fixed sequence of sagas.
    fn census() -> BTreeMap<String, usize> {
        let mut runner = TestRunner::deterministic();
        let sagas = sagas(ACTS);
        let mut census = BTreeMap::new();
        for _ in 0..SAGAS {
            let saga = sagas.new_tree(&mut runner).unwrap().current();
            for happening in happenings(saga) {
                *census.entry(happening).or_default() += 1;
            }
        }
        census
    }

    fn happenings(saga: Saga) -> Vec<String> {
        let mut tracker = Tracker::default();
        let mut cluster = saga.cluster;
        let mut now = Duration::ZERO;
        let mut happenings = Vec::new();
        for act in saga.acts {
            let before = tracker.connection_count(now);
            match act {
                Act::Change(after) => {
                    cluster = *after;
                    tracker.follow(&cluster);
                }
                Act::Pass(time) => now += time,
                Act::Send(packet) => {
                    let meaning = packet.to_frame().unwrap().meaning().cloned().unwrap();
                    let judgement = tracker
                        .judge(&cluster, IpBlockMode::Any, now, &meaning)
                        .unwrap();
                    let after = tracker.connection_count(now);
                    happenings.push(said(&judgement, after > before, meaning.flow.protocol));
                    continue;
                }
            }
            if tracker.connection_count(now) < before {
                happenings.push("connections end".to_owned());
            }
        }
        happenings
    }

    fn said(judgement: &PacketJudgement, is_new: bool, protocol: Protocol) -> String {
        let what = match judgement {
            PacketJudgement::Judged(judgement) if !judgement.is_allowed() => "is denied",
            PacketJudgement::Judged(_) if is_new => "opens",
            PacketJudgement::Judged(_) => "goes on",
            PacketJudgement::Answers => "answers",
            PacketJudgement::Revoked => "is revoked",
            PacketJudgement::Related => "is related",
            PacketJudgement::Unrelated => "is unrelated",
        };
        format!("{protocol} {what}")
    }

    #[test]
    fn everything_happens_to_connections() {
        let census = census();
        let mut wanted = vec![
            ("connections end".to_owned(), SAGAS / 4),
            ("ICMP is related".to_owned(), SAGAS / 4),
            ("ICMP is unrelated".to_owned(), SAGAS / 4),
        ];
        for protocol in Protocol::ALL {
            for what in ["opens", "goes on", "answers", "is denied"] {
                wanted.push((format!("{protocol} {what}"), SAGAS / 4));
            }
            wanted.push((format!("{protocol} is revoked"), 1));
        }
        for (happening, least) in wanted {
            let count = census.get(&happening).copied().unwrap_or(0);
            assert!(count >= least, "{happening}: {count} of {census:#?}");
        }
    }
}
