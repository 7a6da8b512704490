//! Puts what the datapath said to the packets it said it of.

use super::Sighting;
use super::wire::{self, Tuple};
use abi::Disposition;
use flow::capture::{Captured, PacketFate};
use flow::{Flow, Side};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;

/// A frame at an end's interface.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The end, as it is named in a lab.
    pub(super) at: String,
    pub(super) time: Timestamp,
    pub(super) is_inbound: bool,
    /// Whether the next one was sent only when all was known of it, so that whatever is said is said of it.
    pub(super) is_alone: bool,
    pub(super) on: Way,
    pub(super) frame: Vec<u8>,
}

/// What kind of way a frame was seen on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Between an end and its node; it crosses a link that the datapath guards.
    Guarded,
    /// Between an end and its node, and not for the datapath to judge.
    Open,
    /// From node to node.
    BetweenNodes,
}

/// How much later than an event its packet may seem to have been sent: two clocks are read.
const LATE: SignedDuration = SignedDuration::from_micros(3);

/// Numbers packets and says what became of them.
#[derive(Debug, Default)]
pub(super) struct Labeller {
    /// How many frames had a number.
    numbered: u64,
}

impl Labeller {
    /// The packets of these frames, in the order in which they were seen.
    ///
    /// An event is about the packet of its tuple that was sent last before it and that its hook has said nothing of: a
    /// sender's next packet of the same connection waits for an answer. If no packet has the tuple, it is about bytes that are none, and those are sent
    /// alone. What arrives was passed, and is the packet that was sent, hop limit aside.
    pub(super) fn label(&mut self, mut seen: Vec<Seen>, sightings: &[Sighting]) -> Vec<Captured> {
        seen.sort_by_key(|seen| seen.time);
        let flows = of_packets(&seen, sightings);
        let mut sent: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut packets = Vec::with_capacity(seen.len());
        for (place, seen) in seen.into_iter().enumerate() {
            self.numbered += 1;
            let content = wire::without_what_changes(&seen.frame);
            let is_under_way = seen.is_inbound || seen.on == Way::BetweenNodes;
            let packet = match sent.get(&content) {
                Some(packet) if is_under_way => *packet,
                _ => self.numbered,
            };
            if !seen.is_inbound {
                sent.insert(content, packet);
            }
            let flows = flows.get(&place).map_or(&[][..], Vec::as_slice);
            packets.push(captured(seen, packet, flows));
        }
        packets
    }
}

fn captured(seen: Seen, packet: u64, flows: &[&Flow]) -> Captured {
    let unsaid = match seen.on {
        Way::Guarded => PacketFate::Passed,
        Way::Open | Way::BetweenNodes => PacketFate::Unseen,
    };
    Captured {
        interface: seen.at,
        time: seen.time,
        is_inbound: seen.is_inbound,
        packet,
        frame: seen.frame,
        fate: fate(flows).unwrap_or(unsaid),
        comment: flows
            .iter()
            .copied()
            .map(comment)
            .collect::<Vec<_>>()
            .join(" | "),
    }
}

/// The flows of each packet, one from each hook that it met, by the place of the frame that was sent.
fn of_packets<'a>(seen: &[Seen], sightings: &'a [Sighting]) -> HashMap<usize, Vec<&'a Flow>> {
    let mut alone = Vec::new();
    let mut of_tuple: HashMap<Tuple, Vec<usize>> = HashMap::new();
    let sent = |(_, seen): &(usize, &Seen)| !seen.is_inbound && seen.on != Way::BetweenNodes;
    for (place, seen) in seen.iter().enumerate().filter(sent) {
        if let Some(tuple) = wire::tuple(&seen.frame) {
            of_tuple.entry(tuple).or_default().push(place);
        }
        if seen.is_alone {
            alone.push(place);
        }
    }
    let mut flows: HashMap<usize, Vec<&Flow>> = HashMap::new();
    for Sighting { flow, .. } in sightings {
        let last_of = |places: &[usize]| {
            let is_known = |place: &&usize| {
                let mut known = flows.get(*place).into_iter().flatten();
                known.any(|known| known.hook == flow.hook)
            };
            let new = places.iter().filter(|place| !is_known(place));
            let mut before = new.filter(|place| was_sent_before(&seen[**place], flow));
            before.next_back().copied()
        };
        let like_it = of_tuple.get(&tuple_of(flow)).map_or(&[][..], Vec::as_slice);
        if let Some(place) = last_of(like_it).or_else(|| last_of(&alone)) {
            flows.entry(place).or_default().push(flow);
        }
    }
    flows
}

fn was_sent_before(seen: &Seen, flow: &Flow) -> bool {
    seen.time.duration_since(flow.time) <= LATE
}

fn tuple_of(flow: &Flow) -> Tuple {
    let ports = flow.source.port.zip(flow.destination.port);
    Tuple {
        source: flow.source.address,
        destination: flow.destination.address,
        protocol: flow.protocol,
        ports: ports.filter(|ports| *ports != (0, 0)),
    }
}

/// What became of a packet that flows tell of; one drop is enough.
fn fate(flows: &[&Flow]) -> Option<PacketFate> {
    let is_dropped =
        |flow: &&Flow| matches!(flow.disposition, Disposition::Denied | Disposition::Dropped);
    match flows {
        [] => None,
        flows if flows.iter().any(is_dropped) => Some(PacketFate::Dropped),
        _ => Some(PacketFate::Passed),
    }
}

fn comment(flow: &Flow) -> String {
    let reason = flow
        .reason
        .map_or_else(String::new, |reason| format!(" ({reason})"));
    let Flow {
        disposition,
        egress,
        ingress,
        generation,
        ..
    } = flow;
    if *disposition == Disposition::Dropped {
        return format!("{disposition}{reason}");
    }
    let sides = [("egress", egress), ("ingress", ingress)].into_iter();
    let asked = sides.filter(|(_, side)| **side != Side::NotAsked);
    let said: Vec<String> = asked
        .map(|(name, side)| format!("; {name}: {side}"))
        .collect();
    let said = said.concat();
    format!("{disposition}{reason}{said}; generation {generation}")
}
