//! Delivery on this node: into a pod, or to the node itself.

use super::Action;
use super::admit::admit;
use super::host::is_tunnel_to;
use crate::parse::{self, Kind};
use crate::policy::Way;
use crate::scratch::Scratch;
use crate::{Maps, Packet};
use abi::{DropReason, LocalEndpoint};

/// Into the pod.
#[inline(always)]
pub(super) fn deliver<P: Packet>(packet: &mut P, local: &LocalEndpoint) -> Action {
    packet.set_ethernet_addresses(local.mac.0, local.gateway_mac.0);
    Action::Redirect {
        ifindex: local.ifindex,
    }
}

/// Into the pod, or to the node's stack if it is for no pod, if the ingress half lets it: for what comes from elsewhere,
/// with a source that is known to be true.
///
/// Neighbour discovery stays on its link (RFC 4861 section 7): the stack has its own view of it, and the pod is on
/// another.
#[inline(always)]
pub(super) fn let_in<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    local: Option<&LocalEndpoint>,
    scratch: &mut Scratch,
) -> Result<Action, DropReason> {
    let (header, payload) = scratch.parsed();
    if payload.nature.kind == Kind::Neighbour {
        return Ok(Action::Pass);
    }
    parse::remember_first(maps, header, scratch)?;
    if local.is_none() && is_tunnel_to(maps, &scratch.tuple.source, scratch) {
        return Ok(Action::Pass);
    }
    admit(maps, packet, Way::In, scratch)?;
    Ok(local.map_or(Action::Pass, |local| deliver(packet, local)))
}
