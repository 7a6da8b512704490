//! Connections between few ends over few ports, and packets that belong to them, in any order.

use super::probes::{Other, other, pods};
use super::{choose, one_of};
use crate::packet::{Complaint, IcmpError, Message, Packet, Ports};
use manifest::{Cluster, EndpointName, Protocol};
use oracle::connection::SctpChunk;
use proptest::option;
use proptest::prelude::*;
use std::net::IpAddr;

/// A connection before it knows the cluster.
#[derive(Clone, Debug)]
pub(super) struct FlowSketch {
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

/// A connection for any cluster.
pub(super) fn flow() -> BoxedStrategy<FlowSketch> {
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
pub(super) struct FlowBetween {
    protocol: Protocol,
    ends: [End; 2],
    ports: Ports,
}

impl FlowSketch {
    /// The connection between ends of this cluster.
    pub(super) fn among(&self, cluster: &Cluster) -> Option<FlowBetween> {
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
pub(super) struct PacketSketch {
    flow: usize,
    is_answer: bool,
    /// Which of the packets of its protocol.
    what: usize,
    complaint: Option<ComplaintSketch>,
}

/// An ICMP error about such a packet instead: from who got it to who sent it, or from and to somebody.
#[derive(Clone, Debug)]
struct ComplaintSketch {
    error: IcmpError,
    from: Option<Other>,
    to: Option<Other>,
}

/// A packet of any connection.
pub(super) fn packet() -> BoxedStrategy<PacketSketch> {
    let (from, to) = (option::of(other()), option::weighted(0.2, other()));
    let complaint = (one_of(&IcmpError::ALL), from, to);
    let complaint = complaint.prop_map(|(error, from, to)| ComplaintSketch { error, from, to });
    let complaint = option::weighted(0.1, complaint);
    (0..3usize, any::<bool>(), 0..WHATS, complaint)
        .prop_map(|(flow, is_answer, what, complaint)| PacketSketch {
            flow,
            is_answer,
            what,
            complaint,
        })
        .boxed()
}

/// Divisible by how many packets each protocol has.
pub(super) const WHATS: usize = 72;
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
    /// A packet of one of three connections: which of those of its protocol, below [`WHATS`].
    pub(super) const fn plain(flow: usize, is_answer: bool, what: usize) -> Self {
        Self {
            flow,
            is_answer,
            what,
            complaint: None,
        }
    }

    /// The packet in this cluster; none where nobody has one of the addresses now.
    pub(super) fn about(&self, cluster: &Cluster, flows: &[FlowBetween]) -> Option<Packet> {
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
    /// The error about this packet.
    fn about(&self, cluster: &Cluster, packet: &Packet) -> Option<Packet> {
        const ETHERTYPE: usize = 2;
        const QUOTED: usize = 64;
        let somebody = |other: &Other| end(cluster, other.among(cluster)?, packet.source);
        let from = match &self.from {
            Some(other) => somebody(other)?,
            None => (packet.to.clone(), packet.destination),
        };
        let to = match &self.to {
            Some(other) => somebody(other)?,
            None => (packet.from.clone(), packet.source),
        };
        let frame = packet.to_frame().ok()?;
        let network = frame.bytes().iter().skip(ETHERTYPE);
        let complaint = Complaint {
            error: self.error,
            quoted: network.take(QUOTED).copied().collect(),
            about: Some(packet.flow()),
            quotation: Some(Box::new(packet.clone())),
        };
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
