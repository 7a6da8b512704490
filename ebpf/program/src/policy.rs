//! What the policies of both ends say: two halves, each a peer class and a verdict.

use crate::scratch::{Scratch, Tuple};
use crate::{Chapter, Maps, Packet};
use abi::{
    Address, ClassKey, Decider, DropReason, Endpoint, Event, Generation, Half, Identity,
    PolicyAction, RuleSet, TableId, VerdictKey,
};

/// How often a packet is judged anew when the generation moves under it.
const MAX_ATTEMPTS: usize = 4;

/// Where a packet is on its way, and so which halves are asked.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Way {
    /// A pod sends it: its egress half. To a pod of this node or to the node itself, the ingress half too.
    FromPod { to_pod: bool },
    /// A pod sends it to itself, through a service: nothing.
    ToItself,
    /// The node sends it: its egress half.
    FromNode,
    /// It is for a pod of this node or for the node itself: the ingress half.
    #[default]
    In,
    /// The node sends it on between a client and another node's backend, or back: nothing. That node asks.
    Onward,
}

/// Whose row counts for an address at this node: the node's own if the address means something on one link only, is
/// nobody's, and host policies apply to the node.
#[inline(always)]
pub(crate) fn named<M: Maps>(maps: &M, address: &Address, generation: Generation) -> Address {
    match maps.guard() {
        Some(guard)
            if address.is_of_one_link()
                && guard.is_on()
                && maps.endpoint(address, generation).is_none() =>
        {
            *guard.beside(address)
        }
        _ => *address,
    }
}

/// How a packet passes both halves.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Passage {
    #[default]
    Allowed,
    /// A half would deny it if its policies were not in audit mode.
    Audited,
}

impl Passage {
    #[inline(always)]
    fn of(half: &Half) -> Self {
        if half.action == PolicyAction::Audit as u16 {
            Self::Audited
        } else {
            Self::Allowed
        }
    }
}

/// Judges a packet by one generation of the tables as a whole and notes in the event who said what.
///
/// Rows that the next generation does not share are written while this one is in force, so a generation that
/// moved during the look-ups makes them void; see `abi::EndpointRows`.
#[inline(always)]
pub(crate) fn judge<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<Passage, DropReason> {
    for _ in 0..MAX_ATTEMPTS {
        let generation = maps.generation();
        scratch.event.generation = generation;
        let verdict = packet.tell(Chapter::Judge, maps, scratch);
        if maps.generation() == generation {
            return verdict.map(|()| scratch.passage);
        }
    }
    Err(DropReason::GenerationRace)
}

/// The chapter behind [`judge`]: what the tables of one generation say.
#[inline(always)]
pub(crate) fn judge_once<M: Maps>(maps: &M, scratch: &mut Scratch) -> Result<(), DropReason> {
    let Scratch {
        tuple, way, event, ..
    } = scratch;
    scratch.passage = judge_at(maps, tuple, *way, event)?;
    Ok(())
}

const NOT_ASKED: Half = Half {
    table: TableId::OPEN,
    rules: RuleSet::NONE,
    decider: Decider::NotAsked as u16,
    action: PolicyAction::Allow as u16,
};

#[inline(always)]
fn judge_at<M: Maps>(
    maps: &M,
    tuple: &Tuple,
    way: Way,
    event: &mut Event,
) -> Result<Passage, DropReason> {
    event.egress = NOT_ASKED;
    event.ingress = NOT_ASKED;
    if event.generation == 0 {
        return Err(DropReason::NoTables);
    }
    let from = match way {
        Way::FromNode => named(maps, &tuple.source, event.generation),
        Way::ToItself => tuple.destination,
        Way::FromPod { .. } | Way::In | Way::Onward => tuple.source,
    };
    let to = named(maps, &tuple.destination, event.generation);
    let source = maps.endpoint(&from, event.generation);
    let destination = maps.endpoint(&to, event.generation);
    event.source_identity = identity(maps, source, &from, event.generation);
    // Who sends to such an address of the node asks for the address.
    let known = destination.filter(|_| to == tuple.destination);
    event.destination_identity = identity(maps, known, &tuple.destination, event.generation);
    if matches!(way, Way::FromPod { .. } | Way::FromNode) {
        egress(maps, tuple, source, event)?;
    }
    if asks_ingress(way, destination) {
        ingress(maps, tuple, destination, event)?;
    }
    Ok(match Passage::of(&event.egress) {
        Passage::Allowed => Passage::of(&event.ingress),
        audited @ Passage::Audited => audited,
    })
}

