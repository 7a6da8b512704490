//! Services: what is sent to a virtual end goes to one of its backends, and what comes back comes from the virtual end.
//!
//! Two entries of the connection table belong to such a connection: client ↔ backend, which everything is tracked by and
//! which knows the virtual end, and the choice, client ↔ virtual end, which knows the backend. A choice holds while its
//! connection lives. Policies and events see the backend.

use crate::conntrack;
use crate::parse::{self, Header, Kind, Nature, Payload};
use crate::rewrite::{self, Rewrite, Side};
use crate::scratch::{Scratch, ServiceScratch, Tuple, settled};
use crate::{Full, Maps, Packet};
use abi::{
    Address, Affinity, AffinityKey, BackendSet, CONNTRACK_CHOICE, CONNTRACK_FORWARD_LOW,
    Connection, ConnectionKey, DropReason, End, FRONTEND_HAS_SOURCES, FRONTEND_HASHES,
    FRONTEND_IS_LOCAL, Frontend, FrontendKey, Generation, MEMBER_DRAINS, MEMBER_TAKES_NEW,
    MemberKey, SlotKey,
};

/// How many backends are tried for a connection.
const TRIES: u32 = 2;
/// How often a backend is chosen anew when the generation moves meanwhile.
pub(crate) const MAX_ATTEMPTS: usize = 2;
const NANOSECONDS: u64 = 1_000_000_000;

/// Where a client is, and so which backends it may get.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// In the cluster.
    Inside,
    /// Outside of it.
    Outside,
}

impl Scope {
    #[inline(always)]
    pub(crate) const fn of(self, frontend: &Frontend) -> BackendSet {
        match self {
            Self::Inside => frontend.inside,
            Self::Outside => frontend.outside,
        }
    }

    /// Why there is no backend. A load balancer would not have sent the packet here, so it is not told.
    #[inline(always)]
    const fn nobody(self, frontend: &Frontend) -> DropReason {
        match self {
            Self::Outside if frontend.flags & FRONTEND_IS_LOCAL != 0 => DropReason::NoLocalBackend,
            _ => DropReason::NoServiceBackend,
        }
    }
}

/// Whether it stands for a pod that is its own backend.
#[inline(always)]
pub(crate) fn is_loopback(address: &Address) -> bool {
    *address == Address::LOOPBACK_V4 || *address == Address::LOOPBACK_V6
}

/// What becomes of the connection that was chosen for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Course {
    /// The packet belongs to it.
    GoesOn,
    /// It has ended, or this packet may begin another.
    Over,
    /// Its backend has gone.
    Broken,
}

/// Turns a client's packet to a virtual end into one to a backend. Others stay as they are.
#[inline(always)]
pub(crate) fn translate<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let scope = if scratch.service.is_outside {
        Scope::Outside
    } else {
        Scope::Inside
    };
    let (header, payload) = scratch.parsed();
    let Scratch {
        flow,
        tuple,
        service,
        ..
    } = scratch;
    *flow = *tuple;
    service.may_serve = false;
    service.virtual_end = End::new(flow.destination, flow.destination_port);
    let is_virtual = if find_choice(maps, scratch) {
        match course(maps, payload.nature, scope, scratch) {
            Course::GoesOn => true,
            Course::Over => choose(maps, scope, scratch)?,
            Course::Broken => return Err(DropReason::ServiceBackendGone),
        }
    } else {
        choose(maps, scope, scratch)?
    };
    if !is_virtual {
        return Ok(());
    }
    scratch.event.frontend = scratch.service.virtual_end;
    send_to_backend(packet, (header, payload), scratch).ok_or(DropReason::NoTranslation)
}

/// Finds the backend that was chosen for packets of `scratch.flow`.
#[inline(always)]
fn find_choice<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    let Scratch {
        flow, key, service, ..
    } = scratch;
    flow.set_key(key);
    let found = maps.with_connection(key, |connection| {
        service.backend = connection.other;
        connection.flags & CONNTRACK_CHOICE != 0
    });
    found.unwrap_or(false)
}

