//! ARP and neighbour discovery: always let through, unless a pod speaks for somebody else.
//!
//! The node's own stack answers for the gateway's addresses, and for no others: duplicate address detection works.

use crate::parse::{NETWORK, Network, Payload};
use crate::scratch::Scratch;
use crate::{Maps, Packet};
use abi::{Address, DropReason, Link};

const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
const REDIRECT: u8 = 137;

/// Whether a pod speaks for itself.
#[inline(always)]
pub(crate) fn check<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    scratch: &Scratch,
) -> Result<(), DropReason> {
    let link = maps
        .link(scratch.event.ifindex)
        .ok_or(DropReason::UnknownEndpoint)?;
    if scratch.network == Network::Arp {
        arp_from(packet, link)
    } else {
        let (_, message) = scratch.parsed();
        discovery_from(packet, message, &scratch.tuple.source, link)
    }
}

/// ARP from a pod (RFC 826): the sender must be the pod, or nobody yet (an RFC 5227 probe).
#[inline(always)]
fn arp_from<P: Packet>(packet: &P, link: &Link) -> Result<(), DropReason> {
    let body: [u8; 28] = packet.read(NETWORK).ok_or(DropReason::Malformed)?;
    let [0, 1, 8, 0, 6, 4, ..] = body else {
        return Err(DropReason::Malformed);
    };
    let mac = [body[8], body[9], body[10], body[11], body[12], body[13]];
    let sender = [body[14], body[15], body[16], body[17]];
    let speaks_for_itself = sender == [0; 4] || Address::from_v4(sender) == link.v4;
    if mac == link.mac.0 && speaks_for_itself {
        Ok(())
    } else {
        Err(DropReason::SpoofedNeighbour)
    }
}

/// Neighbour discovery from a pod (RFC 4861): from an address of its own or from none yet, no router's messages, no
/// advertisement of another's address.
#[inline(always)]
fn discovery_from<P: Packet>(
    packet: &P,
    message: Payload,
    source: &Address,
    link: &Link,
) -> Result<(), DropReason> {
    if !may_discover_from(source, link) {
        return Err(DropReason::SpoofedSource);
    }
    match message.nature.detail {
        ROUTER_ADVERTISEMENT | REDIRECT => Err(DropReason::SpoofedNeighbour),
        NEIGHBOUR_ADVERTISEMENT => {
            let target = packet
                .read(message.offset + 8)
                .ok_or(DropReason::Malformed)?;
            let target = Address::from_v6(target);
            if may_discover_from(&target, link) {
                Ok(())
            } else {
                Err(DropReason::SpoofedNeighbour)
            }
        }
        _ => Ok(()),
    }
}

/// The source addresses of neighbour discovery: the pod's own, its link-local one, or none yet.
#[inline(always)]
fn may_discover_from(source: &Address, link: &Link) -> bool {
    *source == link.v6 || *source == Address::NONE || source.is_link_local()
}
