//! From what was seen of a probe to its outcome.

use super::journal::Readers;
use super::{Fate, Outcome, PacketEvent, Verdict};
use abi::{Disposition, DropReason, Event, Generation, PolicyAction};
use oracle::Side;
use policy::Provenance;
use std::net::{IpAddr, SocketAddr};

/// What came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// A service answered.
    Accepted,
    /// Somebody is there, and nobody listens: a reset, an abort, or an ICMP error.
    Refused,
}

/// An event, and the number of the node that reported it.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeEvent {
    pub(super) node: u32,
    pub(super) event: Event,
}

/// What was seen of a probe.
#[derive(Clone, Debug, Default)]
pub(super) struct Finding {
    /// The answer that reached who asked.
    pub(super) answer: Option<Answer>,
    /// The events about its first packet, at most one a node.
    pub(super) events: Vec<NodeEvent>,
    /// The source address with which an outside host got it.
    pub(super) seen_from: Option<IpAddr>,
    /// Who may answer it, if it is to a service.
    pub(super) answering: Vec<SocketAddr>,
    /// Who asks.
    pub(super) source: Option<IpAddr>,
}

/// Knows who stands behind the numbers in events.
pub(super) struct Judge<'a> {
    pub(super) readers: Readers<'a>,
    /// The generation in force.
    pub(super) generation: Generation,
}

impl Judge<'_> {
    /// What became of a probe. `is_judged` tells whether the datapath has a say, because the packet crosses a pod's
    /// link or concerns a node with host policies: without an event about such a packet, no side has said anything.
    pub(super) fn outcome(&self, finding: &Finding, is_judged: bool) -> Outcome {
        let fate = Fate {
            events: self.packet_events(&finding.events),
            arrivals: Vec::new(),
        };
        let (egress, ingress) = match fate.events.as_slice() {
            [] if !is_judged => (Some(Side::NotIsolated), Some(Side::NotIsolated)),
            _ => (fate.egress().cloned(), fate.ingress().cloned()),
        };
        Outcome {
            verdict: verdict(finding),
            egress,
            ingress,
            reason: fate.reason(),
            seen_from: finding
                .seen_from
                .filter(|_| finding.answer == Some(Answer::Accepted)),
            backend: backend(finding),
            generation: fate
                .events
                .last()
                .map_or(self.generation, |event| event.generation),
        }
    }

    /// Events in the words of the API, without those that are none of ours.
    pub(super) fn packet_events(&self, events: &[NodeEvent]) -> Vec<PacketEvent> {
        let events = events.iter();
        events
            .filter_map(|NodeEvent { node, event }| {
                let (egress, ingress) = self.sides(*node, event);
                Some(PacketEvent {
                    disposition: Disposition::from_number(event.disposition)?,
                    reason: DropReason::from_number(event.reason),
                    egress,
                    ingress,
                    generation: event.generation,
                })
            })
            .collect()
    }

    /// What both ends said, as far as this node asked them.
    fn sides(&self, node: u32, event: &Event) -> (Option<Side>, Option<Side>) {
        if event.disposition == Disposition::Dropped as u8 {
            return (None, None);
        }
        let Some(reader) = self.readers.get(&node) else {
            return (None, None);
        };
        let said = |half| side(reader.planner.provenance(half));
        (said(event.egress), said(event.ingress))
    }
}

/// Whom a service chose: where the packet went, if that is not where it was sent, or to who may answer. What is answered
/// and was never under way was answered by who asks.
fn backend(finding: &Finding) -> Option<SocketAddr> {
    if finding.events.is_empty() && finding.answer == Some(Answer::Accepted) {
        let mut answering = finding.answering.iter().copied();
        return answering.find(|end| Some(end.ip()) == finding.source);
    }
    let mut events = finding.events.iter().map(|seen| &seen.event);
    events.find_map(|event| {
        let end = abi::End::new(event.destination, event.destination_port);
        let went_to = SocketAddr::new(end.address.to_ip(), end.port.number());
        let is_translated = event.frontend != abi::End::NONE && event.frontend != end;
        (is_translated || finding.answering.contains(&went_to)).then_some(went_to)
    })
}

/// What one half of an event says in the API's words; `None` if it was not asked, or its table is no longer known.
fn side(provenance: Provenance) -> Option<Side> {
    let verdict = match provenance.into() {
        flow::Side::NoPolicy => return Some(Side::NotIsolated),
        flow::Side::NotAsked | flow::Side::Forgotten => return None,
        flow::Side::Decided(verdict) => verdict,
    };
    Some(match verdict.action {
        PolicyAction::Allow => Side::Allowed(verdict.policies),
        PolicyAction::Deny => Side::Denied(verdict.policies),
        PolicyAction::Audit => Side::Audited(verdict.policies),
    })
}

fn verdict(finding: &Finding) -> Verdict {
    let is = |disposition| {
        let mut events = finding.events.iter();
        events.any(|seen| seen.event.disposition == disposition as u8)
    };
    match finding.answer {
        Some(Answer::Accepted) if is(Disposition::Audited) => Verdict::Audited,
        Some(Answer::Accepted) => Verdict::Allowed,
        Some(Answer::Refused) => Verdict::Refused,
        None if is(Disposition::Denied) => Verdict::Denied,
        None if is(Disposition::Dropped) => Verdict::Dropped,
        None => Verdict::Lost,
    }
}
