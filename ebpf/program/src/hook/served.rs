//! What comes to the node for others than its pods: for services, and back to who was masqueraded.

use super::admit::admit;
use super::host::is_for_guarded;
use crate::parse::{self, Kind};
use crate::policy::Way;
use crate::scratch::Scratch;
use crate::{Chapter, Maps, Packet, masquerade, service};
use abi::{Address, DropReason, End, PortRange};

/// Where a packet goes from here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// To whom it is for now: a pod of this node, or the node itself.
    In,
    /// Out again, by the node's stack.
    Onward,
}

/// Gives a packet back to who was masqueraded, or to a backend if it is for a service. Others stay as they are.
#[inline(always)]
pub(super) fn arrive<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Course, DropReason> {
    let serves = is_on(maps);
    if !serves && maps.masquerade_ports() == PortRange::NONE {
        return Ok(Course::In);
    }
    if comes_back(maps, packet, scratch)? {
        return if maps.local(&scratch.tuple.destination).is_some() {
            Ok(Course::In)
        } else {
            admit(maps, packet, Way::Onward, scratch).map(|()| Course::Onward)
        };
    }
    if !serves || !is_served(maps, packet, scratch)? {
        return Ok(Course::In);
    }
    if maps.local(&scratch.tuple.destination).is_some() || is_for_guarded(maps, scratch) {
        return Ok(Course::In);
    }
    if is_own(maps, &scratch.tuple.destination) {
        // Its answers go by its stack, and have to find the service again.
        return admit(maps, packet, Way::Onward, scratch).map(|()| Course::In);
    }
    send_on(maps, packet, scratch).map(|()| Course::Onward)
}

/// Whether the packet belongs to a masqueraded connection: then it is for that one's end now.
#[inline(always)]
fn comes_back<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<bool, DropReason> {
    scratch.is_translated = false;
    packet.tell(Chapter::Arrive, maps, scratch)?;
    Ok(scratch.is_translated)
}

/// Whether the packet is for a service: then it is for a backend now.
#[inline(always)]
fn is_served<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<bool, DropReason> {
    let (header, payload) = scratch.parsed();
    let source = maps.endpoint(&scratch.tuple.source, scratch.event.generation);
    scratch.service.is_outside = source.is_none();
    match payload.nature.kind {
        Kind::Neighbour => Ok(false),
        Kind::IcmpError => {
            packet.tell(Chapter::ServeError, maps, scratch)?;
            Ok(scratch.is_translated)
        }
        _ => {
            parse::remember_first(maps, header, scratch)?;
            packet.tell(Chapter::Serve, maps, scratch)?;
            Ok(scratch.event.frontend != End::NONE)
        }
    }
}

/// Whether the node looks for services.
#[inline(always)]
pub(super) fn is_on<M: Maps>(maps: &M) -> bool {
    maps.service_ports() != PortRange::NONE
}

/// Whether a packet is an answer of the node itself for a service, to who came from elsewhere.
#[inline(always)]
pub(super) fn is_answered_here<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    is_on(maps) && is_own(maps, &scratch.tuple.source) && service::is_from_backend(maps, scratch)
}

/// Whether an address is this node's own.
#[inline(always)]
fn is_own<M: Maps>(maps: &M, address: &Address) -> bool {
    maps.home()
        .is_some_and(|home| home.beside(address) == address)
}

/// Sends a client's packet on to the backend's node, in this node's name.
#[inline(always)]
fn send_on<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    admit(maps, packet, Way::Onward, scratch)?;
    let home = maps.home().ok_or(DropReason::NoTranslation)?;
    let own = home.beside(&scratch.tuple.destination);
    if *own == Address::NONE {
        return Err(DropReason::NoTranslation);
    }
    scratch.translation_key.node = *own;
    packet.tell(Chapter::Depart, maps, scratch)
}

/// Whether a packet with the node's own address is one between a client and a service: the node itself did not send it.
#[inline(always)]
pub(super) fn is_sent_on<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    is_on(maps) && (masquerade::is_translated(maps, scratch) || service::is_answer(maps, scratch))
}