/// How the connection of `scratch.flow` to its backend is.
#[inline(always)]
fn course<M: Maps>(maps: &M, nature: Nature, scope: Scope, scratch: &mut Scratch) -> Course {
    let now = maps.now();
    let generation = maps.generation();
    let Scratch {
        flow, key, service, ..
    } = scratch;
    set_key(flow, service, key);
    let found = maps.with_connection(key, |connection| {
        let is_over = connection.expires <= now
            || connection.other != service.virtual_end
            || nature.opens() && conntrack::is_closed(connection.state);
        if is_over {
            Course::Over
        } else if connection.generation == generation && !nature.opens() {
            Course::GoesOn
        } else {
            Course::Broken
        }
    });
    match found {
        None => Course::Over,
        Some(Course::Broken) => judged_again(maps, nature, scope, scratch),
        Some(course) => course,
    }
}

/// How a connection is that other tables were in force for, or whose first packet this may be.
#[inline(always)]
fn judged_again<M: Maps>(maps: &M, nature: Nature, scope: Scope, scratch: &mut Scratch) -> Course {
    let Scratch { flow, service, .. } = scratch;
    let member = match frontend(maps, maps.generation(), flow, service) {
        Some(frontend) => membership(maps, scope.of(frontend), service),
        None => None,
    };
    match (member, nature.opens()) {
        (Some(MEMBER_TAKES_NEW), _) | (Some(MEMBER_DRAINS), false) => Course::GoesOn,
        (None, false) if nature.kind == Kind::Stream => Course::Broken,
        _ => Course::Over,
    }
}

/// The virtual end in force that is the destination of `flow`.
#[inline(always)]
pub(crate) fn frontend<'a, M: Maps>(
    maps: &'a M,
    generation: Generation,
    flow: &Tuple,
    service: &mut ServiceScratch,
) -> Option<&'a Frontend> {
    service.key = FrontendKey::exact(flow.destination, flow.protocol(), flow.destination_port);
    maps.frontend(&service.key, generation)
}

/// Whether the backend is in a set, and how; `None` if not.
#[inline(always)]
pub(crate) fn membership<M: Maps>(
    maps: &M,
    set: BackendSet,
    service: &mut ServiceScratch,
) -> Option<u32> {
    service.member = MemberKey {
        set: set.id,
        backend: service.backend,
    };
    maps.member(&service.member)
}

/// Chooses a backend for a new connection; false if nothing virtual is there.
#[inline(always)]
fn choose<M: Maps>(maps: &M, scope: Scope, scratch: &mut Scratch) -> Result<bool, DropReason> {
    let Scratch {
        flow,
        key,
        service,
        event,
        ..
    } = scratch;
    for _ in 0..MAX_ATTEMPTS {
        let generation = maps.generation();
        let Some(frontend) = frontend(maps, generation, flow, service) else {
            return Ok(false);
        };
        event.frontend = service.virtual_end;
        let picked = pick(maps, frontend, scope, flow, service, Some(&mut *key));
        if maps.generation() == generation {
            service.is_chosen = true;
            return picked.map(|()| true);
        }
    }
    Err(DropReason::GenerationRace)
}

