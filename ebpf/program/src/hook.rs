//! The two hooks of a pod's link.

use crate::conntrack::{self, Known, Step};
use crate::parse::{self, Kind, Network, Payload};
use crate::policy::{self, Passage, Sides};
use crate::scratch::{Scratch, Tuple};
use crate::{Maps, Packet, icmp, limit, neighbour};
use abi::{Address, Disposition, DropReason, Event, Hook, Link, LocalEndpoint};

/// What to do with the packet.
#[must_use]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// Hand it on: to the node's stack, or to the pod.
    Pass,
    /// Deliver it into the pod behind this interface of the node.
    Redirect {
        /// Index of the host-side interface.
        ifindex: u32,
    },
    /// Drop it. The event and the counter are written already.
    Drop(DropReason),
}

/// What a pod sends, seen at the host side of its link.
///
/// The egress half of its policy is asked here, and the ingress half of the destination's if it lives on this node.
#[inline(always)]
pub fn from_endpoint<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::FromEndpoint, ifindex);
    match send(maps, packet, scratch) {
        Ok(action) => action,
        Err(reason) => discard(maps, scratch, reason),
    }
}

/// What the node's stack delivers to a pod: from the node itself, from outside, and answers to the pod.
#[inline(always)]
pub fn to_endpoint<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::ToEndpoint, ifindex);
    match receive(maps, packet, scratch) {
        Ok(()) => Action::Pass,
        Err(reason) => discard(maps, scratch, reason),
    }
}

#[inline(always)]
fn begin<P: Packet>(scratch: &mut Scratch, packet: &P, hook: Hook, ifindex: u32) {
    scratch.tuple = Tuple::default();
    scratch.event = Event {
        ifindex,
        length: packet.length(),
        hook: hook as u8,
        ..Event::default()
    };
}

/// Drops: always with a reason and a counter, and with an event as long as there are not too many.
#[inline(always)]
fn discard<M: Maps>(maps: &M, scratch: &mut Scratch, reason: DropReason) -> Action {
    let by_policy = matches!(
        reason,
        DropReason::PolicyDeniedEgress | DropReason::PolicyDeniedIngress
    );
    scratch.event.reason = reason as u8;
    maps.count(reason);
    if limit::may_report(maps) {
        let disposition = if by_policy {
            Disposition::Denied
        } else {
            Disposition::Dropped
        };
        report(maps, scratch, disposition);
    } else {
        maps.count_suppressed();
    }
    Action::Drop(reason)
}

/// Sends the event about this packet.
#[inline(always)]
fn report<M: Maps>(maps: &M, scratch: &mut Scratch, disposition: Disposition) {
    let Scratch { event, tuple, .. } = scratch;
    event.disposition = disposition as u8;
    event.source = tuple.source;
    event.destination = tuple.destination;
    event.source_port = tuple.source_port;
    event.destination_port = tuple.destination_port;
    event.protocol = tuple.protocol();
    maps.emit(event);
}

#[inline(always)]
fn send<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Action, DropReason> {
    let link = maps
        .link(scratch.event.ifindex)
        .ok_or(DropReason::UnknownEndpoint)?;
    let ethernet = parse::ethernet(packet)?;
    if ethernet.source != link.mac.0 {
        return Err(DropReason::SpoofedMac);
    }
    if ethernet.network == Network::Arp {
        neighbour::arp_from(packet, link)?;
        return Ok(Action::Pass);
    }
    let header = parse::header(packet, ethernet.network, scratch)?;
    let is_true = is_own(&scratch.tuple.source, link);
    let payload = parse::payload(maps, packet, header, scratch);
    let payload = payload.map_err(|reason| spoofed_unless(is_true, reason))?;
    if payload.nature.kind == Kind::Neighbour {
        neighbour::discovery_from(packet, payload, &scratch.tuple.source, link)?;
        return Ok(Action::Pass);
    }
    if !is_true {
        return Err(DropReason::SpoofedSource);
    }
    parse::remember_first(maps, header, scratch)?;
    let local = maps.local(&scratch.tuple.destination);
    let sides = Sides {
        egress: true,
        ingress: local.is_some(),
    };
    admit(maps, packet, payload, sides, scratch)?;
    Ok(deliver(packet, local))
}

