//! What the policies of both ends say: two halves, each a peer class and a verdict.

use crate::Maps;
use crate::parse::Datagram;
use abi::{
    ClassKey, Decider, DropReason, Endpoint, Generation, Half, Identity, RuleSet, TableId,
    VerdictKey,
};

/// How often a packet is judged anew when the generation moves under it.
const MAX_ATTEMPTS: usize = 4;

/// Which halves this hook answers for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sides {
    pub(crate) egress: bool,
    pub(crate) ingress: bool,
}

/// What both halves said, and under which generation.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Ruling {
    pub(crate) generation: Generation,
    pub(crate) source: Identity,
    pub(crate) destination: Identity,
    pub(crate) egress: Half,
    pub(crate) ingress: Half,
    pub(crate) verdict: Result<(), DropReason>,
}

/// Judges a packet by one generation of the tables as a whole.
///
/// Rows that the next generation does not share are written while this one is in force, so a generation that
/// moved during the look-ups makes them void; see `abi::EndpointRows`.
#[inline(always)]
pub(crate) fn judge<M: Maps>(maps: &M, datagram: &Datagram, sides: Sides) -> Ruling {
    let mut ruling = Ruling::void(maps.generation());
    for _ in 0..MAX_ATTEMPTS {
        judge_at(maps, datagram, sides, &mut ruling);
        let now = maps.generation();
        if now == ruling.generation {
            return ruling;
        }
        ruling = Ruling::void(now);
    }
    ruling.verdict = Err(DropReason::GenerationRace);
    ruling
}

impl Ruling {
    const fn void(generation: Generation) -> Self {
        const NOT_ASKED: Half = Half {
            table: TableId::OPEN,
            rules: RuleSet::NONE,
            decider: Decider::NotAsked as u32,
        };
        Self {
            generation,
            source: Identity::NONE,
            destination: Identity::NONE,
            egress: NOT_ASKED,
            ingress: NOT_ASKED,
            verdict: Err(DropReason::NoTables),
        }
    }
}

#[inline(always)]
fn judge_at<M: Maps>(maps: &M, datagram: &Datagram, sides: Sides, ruling: &mut Ruling) {
    if ruling.generation == 0 {
        return;
    }
    let source = maps.endpoint(&datagram.source, ruling.generation);
    let destination = maps.endpoint(&datagram.destination, ruling.generation);
    ruling.source = identity(maps, source, datagram, true, ruling.generation);
    ruling.destination = identity(maps, destination, datagram, false, ruling.generation);
    ruling.verdict = Ok(());
    if sides.egress {
        ruling.verdict = egress(maps, datagram, source, ruling);
    }
    if sides.ingress && ruling.verdict.is_ok() {
        ruling.verdict = ingress(maps, datagram, destination, ruling);
    }
}

/// Who an address is: an endpoint, the longest prefix that a policy names, or the world.
#[inline(always)]
fn identity<M: Maps>(
    maps: &M,
    endpoint: Option<Endpoint>,
    datagram: &Datagram,
    of_source: bool,
    generation: Generation,
) -> Identity {
    if let Some(endpoint) = endpoint {
        return endpoint.identity;
    }
    let address = if of_source {
        &datagram.source
    } else {
        &datagram.destination
    };
    maps.cidr(address, generation).unwrap_or(Identity::WORLD)
}

#[inline(always)]
fn egress<M: Maps>(
    maps: &M,
    datagram: &Datagram,
    source: Option<Endpoint>,
    ruling: &mut Ruling,
) -> Result<(), DropReason> {
    let own = source.ok_or(DropReason::UnknownEndpoint)?;
    let (half, allowed) = ask(maps, own.egress, ruling.destination, datagram);
    ruling.egress = half;
    if allowed {
        Ok(())
    } else {
        Err(DropReason::PolicyDeniedEgress)
    }
}

#[inline(always)]
fn ingress<M: Maps>(
    maps: &M,
    datagram: &Datagram,
    destination: Option<Endpoint>,
    ruling: &mut Ruling,
) -> Result<(), DropReason> {
    let own = destination.ok_or(DropReason::UnknownEndpoint)?;
    if ruling.source == own.node {
        ruling.ingress.decider = Decider::OwnNode as u32;
        return Ok(());
    }
    let (half, allowed) = ask(maps, own.ingress, ruling.source, datagram);
    ruling.ingress = half;
    if allowed {
        Ok(())
    } else {
        Err(DropReason::PolicyDeniedIngress)
    }
}

/// Two look-ups: the peer's class in this table, then the longest prefix of class, protocol and port.
#[inline(always)]
fn ask<M: Maps>(maps: &M, table: TableId, peer: Identity, datagram: &Datagram) -> (Half, bool) {
    let mut half = Half {
        table,
        rules: RuleSet::NONE,
        decider: Decider::NoPolicy as u32,
    };
    if table == TableId::OPEN {
        return (half, true);
    }
    let class = maps.class(&ClassKey {
        table,
        identity: peer,
    });
    let port = datagram.transport.destination;
    let key = VerdictKey::exact(table, class, datagram.protocol, port);
    let Some(verdict) = maps.verdict(&key) else {
        half.decider = Decider::Isolation as u32;
        return (half, false);
    };
    half.rules = verdict.rules;
    half.decider = Decider::Rules as u32;
    (half, verdict.is_allow())
}
