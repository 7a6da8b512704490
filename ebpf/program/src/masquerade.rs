//! Masquerade: what pods send out of the cluster has their node's address there, and what comes back is theirs again.
//!
//! The pod's own connection, tracked where the pod's link is, knows its port on the node; a row of the translation table
//! leads the other way. So a masqueraded connection lives and dies as the pod's own, and policies and events see the pod.

use crate::conntrack;
use crate::parse::{self, Header, Kind, Payload};
use crate::policy::Way;
use crate::rewrite::{self, Rewrite, Side};
use crate::scratch::{Scratch, settled};
use crate::{Full, Maps, Packet};
use abi::{
    Address, CONNTRACK_MASQUERADED, DropReason, Port, PortRange, Translation, TranslationKey,
    protocol,
};

/// How many ports are tried for a connection.
const TRIES: u32 = 32;

/// How a pod's packet leaves the cluster.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Departure {
    /// With this port on the node's address.
    Masqueraded(Port),
    /// As it is: its remote end knows the pod's address.
    Unchanged,
    /// Its connection was never answered, nothing is decided.
    Open,
    /// There is no connection.
    Unknown,
}

/// Gives a pod's packet out of the cluster its node's address `node`, if it shall have it there.
#[inline(always)]
pub(crate) fn depart<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (header, payload) = scratch.parsed();
    let node = &{ scratch.translation_key.node };
    let is_onward = scratch.way == Way::Onward;
    let is_error = payload.nature.kind == Kind::IcmpError;
    let mut quoted = payload;
    if is_error {
        // A pod speaks of what it was sent: the quoted packet goes the other way.
        quoted = parse::quoted(packet, payload, scratch)?;
        scratch.flow = scratch.quoted.back();
        // Outside of the cluster there are routers.
        if scratch.flow.source != scratch.tuple.source && !is_onward {
            return Err(DropReason::NoTranslation);
        }
    } else {
        scratch.flow = scratch.tuple;
    }
    let node_port = match departure(maps, scratch) {
        Departure::Masqueraded(port) => port,
        Departure::Unchanged => return Ok(()),
        _ if !is_onward && maps.is_unmasqueraded(&scratch.tuple.destination) => return Ok(()),
        Departure::Open if !is_error => claim_port(maps, payload.nature.kind, node, scratch)?,
        _ => return Err(DropReason::NoTranslation),
    };
    let Scratch { flow, tuple, .. } = scratch;
    let rewrite = |side, old| Rewrite {
        side,
        old: (old, flow.source_port),
        new: (node, node_port),
    };
    let from_node = rewrite(Side::Source, &tuple.source);
    let mut rewritten = rewrite::packet(packet, (header, payload), &from_node);
    if is_error {
        let inner = (flow.protocol(), quoted);
        let to_node = rewrite(Side::Destination, &flow.source);
        rewritten =
            rewritten.and_then(|()| rewrite::quoted(packet, (header, payload), inner, &to_node));
    }
    rewritten.ok_or(DropReason::NoTranslation)
}

/// Gives a packet to the node's own address that belongs to a masqueraded connection the address of the pod, in `scratch`
/// too. Others stay as they are.
#[inline(always)]
pub(crate) fn arrive<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (header, payload) = scratch.parsed();
    let is_error = payload.nature.kind == Kind::IcmpError;
    let mut quoted = payload;
    if is_error {
        let Ok(found) = parse::quoted(packet, payload, scratch) else {
            return Ok(());
        };
        quoted = found;
        scratch.flow = scratch.quoted;
        if scratch.flow.source != scratch.tuple.destination {
            return Ok(());
        }
    } else {
        scratch.flow = scratch.tuple.back();
    }
    if !find_pod(maps, scratch) {
        return Ok(());
    }
    parse::remember_first(maps, header, scratch)?;
    // The verifier would follow each kind of packet on its own from here.
    quoted.nature = settled(&mut scratch.transport.nature, quoted.nature);
    let rewritten = translate_back(
        packet,
        (header, payload),
        is_error.then_some(quoted),
        scratch,
    );
    rewritten.ok_or(DropReason::NoTranslation)
}

/// The packet's way back into the cluster: `scratch.flow` is the connection from the node's address, and
/// `scratch.translation` its pod.
#[inline(always)]
fn translate_back<P: Packet>(
    packet: &mut P,
    (header, payload): (Header, Payload),
    quoted: Option<Payload>,
    scratch: &mut Scratch,
) -> Option<()> {
    let Scratch {
        tuple,
        flow,
        translation,
        ..
    } = scratch;
    let rewrite = |side| Rewrite {
        side,
        old: (&flow.source, flow.source_port),
        new: (&translation.pod, translation.pod_port),
    };
    rewrite::packet(packet, (header, payload), &rewrite(Side::Destination))?;
    tuple.destination = translation.pod;
    scratch.is_translated = true;
    if let Some(quoted) = quoted {
        let inner = (flow.protocol(), quoted);
        rewrite::quoted(packet, (header, payload), inner, &rewrite(Side::Source))
    } else {
        tuple.destination_port = translation.pod_port;
        Some(())
    }
}

/// Whether a packet with the node's address was given it: it belongs to a living masqueraded connection.
#[inline(always)]
pub(crate) fn is_translated<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    scratch.flow = scratch.tuple;
    find_pod(maps, scratch)
}

