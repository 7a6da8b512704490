//! What became of a packet.

use super::evidence::Judge;
use abi::{Disposition, DropReason, Event, Generation};
use manifest::EndpointName;
use oracle::Side;
use std::collections::BTreeSet;

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
    /// Whether another driver says the same: where it arrived, why it was dropped, and what both sides said if both
    /// tell. What comes back to the sender is the gateway's answer, and a stack answers when it is ready to.
    #[must_use]
    pub fn is_like(&self, other: &Self, sender: &EndpointName) -> bool {
        let is_same_decision = match (self.decision(), other.decision()) {
            (Some(one), Some(other)) => one.egress == other.egress && one.ingress == other.ingress,
            _ => true,
        };
        self.places(sender) == other.places(sender)
            && self.reason() == other.reason()
            && is_same_decision
    }

    fn places(&self, sender: &EndpointName) -> BTreeSet<&EndpointName> {
        let places = self.arrivals.iter().map(|arrival| &arrival.at);
        places.filter(|at| *at != sender).collect()
    }

    /// The event that says what the policies said; `None` if they were not asked.
    #[must_use]
    pub fn decision(&self) -> Option<&PacketEvent> {
        let mut events = self.events.iter();
        events.find(|event| event.disposition != Disposition::Dropped)
    }

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
