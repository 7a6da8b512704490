//! The two hooks of a pod's link.

use super::admit::admit;
use super::deliver::deliver;
use super::{Action, begin, end};
use crate::parse::{self, Kind, Network};
use crate::policy::Way;
use crate::scratch::Scratch;
use crate::{Maps, Packet, neighbour};
use abi::{Address, DropReason, Hook, Link};

/// What a pod sends, seen at the host side of its link.
///
/// The egress half of its policy is asked here, and the ingress half of the destination's if it lives on this node or is
/// this node.
#[inline(always)]
pub fn from_endpoint<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::FromEndpoint, ifindex);
    let story = send(maps, packet, scratch);
    end(maps, scratch, story)
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
    let story = receive(maps, packet, scratch).map(|()| Action::Pass);
    end(maps, scratch, story)
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
    let way = Way::FromPod {
        to_pod: local.is_some(),
    };
    admit(maps, packet, payload, way, scratch)?;
    Ok(local.map_or(Action::Pass, |local| deliver(packet, local)))
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
    admit(maps, packet, payload, Way::In, scratch)
}

#[inline(always)]
fn is_own(address: &Address, link: &Link) -> bool {
    let own = if address.is_v4() { &link.v4 } else { &link.v6 };
    address == own && *own != Address::NONE
}
