//! What became of a packet.

use super::evidence::Judge;
use abi::{Disposition, DropReason, Event, Generation};
use manifest::EndpointName;
use oracle::Side;

/// What became of a packet: what the datapath said, and where it arrived.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fate {
    /// The datapath's events while it was under way, oldest first.
    pub events: Vec<PacketEvent>,
    /// Where it arrived. Most packets arrive once or not at all; an answer to a neighbour's question arrives too.
    pub arrivals: Vec<Arrival>,
}

/// An event of the datapath about a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PacketEvent {
    /// Whether it passed, was denied or was dropped.
    pub disposition: Disposition,
    /// Why it was dropped; `None` if it passed.
    pub reason: Option<DropReason>,
    /// What the source's egress policy said; `None` if it was not asked.
    pub egress: Option<Side>,
    /// What the destination's ingress policy said; `None` if it was not asked.
    pub ingress: Option<Side>,
    /// The generation of the tables that judged it; zero for the oracle.
    pub generation: Generation,
}

/// A frame at an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Who got it. A pod on its node's network is that node.
    pub at: EndpointName,
    /// The frame as it arrived; the oracle knows only what was sent.
    pub frame: Vec<u8>,
}

impl Fate {
    /// Why it was dropped; `None` if no event says so.
    #[must_use]
    pub fn reason(&self) -> Option<DropReason> {
        self.events.iter().find_map(|event| event.reason)
    }
}

impl PacketEvent {
    /// An event in the words of the API; `None` if it is none of ours.
    pub(super) fn of(judge: &Judge<'_>, event: &Event) -> Option<Self> {
        let (egress, ingress) = judge.sides(event);
        Some(Self {
            disposition: Disposition::from_number(event.disposition)?,
            reason: DropReason::from_number(event.reason),
            egress,
            ingress,
            generation: event.generation,
        })
    }
}
