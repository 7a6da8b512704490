//! Connection tracking: one entry for both directions, judged under a generation.

use crate::parse::{Kind, Nature};
use crate::scratch::Tuple;
use crate::{Full, Maps};
use abi::{
    CONNTRACK_CLOSED_FORWARD, CONNTRACK_CLOSED_REPLY, CONNTRACK_FORWARD_LOW, Connection,
    ConnectionKey, ConnectionState, DropReason, Generation, protocol,
};

const SECOND: u64 = 1_000_000_000;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// How long an entry lives after its last packet, in nanoseconds of the conntrack clock.
///
/// TCP and SCTP: 60 s until the first reply, then 8,000 s (RFC 5382 asks for at least 2 h 4 min), 10 s once closed.
/// Others: 30 s until the first reply, then 120 s (RFC 4787 asks for at least 2 min).
#[must_use]
#[inline(always)]
pub const fn lifetime(protocol_number: u8, state: ConnectionState) -> u64 {
    let stream = matches!(protocol_number, protocol::TCP | protocol::SCTP);
    let seconds = match (stream, state) {
        (true, ConnectionState::New | ConnectionState::Revoked) => 60,
        (true, ConnectionState::Established) => 8_000,
        (_, ConnectionState::Closed) => 10,
        (false, ConnectionState::New) => 30,
        (_, ConnectionState::Closing) | (false, _) => 120,
    };
    seconds * SECOND
}

/// One packet of a connection: whether the smaller end sent it, and what kind it is.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    source_is_low: bool,
    nature: Nature,
    protocol: u8,
}

/// What the table says of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It belongs to a connection that may pass.
    Passes,
    /// Its connection was judged by another generation, or denied by one: ask the policies again.
    Stale,
    /// Nothing is known of it: it would open a connection.
    New,
}

impl Step {
    /// The step that a packet is, and the key of its connection.
    #[inline(always)]
    pub(crate) fn of(tuple: &Tuple, nature: Nature, key: &mut ConnectionKey) -> Self {
        let source_is_low = source_is_low(tuple);
        if source_is_low {
            key.low = tuple.source;
            key.high = tuple.destination;
            key.low_port = tuple.source_port;
            key.high_port = tuple.destination_port;
        } else {
            key.low = tuple.destination;
            key.high = tuple.source;
            key.low_port = tuple.destination_port;
            key.high_port = tuple.source_port;
        }
        key.protocol = tuple.protocol();
        key.reserved = [0; 3];
        Self {
            source_is_low,
            nature,
            protocol: tuple.protocol(),
        }
    }

    /// Whether the packet goes the way of the one that opened the connection.
    #[inline(always)]
    const fn is_forward(self, connection: &Connection) -> bool {
        (connection.flags & CONNTRACK_FORWARD_LOW != 0) == self.source_is_low
    }
}

#[inline(always)]
fn source_is_low(tuple: &Tuple) -> bool {
    let (source_high, source_low) = tuple.source.halves();
    let (destination_high, destination_low) = tuple.destination.halves();
    if source_high != destination_high {
        return source_high < destination_high;
    }
    if source_low != destination_low {
        return source_low < destination_low;
    }
    tuple.source_port.number() <= tuple.destination_port.number()
}

/// Looks a packet's connection up and, if it passes, moves it on.
#[inline(always)]
pub(crate) fn track<M: Maps>(
    maps: &M,
    key: &ConnectionKey,
    step: Step,
    generation: Generation,
) -> Result<Known, DropReason> {
    let now = maps.now();
    let known = maps.with_connection(key, |connection| {
        if connection.expires <= now || reopens(connection, step.nature) {
            return Ok(Known::New);
        }
        let forward = step.is_forward(connection);
        let revoked = connection.state == ConnectionState::Revoked as u8;
        if revoked && !forward {
            return Err(DropReason::ConnectionRevoked);
        }
        if forward && (revoked || connection.generation != generation) {
            return Ok(Known::Stale);
        }
        advance(connection, step, forward, now);
        Ok(Known::Passes)
    });
    known.unwrap_or(Ok(Known::New))
}

/// Whether a tracked, living connection belongs to this packet, in either direction.
#[inline(always)]
pub(crate) fn is_tracked<M: Maps>(maps: &M, key: &ConnectionKey) -> bool {
    let now = maps.now();
    maps.with_connection(key, |connection| {
        connection.expires > now && connection.state != ConnectionState::Revoked as u8
    })
    .unwrap_or(false)
}

/// Remembers a connection that the policies allow. `connection` is only memory to build the entry in.
#[inline(always)]
pub(crate) fn open<M: Maps>(
    maps: &M,
    key: &ConnectionKey,
    step: Step,
    generation: Generation,
    connection: &mut Connection,
) -> Result<(), DropReason> {
    *connection = Connection {
        generation,
        flags: if step.source_is_low {
            CONNTRACK_FORWARD_LOW
        } else {
            0
        },
        ..Connection::default()
    };
    advance(connection, step, true, maps.now());
    maps.put_connection(key, connection)
        .map_err(|Full| DropReason::ConntrackFull)
}

/// Writes down that a known connection was judged again.
#[inline(always)]
pub(crate) fn rejudged<M: Maps>(
    maps: &M,
    key: &ConnectionKey,
    step: Step,
    generation: Generation,
    allowed: bool,
) {
    let now = maps.now();
    let _ = maps.with_connection(key, |connection| {
        connection.generation = generation;
        if !allowed {
            connection.state = ConnectionState::Revoked as u8;
            return;
        }
        if connection.state == ConnectionState::Revoked as u8 {
            connection.state = ConnectionState::Established as u8;
        }
        advance(connection, step, true, now);
    });
}

/// A SYN on a connection that has closed opens a new one (RFC 9293 section 3.6.1 allows it in TIME-WAIT).
#[inline(always)]
fn reopens(connection: &Connection, nature: Nature) -> bool {
    let opens = nature.kind == Kind::Tcp && nature.detail & (SYN | ACK) == SYN;
    let closed = connection.state == ConnectionState::Closing as u8
        || connection.state == ConnectionState::Closed as u8;
    opens && closed
}

/// Moves a connection on by one packet.
#[inline(always)]
fn advance(connection: &mut Connection, step: Step, forward: bool, now: u64) {
    if step.nature.kind == Kind::Tcp {
        close(connection, step.nature.detail, forward);
    }
    if !forward && connection.state == ConnectionState::New as u8 {
        connection.state = ConnectionState::Established as u8;
    }
    let index = usize::from(!forward);
    connection.packets[index] = connection.packets[index].wrapping_add(1);
    connection.expires = now + lifetime(step.protocol, state(connection));
}

#[inline(always)]
fn close(connection: &mut Connection, flags: u8, forward: bool) {
    const BOTH: u8 = CONNTRACK_CLOSED_FORWARD | CONNTRACK_CLOSED_REPLY;
    if flags & FIN != 0 {
        connection.flags |= if forward {
            CONNTRACK_CLOSED_FORWARD
        } else {
            CONNTRACK_CLOSED_REPLY
        };
        connection.state = ConnectionState::Closing as u8;
    }
    if flags & RST != 0 || connection.flags & BOTH == BOTH {
        connection.state = ConnectionState::Closed as u8;
    }
}

#[inline(always)]
const fn state(connection: &Connection) -> ConnectionState {
    match connection.state {
        0 => ConnectionState::New,
        1 => ConnectionState::Established,
        2 => ConnectionState::Closing,
        3 => ConnectionState::Closed,
        _ => ConnectionState::Revoked,
    }
}