/// Picks the backend for a connection of `flow`. With a `key`, which is memory to build keys of connections in, one that
/// no other connection of the client has.
#[inline(always)]
pub(crate) fn pick<M: Maps>(
    maps: &M,
    frontend: &Frontend,
    scope: Scope,
    flow: &Tuple,
    service: &mut ServiceScratch,
    mut key: Option<&mut ConnectionKey>,
) -> Result<(), DropReason> {
    if frontend.number == 0 {
        return Err(DropReason::NoServicePort);
    }
    let set = scope.of(frontend);
    if set.slots == 0 {
        return Err(scope.nobody(frontend));
    }
    if scope == Scope::Outside && !is_welcome(maps, frontend, set, flow, service) {
        return Err(DropReason::OutsideSourceRanges);
    }
    if frontend.affinity == 0 {
        return from_slots(maps, frontend, set, flow, service, key);
    }
    service.client = AffinityKey {
        client: flow.source,
        number: frontend.number,
    };
    if !is_affine(maps, set, flow, service, key.as_deref_mut()) {
        from_slots(maps, frontend, set, flow, service, key)?;
    }
    service.affinity = Affinity {
        expires: maps.now() + u64::from(frontend.affinity) * NANOSECONDS,
        backend: service.backend,
        reserved: 0,
    };
    maps.put_affinity(&service.client, &service.affinity);
    Ok(())
}

/// Whether the service takes who asks from outside.
#[inline(always)]
fn is_welcome<M: Maps>(
    maps: &M,
    frontend: &Frontend,
    set: BackendSet,
    flow: &Tuple,
    service: &mut ServiceScratch,
) -> bool {
    if frontend.flags & FRONTEND_HAS_SOURCES == 0 {
        return true;
    }
    service.source.set_exact(set.id, &flow.source);
    maps.is_source(&service.source)
}

/// Finds where this client was sent before, if it is to go there again and can.
#[inline(always)]
fn is_affine<M: Maps>(
    maps: &M,
    set: BackendSet,
    flow: &Tuple,
    service: &mut ServiceScratch,
    key: Option<&mut ConnectionKey>,
) -> bool {
    let now = maps.now();
    let ServiceScratch {
        client, backend, ..
    } = service;
    let found = maps.with_affinity(client, |affinity| {
        *backend = affinity.backend;
        affinity.expires > now
    });
    found == Some(true)
        && membership(maps, set, service) == Some(MEMBER_TAKES_NEW)
        && is_free(maps, flow, service, key)
}

#[inline(always)]
fn from_slots<M: Maps>(
    maps: &M,
    frontend: &Frontend,
    set: BackendSet,
    flow: &Tuple,
    service: &mut ServiceScratch,
    mut key: Option<&mut ConnectionKey>,
) -> Result<(), DropReason> {
    let first = if frontend.flags & FRONTEND_HASHES != 0 {
        hash(flow)
    } else {
        maps.random()
    };
    for attempt in 0..TRIES {
        service.slot = SlotKey {
            set: set.id,
            slot: first.wrapping_add(attempt) % set.slots,
        };
        // Without a row the set has just gone: the generation has moved.
        let Some(backend) = maps.slot(&service.slot) else {
            break;
        };
        service.backend = *backend;
        if is_free(maps, flow, service, key.as_deref_mut()) {
            return Ok(());
        }
    }
    Err(DropReason::NoTranslation)
}

/// The same number for the same connection on every node; alike numbers of clients are far apart.
#[inline(always)]
fn hash(flow: &Tuple) -> u32 {
    /// Of the last step of `MurmurHash3`, which mixes 64 bits.
    const FIRST: u64 = 0xff51_afd7_ed55_8ccd;
    const SECOND: u64 = 0xc4ce_b9fe_1a85_ec53;
    let (high, low) = flow.source.halves();
    let ports = u64::from(flow.source_port.number()) << 32
        | u64::from(flow.destination_port.number()) << 16
        | u64::from(flow.protocol());
    let mut value = (high ^ low.rotate_left(29)).wrapping_mul(FIRST) ^ ports;
    value = (value ^ (value >> 33)).wrapping_mul(FIRST);
    value = (value ^ (value >> 33)).wrapping_mul(SECOND);
    ((value ^ (value >> 33)) >> 32) as u32
}

