//! The two hooks of the node's tunnel device.

use super::deliver::let_in;
use super::host::{self, is_for_guarded};
use super::origin::{is_home, other_node};
use super::{Action, Tunnel, begin, end};
use crate::parse::{self, Kind, Network};
use crate::scratch::Scratch;
use crate::{Chapter, Maps, Packet};
use abi::{Address, DropReason, Hook, Identity, Node};

/// What other nodes have sent through the tunnel, unpacked. `tunnel` is what the outer header says.
///
/// It must come from the node that its source is on, with that one's identity. What is for a pod of this node is judged
/// by the ingress half of its policy and delivered; what is for the node itself by the node's, if host policies apply to
/// it.
#[inline(always)]
pub fn from_overlay<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
    tunnel: &Tunnel,
) -> Action {
    begin(scratch, packet, Hook::FromOverlay, ifindex);
    let story = unpacked(maps, packet, scratch, tunnel);
    end(maps, scratch, story)
}

/// What is about to go through the tunnel: with the identity of its source, to the node that its destination is on. What
/// the node itself sends is judged by the egress half of its policy, if host policies apply to it.
///
/// The frame gets the link-layer address of this node as its source. Tunnel devices may all have the same address, and
/// one that unpacks a frame from its own address takes it for a loop.
#[inline(always)]
pub fn to_overlay<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    ifindex: u32,
) -> Action {
    begin(scratch, packet, Hook::ToOverlay, ifindex);
    let story = pack(maps, packet, scratch);
    end(maps, scratch, story)
}

#[inline(always)]
fn unpacked<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
    tunnel: &Tunnel,
) -> Result<Action, DropReason> {
    let ethernet = parse::ethernet(packet)?;
    if ethernet.network == Network::Arp {
        return Err(DropReason::UnsupportedEthertype);
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    scratch.event.generation = maps.generation();
    if !is_true(maps, tunnel, scratch) {
        return Err(DropReason::InvalidIdentity);
    }
    // The pod behind it would drop it without a word.
    if packet.is_for_another_host() {
        return Err(DropReason::WrongDestination);
    }
    let destination = &scratch.tuple.destination;
    let local = maps.local(destination);
    if local.is_none() {
        if !is_home(maps, destination, scratch.event.generation) {
            return Err(DropReason::WrongDestination);
        }
        if !is_for_guarded(maps, scratch) {
            return Ok(Action::Pass);
        }
    }
    parsed?;
    let_in(maps, packet, local, scratch)
}

/// Whether the source is on the node that the tunnel comes from, and has the identity that this one says it has.
///
/// The other node's agent may be a generation ahead or behind, so the identity may be that of either version of the row.
#[inline(always)]
fn is_true<M: Maps>(maps: &M, tunnel: &Tunnel, scratch: &Scratch) -> bool {
    let address = &scratch.tuple.source;
    let Some(source) = maps.endpoint(address, scratch.event.generation) else {
        return false;
    };
    let comes_from_there =
        other_node(maps, &source).is_some_and(|node| has_address(node, &tunnel.remote));
    comes_from_there
        && tunnel.identity != Identity::NONE
        && maps.identities(address).contains(&tunnel.identity)
}

#[inline(always)]
fn has_address(node: &Node, address: &Address) -> bool {
    *address != Address::NONE && (*address == node.v4 || *address == node.v6)
}

#[inline(always)]
fn pack<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Action, DropReason> {
    let ethernet = parse::ethernet(packet)?;
    if ethernet.network == Network::Arp {
        return Ok(Action::Pass);
    }
    let parsed = parse::whole(maps, packet, ethernet.network, scratch);
    if !scratch.has_ends {
        parsed?;
    }
    scratch.event.generation = maps.generation();
    if let Some(way) = host::sends(maps, scratch) {
        parsed?;
        host::send(maps, packet, way, scratch)?;
    }
    let Err(reason) = packet.tell(Chapter::Address, maps, scratch) else {
        return Ok(Action::Encapsulate(scratch.tunnel));
    };
    match parsed {
        Ok(()) if scratch.parsed().1.nature.kind == Kind::Neighbour => Ok(Action::Pass),
        _ => Err(reason),
    }
}

/// Writes down where the packet goes and in whose name; the frame is from the node that it comes from.
#[inline(always)]
pub(crate) fn address<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (tunnel, own) = tunnel(maps, scratch)?;
    let destination = packet.read(0).ok_or(DropReason::Malformed)?;
    packet.set_ethernet_addresses(destination, own.mac.0);
    scratch.tunnel = tunnel;
    Ok(())
}

/// Where the packet goes and in whose name, and the node that it comes from.
#[inline(always)]
fn tunnel<'a, M: Maps>(
    maps: &'a M,
    scratch: &mut Scratch,
) -> Result<(Tunnel, &'a Node), DropReason> {
    let generation = maps.generation();
    scratch.event.generation = generation;
    let source = maps.endpoint(&scratch.tuple.source, generation);
    let source = source.ok_or(DropReason::UnknownEndpoint)?;
    let destination = maps.endpoint(&scratch.tuple.destination, generation);
    let destination = destination.ok_or(DropReason::NoTunnelEndpoint)?;
    let own = maps.node(source.node);
    let other = other_node(maps, &destination);
    let (own, other) = own.zip(other).ok_or(DropReason::NoTunnelEndpoint)?;
    let tunnel = Tunnel {
        remote: remote(own, other).ok_or(DropReason::NoTunnelEndpoint)?,
        identity: source.identity,
    };
    Ok((tunnel, own))
}

/// The other node's address in a family that both nodes have; IPv4, if they can choose.
#[inline(always)]
fn remote(own: &Node, other: &Node) -> Option<Address> {
    if own.v4 != Address::NONE && other.v4 != Address::NONE {
        return Some(other.v4);
    }
    (own.v6 != Address::NONE && other.v6 != Address::NONE).then_some(other.v6)
}