/// A false source counts before anything else that is wrong.
#[inline(always)]
const fn spoofed_unless(is_true: bool, reason: DropReason) -> DropReason {
    if is_true {
        reason
    } else {
        DropReason::SpoofedSource
    }
}

#[inline(always)]
fn receive<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let link = maps
        .link(scratch.event.ifindex)
        .ok_or(DropReason::UnknownEndpoint)?;
    let ethernet = parse::ethernet(packet)?;
    if ethernet.network == Network::Arp {
        return Ok(());
    }
    let header = parse::header(packet, ethernet.network, scratch)?;
    // What one local pod sends to another is redirected and never comes through the stack.
    let is_true = maps.local(&scratch.tuple.source).is_none();
    let payload = parse::payload(maps, packet, header, scratch);
    let payload = payload.map_err(|reason| spoofed_unless(is_true, reason))?;
    if !is_true {
        return Err(DropReason::SpoofedSource);
    }
    if payload.nature.kind == Kind::Neighbour {
        return Ok(());
    }
    if !is_own(&scratch.tuple.destination, link) {
        return Err(DropReason::WrongDestination);
    }
    parse::remember_first(maps, header, scratch)?;
    let sides = Sides {
        egress: false,
        ingress: true,
    };
    admit(maps, packet, payload, sides, scratch)
}

/// Conntrack first, then the policies.
#[inline(always)]
fn admit<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    payload: Payload,
    sides: Sides,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let generation = maps.generation();
    scratch.event.generation = generation;
    if payload.nature.kind == Kind::IcmpError {
        return icmp::related(maps, packet, payload, sides.egress, scratch);
    }
    let step = Step::of(&scratch.tuple, payload.nature, &mut scratch.key);
    let known = conntrack::track(maps, &scratch.key, step, generation)?;
    if known == Known::Passes {
        return Ok(());
    }
    scratch.event.occasion = known.occasion() as u8;
    let verdict = policy::judge(maps, &scratch.tuple, sides, &mut scratch.event);
    remember(maps, known, step, verdict.is_ok(), scratch)?;
    let disposition = match verdict? {
        Passage::Allowed => Disposition::Allowed,
        Passage::Audited => Disposition::Audited,
    };
    report(maps, scratch, disposition);
    Ok(())
}

/// Writes a fresh verdict into the connection table. A denied new packet leaves no entry, nor does an echo reply that
/// nobody asked for: what it opened, a request could pass as its answer.
#[inline(always)]
fn remember<M: Maps>(
    maps: &M,
    known: Known,
    step: Step,
    allowed: bool,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let generation = scratch.event.generation;
    if known == Known::Stale {
        conntrack::rejudged(maps, &scratch.key, step, generation, allowed);
        return Ok(());
    }
    if !allowed || step.is_echo_reply() {
        return Ok(());
    }
    let Scratch {
        key, connection, ..
    } = scratch;
    conntrack::open(maps, key, step, generation, connection)
}

/// Into the destination pod if it is local, else to the node's stack.
#[inline(always)]
fn deliver<P: Packet>(packet: &mut P, local: Option<&LocalEndpoint>) -> Action {
    let Some(local) = local else {
        return Action::Pass;
    };
    packet.set_ethernet_addresses(local.mac.0, local.gateway_mac.0);
    Action::Redirect {
        ifindex: local.ifindex,
    }
}

#[inline(always)]
fn is_own(address: &Address, link: &Link) -> bool {
    let own = if address.is_v4() { &link.v4 } else { &link.v6 };
    address == own && *own != Address::NONE
}