/// Whether no other connection of the client has this backend: it would be taken for that one. Without a `key` no packet
/// is there that could be.
#[inline(always)]
fn is_free<M: Maps>(
    maps: &M,
    flow: &Tuple,
    service: &ServiceScratch,
    key: Option<&mut ConnectionKey>,
) -> bool {
    let Some(key) = key else {
        return true;
    };
    let now = maps.now();
    set_key(flow, service, key);
    let is_free = maps.with_connection(key, |connection| {
        connection.expires <= now
            || connection.other == service.virtual_end
            || conntrack::is_closed(connection.state)
    });
    is_free.unwrap_or(true)
}

/// The key of the connection of `flow`'s client to the backend.
#[inline(always)]
fn set_key(flow: &Tuple, service: &ServiceScratch, key: &mut ConnectionKey) {
    let backend = &service.backend;
    key.set_to_backend(&(flow.source, flow.source_port), backend, flow.protocol());
}

/// Rewrites a packet to the virtual end, and `scratch.tuple`.
#[inline(always)]
fn send_to_backend<P: Packet>(
    packet: &mut P,
    parsed: (Header, Payload),
    scratch: &mut Scratch,
) -> Option<()> {
    let Scratch {
        tuple,
        flow,
        service,
        ..
    } = scratch;
    let backend = &service.backend;
    if backend.address == flow.source {
        let port = flow.source_port;
        tuple.source = *flow.source.loopback();
        let to_loopback = Rewrite {
            side: Side::Source,
            old: (&flow.source, port),
            new: (&tuple.source, port),
        };
        rewrite::packet(packet, parsed, &to_loopback)?;
    }
    let to_backend = Rewrite {
        side: Side::Destination,
        old: (&flow.destination, flow.destination_port),
        new: (&backend.address, backend.port),
    };
    tuple.destination = backend.address;
    tuple.destination_port = backend.port;
    rewrite::packet(packet, parsed, &to_backend)
}

/// Writes down which backend the client of `scratch.tuple` was sent to, if that was chosen for this packet.
#[inline(always)]
pub(crate) fn remember<M: Maps>(maps: &M, scratch: &mut Scratch) -> Result<(), DropReason> {
    if !scratch.service.is_chosen {
        return Ok(());
    }
    let Scratch {
        flow,
        key,
        connection,
        event,
        service,
        ..
    } = scratch;
    let client_is_low = flow.set_key(key);
    *connection = Connection {
        generation: event.generation,
        flags: if client_is_low {
            CONNTRACK_CHOICE | CONNTRACK_FORWARD_LOW
        } else {
            CONNTRACK_CHOICE
        },
        other: service.backend,
        ..Connection::default()
    };
    maps.put_connection(key, connection)
        .map_err(|Full| DropReason::ConntrackFull)
}

/// Makes an answer of a backend, to the client of `scratch.tuple`, one of the virtual end `scratch.event.frontend`.
#[inline(always)]
pub(crate) fn answer<P: Packet>(packet: &mut P, scratch: &mut Scratch) -> Result<(), DropReason> {
    let parsed = scratch.parsed();
    let Scratch { tuple, event, .. } = scratch;
    let frontend = event.frontend;
    if is_loopback(&tuple.destination) {
        let port = tuple.destination_port;
        let to_itself = Rewrite {
            side: Side::Destination,
            old: (&tuple.destination, port),
            new: (&tuple.source, port),
        };
        rewrite::packet(packet, parsed, &to_itself).ok_or(DropReason::NoTranslation)?;
    }
    let from_virtual = Rewrite {
        side: Side::Source,
        old: (&tuple.source, tuple.source_port),
        new: (&frontend.address, frontend.port),
    };
    rewrite::packet(packet, parsed, &from_virtual).ok_or(DropReason::NoTranslation)
}

/// Whether what `scratch.tuple` says is between a client and a backend of a service.
#[inline(always)]
pub(crate) fn is_from_backend<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    let Scratch { tuple, key, .. } = scratch;
    tuple.set_key(key);
    let found = maps.with_connection(key, |connection| {
        connection.flags & CONNTRACK_CHOICE == 0 && connection.other != End::NONE
    });
    found.unwrap_or(false)
}