/// What the pod's connection says of a packet of `scratch.flow`.
#[inline(always)]
fn departure<M: Maps>(maps: &M, scratch: &mut Scratch) -> Departure {
    let now = maps.now();
    let Scratch { flow, key, .. } = scratch;
    let pod_is_low = flow.set_key(key);
    let found = maps.with_connection(key, |connection| {
        if connection.expires <= now {
            Departure::Unknown
        } else if connection.flags & CONNTRACK_MASQUERADED != 0 {
            Departure::Masqueraded(connection.node_port)
        } else if conntrack::is_opened_by(connection, pod_is_low) && connection.packets[1] == 0 {
            Departure::Open
        } else {
            Departure::Unchanged
        }
    });
    found.unwrap_or(Departure::Unknown)
}

/// Finds a port on the node's address for the connection of `scratch.flow` and writes it down both ways.
///
/// The search begins where the pod's own port leads, so a connection that was forgotten finds its old place again.
#[inline(always)]
fn claim_port<M: Maps>(
    maps: &M,
    kind: Kind,
    node: &Address,
    scratch: &mut Scratch,
) -> Result<Port, DropReason> {
    note_ends(node, scratch);
    let may_change = matches!(scratch.flow.protocol(), protocol::TCP | protocol::UDP)
        || kind == Kind::EchoRequest;
    let ports = if scratch.way == Way::Onward {
        maps.service_ports()
    } else {
        maps.masquerade_ports()
    };
    for attempt in 0..TRIES {
        let wanted = scratch.flow.source_port;
        let Some(port) = candidate(ports, wanted, may_change, attempt) else {
            break;
        };
        scratch.translation_key.node_port = port;
        if claim(maps, scratch)? {
            return settle(maps, scratch);
        }
    }
    Err(DropReason::MasqueradePortsExhausted)
}

/// The port to try: the pod's own if it is in the range, then others all over it. Where a packet has no port that can be
/// changed, there is but one.
#[inline(always)]
fn candidate(ports: PortRange, wanted: Port, may_change: bool, attempt: u32) -> Option<Port> {
    if !may_change {
        return (attempt == 0).then_some(wanted);
    }
    let count = ports.count();
    if attempt >= count {
        return None;
    }
    let step = if count > TRIES { count / TRIES } else { 1 };
    Some(ports.nth(wanted, attempt * step))
}

/// Takes the place of `scratch.translation_key` for this connection, unless a living one has it.
#[inline(always)]
fn claim<M: Maps>(maps: &M, scratch: &mut Scratch) -> Result<bool, DropReason> {
    if let Some(other) = maps.translation(&scratch.translation_key) {
        if other == scratch.translation {
            return Ok(true);
        }
        if holds(maps, &other, scratch) {
            return Ok(false);
        }
        maps.remove_translation(&scratch.translation_key);
    }
    maps.add_translation(&scratch.translation_key, &scratch.translation)
        .map_err(|Full| DropReason::TranslationTableFull)
}

/// Whether a row of the table is in use: the pod's connection lives, and has no other port.
#[inline(always)]
fn holds<M: Maps>(maps: &M, row: &Translation, scratch: &mut Scratch) -> bool {
    let now = maps.now();
    let Scratch {
        key,
        translation_key: outside,
        ..
    } = scratch;
    key.set(
        &(row.pod, row.pod_port),
        &(outside.remote, outside.remote_port),
        outside.protocol,
    );
    let node_port = outside.node_port;
    let holds = maps.with_connection(key, |connection| {
        connection.expires > now && connection.may_have(node_port)
    });
    holds.unwrap_or(false)
}

/// Writes the port that was claimed into the pod's connection.
#[inline(always)]
fn settle<M: Maps>(maps: &M, scratch: &mut Scratch) -> Result<Port, DropReason> {
    let Scratch {
        flow,
        key,
        translation_key,
        ..
    } = scratch;
    let node_port = translation_key.node_port;
    flow.set_key(key);
    maps.with_connection(key, |connection| {
        connection.node_port = node_port;
        connection.flags |= CONNTRACK_MASQUERADED;
        node_port
    })
    .ok_or(DropReason::NoTranslation)
}

/// Notes both ends of `scratch.flow` for the table, but for the port on the node's address.
#[inline(always)]
fn note_ends(node: &Address, scratch: &mut Scratch) {
    let flow = &scratch.flow;
    scratch.translation_key = TranslationKey {
        node: *node,
        remote: flow.destination,
        node_port: Port::NONE,
        remote_port: flow.destination_port,
        protocol: flow.protocol(),
        reserved: [0; 3],
    };
    scratch.translation = Translation {
        pod: flow.source,
        pod_port: flow.source_port,
        reserved: [0; 2],
    };
}

/// Finds the pod behind the node's end of `scratch.flow`.
#[inline(always)]
fn find_pod<M: Maps>(maps: &M, scratch: &mut Scratch) -> bool {
    let flow = &scratch.flow;
    scratch.translation_key = TranslationKey {
        node: flow.source,
        remote: flow.destination,
        node_port: flow.source_port,
        remote_port: flow.destination_port,
        protocol: flow.protocol(),
        reserved: [0; 3],
    };
    let Some(row) = maps.translation(&scratch.translation_key) else {
        return false;
    };
    scratch.translation = row;
    holds(maps, &row, scratch)
}
