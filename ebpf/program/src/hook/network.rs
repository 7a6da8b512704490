//! The two hooks of the node's uplink.

use super::deliver::let_in;
use super::host::{self, is_for_guarded};
use super::origin::{is_home, other_node, routes};
use super::served::{self, Course};
use super::{Action, begin, discard, end};
use crate::parse::{self, Network};
use crate::scratch::Scratch;
use crate::{Chapter, Maps, Packet, refuse};
use abi::{Address, DropReason, Hook, PortRange, Routing};

/// What other nodes and the outside send, seen at the node's uplink.
///
/// Whoever sends with an address of the cluster must be on the node that the frame comes from. What is for a pod of this
/// node is judged by the ingress half of its policy and delivered, what is for the node itself by the node's, if host
/// policies apply to it; everything else is the stack's business. What is for a service goes to a backend: on this node as
/// it is, on another one in the node's own name, so that the answer comes back here.
#[inline(always)]
pub fn from_network<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::FromNetwork, ifindex);
    match arrive(maps, packet, scratch) {
        Ok(action) => action,
        Err(reason) => turn_away(maps, packet, scratch, reason),
    }
}

/// Drops a packet, and tells who sent it if that one is to be told.
#[inline(always)]
fn turn_away<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    reason: DropReason,
) -> Action {
    let action = discard(maps, scratch, reason);
    if refuse::is_told(reason) && packet.tell(Chapter::Refuse, maps, scratch).is_ok() {
        let ifindex = scratch.event.ifindex;
        return Action::Reflect { reason, ifindex };
    }
    action
}

/// What leaves the node, seen at its uplink.
///
/// What the node itself sends is judged by the egress half of its policy, if host policies apply to it. What a pod of
/// this node sends out of the cluster is masqueraded: it gets the node's address.
#[inline(always)]
pub fn to_network<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::ToNetwork, ifindex);
    let story = leave(maps, packet, scratch).map(|()| Action::Pass);
    end(maps, scratch, story)
}

#[inline(always)]
fn arrive<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Action, DropReason> {
    if packet.is_for_another_host() {
        return Ok(Action::Pass);
    }
    // The stack takes a frame with the tag of no network for one without, however many such tags it has.
    if packet.has_vlan_tag() {
        return Err(DropReason::UnsupportedEthertype);
    }
    let Ok(ethernet) = parse::ethernet(packet) else {
        return Ok(Action::Pass);
    };
    if ethernet.network == Network::Arp {
        return Ok(Action::Pass);
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    check_source(maps, ethernet.source, scratch)?;
    if parsed.is_ok()
        && maps.local(&scratch.tuple.destination).is_none()
        && served::arrive(maps, packet, scratch)? == Course::Onward
    {
        return Ok(Action::Pass);
    }
    let local = maps.local(&scratch.tuple.destination);
    if local.is_none() && !is_for_guarded(maps, scratch) {
        return Ok(Action::Pass);
    }
    parsed?;
    let_in(maps, packet, local, scratch)
}

/// Who has an address of the cluster sends from its node's link-layer address, and never comes back to its own node.
/// Whoever has another address is outside.
#[inline(always)]
fn check_source<M: Maps>(maps: &M, mac: [u8; 6], scratch: &mut Scratch) -> Result<(), DropReason> {
    let generation = maps.generation();
    scratch.event.generation = generation;
    let Some(source) = maps.endpoint(&scratch.tuple.source, generation) else {
        return Ok(());
    };
    let is_true = other_node(maps, &source).is_some_and(|node| node.mac.0 == mac);
    // Between pods there may be a tunnel; then a pod comes without one to this node itself only.
    let comes_natively = routes(maps, Routing::Native)
        || source.is_node()
        || is_home(maps, &scratch.tuple.destination, generation);
    if is_true && comes_natively {
        Ok(())
    } else {
        Err(DropReason::SpoofedSource)
    }
}

#[inline(always)]
fn leave<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let masquerades = maps.masquerade_ports() != PortRange::NONE;
    if !masquerades && !host::may_be_guarded(maps) && !served::is_on(maps) {
        return Ok(());
    }
    let Ok(ethernet) = parse::ethernet(packet) else {
        return Ok(());
    };
    if ethernet.network == Network::Arp {
        return Ok(());
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    if !scratch.has_ends {
        return Ok(());
    }
    scratch.event.generation = maps.generation();
    if let Some(way) = host::sends(maps, scratch) {
        parsed?;
        return host::send(maps, packet, way, scratch);
    }
    if !masquerades {
        return Ok(());
    }
    let Some(node) = from_pod_to_outside(maps, scratch) else {
        return Ok(());
    };
    parsed?;
    let (header, _) = scratch.parsed();
    parse::remember_first(maps, header, scratch)?;
    scratch.translation_key.node = node;
    packet.tell(Chapter::Depart, maps, scratch)
}

/// The address of its node, of its family, if a pod of this node sends it to who is no endpoint of the cluster. `None` for
/// other packets, and if the node has no such address.
#[inline(always)]
fn from_pod_to_outside<M: Maps>(maps: &M, scratch: &Scratch) -> Option<Address> {
    let generation = scratch.event.generation;
    maps.local(&scratch.tuple.source)?;
    if maps
        .endpoint(&scratch.tuple.destination, generation)
        .is_some()
    {
        return None;
    }
    let pod = maps.endpoint(&scratch.tuple.source, generation)?;
    let node = maps.node(pod.node)?;
    let address = if scratch.tuple.source.is_v4() {
        node.v4
    } else {
        node.v6
    };
    (address != Address::NONE).then_some(address)
}