/// Whether what `scratch.tuple` says is from a virtual end to its client.
#[inline(always)]
pub(crate) fn is_answer<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    let Scratch { tuple, key, .. } = scratch;
    tuple.set_key(key);
    let found = maps.with_connection(key, |connection| connection.flags & CONNTRACK_CHOICE != 0);
    found.unwrap_or(false)
}

/// A client's ICMP error about what came from a virtual end is one about what came from the backend.
#[inline(always)]
pub(crate) fn translate_error<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (header, payload) = scratch.parsed();
    let Ok(mut quoted) = parse::quoted(packet, payload, scratch) else {
        return Ok(());
    };
    scratch.flow = scratch.quoted.back();
    // A pod speaks of what it was sent itself. Outside there are routers.
    let is_from_router = scratch.flow.source != scratch.tuple.source;
    if is_from_router && !scratch.service.is_outside {
        return Ok(());
    }
    if !find_choice(maps, scratch) {
        return Ok(());
    }
    // The verifier would follow each kind of packet on its own from here.
    quoted.nature = settled(&mut scratch.transport.nature, quoted.nature);
    let Scratch {
        tuple,
        flow,
        service,
        ..
    } = scratch;
    let backend = &service.backend;
    let to_backend = |side| Rewrite {
        side,
        old: (&flow.destination, flow.destination_port),
        new: (&backend.address, backend.port),
    };
    let inner = (flow.protocol(), quoted);
    scratch.is_translated = true;
    let mut rewritten = Some(());
    if tuple.destination == flow.destination {
        rewritten = rewrite::packet(packet, (header, payload), &to_backend(Side::Destination));
        tuple.destination = backend.address;
    }
    rewritten
        .and_then(|()| rewrite::quoted(packet, (header, payload), inner, &to_backend(Side::Source)))
        .ok_or(DropReason::NoTranslation)
}

/// An ICMP error about what was sent to a backend is, to its client, one about what was sent to the virtual end
/// `scratch.event.frontend`. `quoted` is the packet that it quotes, with the ends in `scratch.quoted`.
#[inline(always)]
pub(crate) fn answer_error<P: Packet>(
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let parsed = scratch.parsed();
    let Scratch {
        tuple,
        quoted: ends,
        event,
        ..
    } = scratch;
    let frontend = &event.frontend;
    let inner = (ends.protocol(), scratch.inner);
    let mut changed = Some(());
    if tuple.source == ends.destination {
        let from_virtual = Rewrite {
            side: Side::Source,
            old: (&ends.destination, ends.destination_port),
            new: (&frontend.address, frontend.port),
        };
        changed = rewrite::packet(packet, parsed, &from_virtual);
    }
    let to_virtual = Rewrite {
        side: Side::Destination,
        old: (&ends.destination, ends.destination_port),
        new: (&frontend.address, frontend.port),
    };
    changed
        .and_then(|()| rewrite::quoted(packet, parsed, inner, &to_virtual))
        .ok_or(DropReason::NoTranslation)
}

/// An error about what a pod sent to itself is for the pod, and quotes it as the pod sent it.
#[inline(always)]
pub(crate) fn error_to_itself<P: Packet>(
    packet: &mut P,
    scratch: &Scratch,
) -> Result<(), DropReason> {
    let parsed = scratch.parsed();
    let ends = &scratch.quoted;
    let inner = (ends.protocol(), scratch.inner);
    let itself = |side| Rewrite {
        side,
        old: (&ends.source, ends.source_port),
        new: (&ends.destination, ends.source_port),
    };
    rewrite::packet(packet, parsed, &itself(Side::Destination))
        .and_then(|()| rewrite::quoted(packet, parsed, inner, &itself(Side::Source)))
        .ok_or(DropReason::NoTranslation)
}
