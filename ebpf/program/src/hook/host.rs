//! What the node itself receives and sends, if host policies apply to it.

use super::admit::admit;
use super::origin::routes;
use super::served;
use crate::parse::{self, Kind};
use crate::policy::{self, Way};
use crate::scratch::{Scratch, Tuple};
use crate::{Maps, Packet};
use abi::{Address, DropReason, Generation, Guard, Port, Routing, VXLAN_PORT, protocol};

/// Whether host policies may apply to the node: the rows say whether they do.
#[inline(always)]
pub(super) fn may_be_guarded<M: Maps>(maps: &M) -> bool {
    maps.guard().is_some_and(Guard::is_on)
}

/// Whether a packet is for this node itself, and host policies apply to that.
#[inline(always)]
pub(super) fn is_for_guarded<M: Maps>(maps: &M, scratch: &Scratch) -> bool {
    is_guarded(maps, &scratch.tuple.destination, scratch.event.generation)
}

/// Whether this node itself sends a packet to somebody, and host policies apply to that.
#[inline(always)]
fn is_from_guarded<M: Maps>(maps: &M, scratch: &Scratch) -> bool {
    let Tuple {
        source,
        destination,
        ..
    } = &scratch.tuple;
    is_guarded(maps, source, scratch.event.generation) && !destination.is_multicast()
}

#[inline(always)]
fn is_guarded<M: Maps>(maps: &M, address: &Address, generation: Generation) -> bool {
    if !may_be_guarded(maps) {
        return false;
    }
    let row = maps.endpoint(&policy::named(maps, address, generation), generation);
    row.is_some_and(|row| row.is_guarded_node())
}

/// How the node itself sends a packet: by its egress half if host policies apply to it, as what it answers for a service if
/// they do not. `None` of others' packets, and where neither is so.
#[inline(always)]
pub(super) fn sends<M: Maps>(maps: &M, scratch: &mut Scratch) -> Option<Way> {
    if is_from_guarded(maps, scratch) {
        return (!served::is_sent_on(maps, scratch)).then_some(Way::FromNode);
    }
    served::is_answered_here(maps, scratch).then_some(Way::Onward)
}

/// Out of the node, if it may go this way: what the node itself sends. Neighbour discovery and tunnels pass.
#[inline(always)]
pub(super) fn send<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    way: Way,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (header, payload) = scratch.parsed();
    if payload.nature.kind == Kind::Neighbour {
        return Ok(());
    }
    parse::remember_first(maps, header, scratch)?;
    if is_tunnel_to(maps, &scratch.tuple.destination, scratch) {
        return Ok(());
    }
    admit(maps, packet, way, scratch)
}

/// Whether a packet is one of a tunnel between this node and another: it carries what is judged for itself. `other` is
/// its other end.
#[inline(always)]
pub(super) fn is_tunnel_to<M: Maps>(maps: &M, other: &Address, scratch: &Scratch) -> bool {
    let tuple = &scratch.tuple;
    routes(maps, Routing::Vxlan)
        && tuple.protocol() == protocol::UDP
        && tuple.destination_port == Port::new(VXLAN_PORT)
        && maps
            .endpoint(other, scratch.event.generation)
            .is_some_and(|other| other.is_node())
}
