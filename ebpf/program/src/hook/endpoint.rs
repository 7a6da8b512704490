//! The two hooks of a pod's link.

use super::admit::{Passed, admit};
use super::deliver::deliver;
use super::{Action, begin, end};
use crate::parse::{self, Kind, Network};
use crate::policy::Way;
use crate::scratch::Scratch;
use crate::{Chapter, Maps, Packet, refuse, service};
use abi::{Address, DropReason, Hook, Link, LocalEndpoint};

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
    let action = end(maps, scratch, story);
    match action {
        Action::Drop(reason)
            if refuse::is_told(reason) && packet.tell(Chapter::Refuse, maps, scratch).is_ok() =>
        {
            Action::Refuse { reason, ifindex }
        }
        _ => action,
    }
}

/// What the node's stack delivers to a pod: from the node itself, from outside, and answers to the pod.
#[inline(always)]
pub fn to_endpoint<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
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
        scratch.network = Network::Arp;
        packet.tell(Chapter::Neighbour, maps, scratch)?;
        return Ok(Action::Pass);
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    let is_true = is_own(&scratch.tuple.source, link);
    parsed.map_err(|reason| spoofed_unless(is_true || !scratch.has_ends, reason))?;
    let (header, payload) = scratch.parsed();
    if payload.nature.kind == Kind::Neighbour {
        packet.tell(Chapter::Neighbour, maps, scratch)?;
        return Ok(Action::Pass);
    }
    if !is_true {
        return Err(DropReason::SpoofedSource);
    }
    parse::remember_first(maps, header, scratch)?;
    if payload.nature.kind == Kind::IcmpError {
        packet.tell(Chapter::ServeError, maps, scratch)?;
    } else {
        scratch.service.may_serve = true;
    }
    let (way, local) = way(maps, scratch);
    admit(maps, packet, way, scratch)?;
    if scratch.passed != Passed::Unserved {
        return Ok(local.map_or(Action::Pass, |local| deliver(packet, local)));
    }
    packet.tell(Chapter::Serve, maps, scratch)?;
    deliver_served(maps, packet, scratch)
}

/// Lets what is for no service, or for a backend by now, pass.
#[inline(always)]
fn deliver_served<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Action, DropReason> {
    let (way, local) = way(maps, scratch);
    admit(maps, packet, way, scratch)?;
    Ok(local.map_or(Action::Pass, |local| deliver(packet, local)))
}

/// Where a pod's packet goes, and who gets it if that is a pod of this node.
#[inline(always)]
fn way<'a, M: Maps>(maps: &'a M, scratch: &Scratch) -> (Way, Option<&'a LocalEndpoint>) {
    let tuple = &scratch.tuple;
    if service::is_loopback(&tuple.destination) {
        return (Way::ToItself, maps.local(&tuple.source));
    }
    let local = maps.local(&tuple.destination);
    let way = if service::is_loopback(&tuple.source) {
        Way::ToItself
    } else {
        Way::FromPod {
            to_pod: local.is_some(),
        }
    };
    (way, local)
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
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let link = maps
        .link(scratch.event.ifindex)
        .ok_or(DropReason::UnknownEndpoint)?;
    let ethernet = parse::ethernet(packet)?;
    if ethernet.network == Network::Arp {
        return Ok(());
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    // What one local pod sends to another is redirected and never comes through the stack.
    let is_true = maps.local(&scratch.tuple.source).is_none();
    parsed.map_err(|reason| spoofed_unless(is_true || !scratch.has_ends, reason))?;
    let (header, payload) = scratch.parsed();
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
    admit(maps, packet, Way::In, scratch)
}

#[inline(always)]
fn is_own(address: &Address, link: &Link) -> bool {
    let own = if address.is_v4() { &link.v4 } else { &link.v6 };
    address == own && *own != Address::NONE
}