/// Whether a packet arrives here: in a pod, or on a node that does not take everything.
#[inline(always)]
fn asks_ingress(way: Way, destination: Option<Endpoint>) -> bool {
    match way {
        Way::FromPod { to_pod } => {
            to_pod || destination.is_some_and(|endpoint| endpoint.is_guarded_node())
        }
        Way::ToItself | Way::FromNode | Way::Onward => false,
        Way::In => true,
    }
}

/// Who an address is: an endpoint, the longest prefix that a policy names, or the world.
#[inline(always)]
fn identity<M: Maps>(
    maps: &M,
    endpoint: Option<Endpoint>,
    address: &Address,
    generation: Generation,
) -> Identity {
    match endpoint {
        Some(endpoint) => endpoint.identity,
        None => maps.cidr(address, generation).unwrap_or(Identity::WORLD),
    }
}

#[inline(always)]
fn egress<M: Maps>(
    maps: &M,
    tuple: &Tuple,
    source: Option<Endpoint>,
    event: &mut Event,
) -> Result<(), DropReason> {
    let own = source.ok_or(DropReason::UnknownEndpoint)?;
    let peer = event.destination_identity;
    if ask(maps, own.egress, peer, tuple, &mut event.egress) {
        Ok(())
    } else {
        Err(DropReason::PolicyDeniedEgress)
    }
}

#[inline(always)]
fn ingress<M: Maps>(
    maps: &M,
    tuple: &Tuple,
    destination: Option<Endpoint>,
    event: &mut Event,
) -> Result<(), DropReason> {
    let own = destination.ok_or(DropReason::UnknownEndpoint)?;
    event.destination_identity = own.identity;
    let peer = event.source_identity;
    if peer == own.node {
        event.ingress.decider = Decider::OwnNode as u16;
        return Ok(());
    }
    if ask(maps, own.ingress, peer, tuple, &mut event.ingress) {
        Ok(())
    } else {
        Err(DropReason::PolicyDeniedIngress)
    }
}

/// Two look-ups: the peer's class in this table, then the longest prefix of class, protocol and port.
#[inline(always)]
fn ask<M: Maps>(maps: &M, table: TableId, peer: Identity, tuple: &Tuple, half: &mut Half) -> bool {
    half.table = table;
    if table == TableId::OPEN {
        half.decider = Decider::NoPolicy as u16;
        half.action = PolicyAction::Allow as u16;
        return true;
    }
    let class = maps.class(&ClassKey {
        table,
        identity: peer,
    });
    let key = VerdictKey::exact(table, class, tuple.protocol(), tuple.destination_port);
    let Some(verdict) = maps.verdict(&key) else {
        half.decider = Decider::Isolation as u16;
        half.action = PolicyAction::Deny as u16;
        return false;
    };
    let action = verdict.action();
    half.rules = verdict.rules;
    half.decider = decider(verdict.rules, action) as u16;
    half.action = action as u16;
    action != PolicyAction::Deny
}

/// Who speaks in an entry. One without rules stands for the policies as a whole.
#[inline(always)]
fn decider(rules: RuleSet, action: PolicyAction) -> Decider {
    if rules != RuleSet::NONE {
        Decider::Rules
    } else if action == PolicyAction::Allow {
        Decider::NoPolicy
    } else {
        Decider::Isolation
    }
}
