//! What became of a packet.

use super::wire;
use abi::{Disposition, DropReason, Generation};
use manifest::EndpointName;
use oracle::Side;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What became of a packet: what the datapath said, and where it arrived.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fate {
    /// The datapath's events while it was under way, oldest first: of each node that it crosses.
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
    /// What the source's egress policy said; `None` if this node did not ask it.
    pub egress: Option<Side>,
    /// What the destination's ingress policy said; `None` if this node did not ask it.
    pub ingress: Option<Side>,
    /// The generation of the tables that judged it; zero for the oracle.
    pub generation: Generation,
}

/// A frame at an end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// Who got it. A pod on its node's network is that node.
    pub at: EndpointName,
    /// The source address of its IP packet, which is not the sender's where pods are masqueraded.
    pub source: Option<IpAddr>,
    /// The frame as it arrived; the oracle knows only what was sent.
    pub frame: Vec<u8>,
}

impl Arrival {
    /// Of this frame.
    pub(super) fn new(at: EndpointName, frame: Vec<u8>) -> Self {
        Self {
            at,
            source: wire::tuple(&frame).map(|tuple| tuple.source),
            frame,
        }
    }

    /// Whom an outside host sees.
    fn seen_from(&self) -> Option<IpAddr> {
        let is_outside = matches!(self.at, EndpointName::External(_));
        self.source.filter(|_| is_outside)
    }
}

impl Fate {
    /// Whether another driver says the same: where it arrived, with which source outside, why it was dropped, and what each side said if both
    /// tell. What comes back to the sender is the gateway's answer, and a stack answers when it is ready to.
    #[must_use]
    pub fn is_like(&self, other: &Self, sender: &EndpointName) -> bool {
        let agree = |one: Option<&Side>, other: Option<&Side>| {
            one.is_none() || other.is_none() || one == other
        };
        self.places(sender) == other.places(sender)
            && self.reason() == other.reason()
            && agree(self.asked(egress), other.asked(egress))
            && agree(self.asked(ingress), other.asked(ingress))
    }

    /// Whether it arrived nowhere and nobody has dropped it.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.arrivals.is_empty() && self.reason().is_none()
    }

    /// What the source's egress policies said; `None` if no policies were asked.
    #[must_use]
    pub fn egress(&self) -> Option<&Side> {
        let is_said = self.decision().is_some();
        self.asked(egress).or(is_said.then_some(&Side::NotIsolated))
    }

    /// What the destination's ingress policies said; `None` if no policies were asked, or the source has denied it.
    #[must_use]
    pub fn ingress(&self) -> Option<&Side> {
        let is_over = matches!(self.egress(), None | Some(Side::Denied(_)));
        self.asked(ingress)
            .or((!is_over).then_some(&Side::NotIsolated))
    }

    /// What one side said where it was asked. An end without a datapath isolates nothing.
    fn asked(&self, side: impl Fn(&PacketEvent) -> Option<&Side>) -> Option<&Side> {
        self.events.iter().find_map(side)
    }

    fn places(&self, sender: &EndpointName) -> BTreeSet<(&EndpointName, Option<IpAddr>)> {
        let arrivals = self.arrivals.iter();
        let elsewhere = arrivals.filter(|arrival| arrival.at != *sender);
        elsewhere
            .map(|arrival| (&arrival.at, arrival.seen_from()))
            .collect()
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

const fn egress(event: &PacketEvent) -> Option<&Side> {
    event.egress.as_ref()
}

const fn ingress(event: &PacketEvent) -> Option<&Side> {
    event.ingress.as_ref()
}
