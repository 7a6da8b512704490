//! The hooks: of a pod's link, of the node's uplink and of its tunnel device.

mod admit;
mod deliver;
mod endpoint;
mod host;
mod network;
mod origin;
mod overlay;
mod served;

pub(crate) use admit::{Passed, pass, pass_error};
pub use endpoint::{from_endpoint, to_endpoint};
pub use network::{from_network, to_network};
pub(crate) use overlay::address;
pub use overlay::{from_overlay, to_overlay};

use crate::policy::Way;
use crate::scratch::{Scratch, Tuple};
use crate::{Maps, Packet, limit, service};
use abi::{Address, Disposition, DropReason, Event, Hook, Identity};

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
    /// Hand it on to the tunnel device, which packs it with this.
    Encapsulate(Tunnel),
    /// Drop it, and tell who sent it: it has become the answer, for the pod behind this interface of the node. The event
    /// and the counter are written already.
    Refuse {
        /// Why.
        reason: DropReason,
        /// Index of the host-side interface.
        ifindex: u32,
    },
    /// Drop it, and tell who sent it: it has become the answer, to be sent out of the interface that it came by. The event
    /// and the counter are written already.
    Reflect {
        /// Why.
        reason: DropReason,
        /// Index of the interface.
        ifindex: u32,
    },
    /// Drop it. The event and the counter are written already.
    Drop(DropReason),
}

/// What the outer header of a packet in a tunnel says.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tunnel {
    /// The node at the other end: whom the packet comes from or goes to. [`Address::NONE`] if nobody says.
    pub remote: Address,
    /// Who sent it, by the word of the node it comes from. A VXLAN header (RFC 7348) has room for 24 bits.
    pub identity: Identity,
}

/// What becomes of the packet at the end of its story.
#[inline(always)]
fn end<M: Maps>(maps: &M, scratch: &mut Scratch, story: Result<Action, DropReason>) -> Action {
    match story {
        Ok(action) => action,
        Err(reason) => discard(maps, scratch, reason),
    }
}

#[inline(always)]
fn begin<P: Packet>(scratch: &mut Scratch, packet: &P, hook: Hook, ifindex: u32) {
    scratch.tuple = Tuple::default();
    scratch.service.is_chosen = false;
    scratch.service.may_serve = false;
    scratch.service.is_outside = false;
    scratch.way = Way::default();
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
    event.source = if service::is_loopback(&tuple.source) {
        tuple.destination
    } else {
        tuple.source
    };
    event.destination = tuple.destination;
    event.source_port = tuple.source_port;
    event.destination_port = tuple.destination_port;
    event.protocol = tuple.protocol();
    maps.emit(event);
}
