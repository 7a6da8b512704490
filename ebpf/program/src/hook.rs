//! The two hooks of a pod's link.

use crate::conntrack::{self, Flow, Known};
use crate::parse::{self, Datagram, Header, Kind, Network};
use crate::policy::{self, Ruling, Sides};
use crate::{Maps, Packet, icmp, neighbour};
use abi::{Disposition, DropReason, Event, Hook, Link, LocalEndpoint};

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
pub fn from_endpoint<M: Maps, P: Packet>(maps: &M, packet: &mut P, ifindex: u32) -> Action {
    let mut event = begin(packet, Hook::FromEndpoint, ifindex);
    match send(maps, packet, ifindex, &mut event) {
        Ok(action) => action,
        Err(reason) => discard(maps, event, reason),
    }
}

/// What the node's stack delivers to a pod: from the node itself, from outside, and answers to the pod.
#[inline(always)]
pub fn to_endpoint<M: Maps, P: Packet>(maps: &M, packet: &mut P, ifindex: u32) -> Action {
    let mut event = begin(packet, Hook::ToEndpoint, ifindex);
    match receive(maps, packet, ifindex, &mut event) {
        Ok(()) => Action::Pass,
        Err(reason) => discard(maps, event, reason),
    }
}

#[inline(always)]
fn begin<P: Packet>(packet: &P, hook: Hook, ifindex: u32) -> Event {
    Event {
        ifindex,
        length: packet.length(),
        hook: hook as u8,
        ..Event::default()
    }
}

/// Drops: always with a reason, a counter and an event.
#[inline(always)]
fn discard<M: Maps>(maps: &M, mut event: Event, reason: DropReason) -> Action {
    let by_policy = matches!(
        reason,
        DropReason::PolicyDeniedEgress | DropReason::PolicyDeniedIngress
    );
    let disposition = if by_policy {
        Disposition::Denied
    } else {
        Disposition::Dropped
    };
    event.disposition = disposition as u8;
    event.reason = reason as u8;
    maps.count(reason);
    maps.emit(event);
    Action::Drop(reason)
}

#[inline(always)]
fn send<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    ifindex: u32,
    event: &mut Event,
) -> Result<Action, DropReason> {
    let link = maps.link(ifindex).ok_or(DropReason::UnknownEndpoint)?;
    let ethernet = parse::ethernet(packet)?;
    if ethernet.source != link.mac.0 {
        return Err(DropReason::SpoofedMac);
    }
    if ethernet.network == Network::Arp {
        neighbour::arp_from(packet, &link)?;
        return Ok(Action::Pass);
    }
    let header = parse::header(packet, ethernet.network)?;
    note_addresses(event, &header);
    if !is_own(&header, &link) {
        return unusual_source(packet, &header, &link, event);
    }
    let datagram = parse::datagram(maps, packet, &header)?;
    note_ports(event, &datagram);
    if let Kind::Neighbour(kind) = datagram.transport.kind {
        neighbour::discovery_from(packet, kind, datagram.offset, &link)?;
        return Ok(Action::Pass);
    }
    let local = maps.local(&datagram.destination);
    let sides = Sides {
        egress: true,
        ingress: local.is_some(),
    };
    admit(maps, packet, &datagram, sides, event)?;
    Ok(deliver(packet, local))
}

/// A source that is not the pod's: only neighbour discovery may come from the link-local or from no address.
#[inline(always)]
fn unusual_source<P: Packet>(
    packet: &P,
    header: &Header,
    link: &Link,
    event: &mut Event,
) -> Result<Action, DropReason> {
    let transport = parse::transport(packet, header)?;
    event.source_port = transport.source;
    event.destination_port = transport.destination;
    let Kind::Neighbour(kind) = transport.kind else {
        return Err(DropReason::SpoofedSource);
    };
    if !neighbour::may_discover_from(&header.source, link) {
        return Err(DropReason::SpoofedSource);
    }
    neighbour::discovery_from(packet, kind, header.payload, link)?;
    Ok(Action::Pass)
}

#[inline(always)]
fn receive<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    ifindex: u32,
    event: &mut Event,
) -> Result<(), DropReason> {
    let link = maps.link(ifindex).ok_or(DropReason::UnknownEndpoint)?;
    let ethernet = parse::ethernet(packet)?;
    if ethernet.network == Network::Arp {
        return Ok(());
    }
    let header = parse::header(packet, ethernet.network)?;
    note_addresses(event, &header);
    // What one local pod sends to another is redirected and never comes through the stack.
    if maps.local(&header.source).is_some() {
        return Err(DropReason::SpoofedSource);
    }
    let datagram = parse::datagram(maps, packet, &header)?;
    note_ports(event, &datagram);
    if matches!(datagram.transport.kind, Kind::Neighbour(_)) {
        return Ok(());
    }
    if datagram.destination != link.v4 && datagram.destination != link.v6 {
        return Err(DropReason::WrongDestination);
    }
    let sides = Sides {
        egress: false,
        ingress: true,
    };
    admit(maps, packet, &datagram, sides, event)
}

/// Conntrack first, then the policies.
#[inline(always)]
fn admit<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    datagram: &Datagram,
    sides: Sides,
    event: &mut Event,
) -> Result<(), DropReason> {
    let generation = maps.generation();
    event.generation = generation;
    if datagram.transport.kind == Kind::IcmpError {
        return icmp::related(maps, packet, datagram);
    }
    let flow = Flow::of(datagram);
    let known = conntrack::track(maps, &flow, datagram, generation)?;
    if known == Known::Passes {
        return Ok(());
    }
    let ruling = policy::judge(maps, datagram, sides);
    note_ruling(event, &ruling);
    if known == Known::Stale {
        conntrack::rejudged(
            maps,
            &flow,
            datagram,
            ruling.generation,
            ruling.verdict.is_ok(),
        );
    }
    ruling.verdict?;
    if known == Known::New {
        conntrack::open(maps, &flow, datagram, ruling.generation)?;
    }
    event.disposition = Disposition::Allowed as u8;
    maps.emit(*event);
    Ok(())
}

/// Into the destination pod if it is local, else to the node's stack.
#[inline(always)]
fn deliver<P: Packet>(packet: &mut P, local: Option<LocalEndpoint>) -> Action {
    let Some(local) = local else {
        return Action::Pass;
    };
    packet.set_ethernet_addresses(local.mac.0, local.gateway_mac.0);
    Action::Redirect {
        ifindex: local.ifindex,
    }
}

#[inline(always)]
fn is_own(header: &Header, link: &Link) -> bool {
    let own = if header.source.is_v4() {
        link.v4
    } else {
        link.v6
    };
    header.source == own && own != abi::Address::NONE
}

#[inline(always)]
fn note_addresses(event: &mut Event, header: &Header) {
    event.source = header.source;
    event.destination = header.destination;
    event.protocol = header.protocol;
}

#[inline(always)]
fn note_ports(event: &mut Event, datagram: &Datagram) {
    event.source_port = datagram.transport.source;
    event.destination_port = datagram.transport.destination;
}

#[inline(always)]
fn note_ruling(event: &mut Event, ruling: &Ruling) {
    event.generation = ruling.generation;
    event.source_identity = ruling.source;
    event.destination_identity = ruling.destination;
    event.egress = ruling.egress;
    event.ingress = ruling.ingress;
}
