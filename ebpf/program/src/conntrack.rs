//! Connection tracking: one entry for both directions, judged under a generation.

use crate::parse::{CLOSES, ENDS, Kind, Nature, RESETS};
use crate::scratch::{Tuple, settled};
use crate::{Full, Maps};
use abi::{
    CONNTRACK_CHOICE, CONNTRACK_CLOSED_FORWARD, CONNTRACK_CLOSED_REPLY, CONNTRACK_FORWARD_LOW,
    Connection, ConnectionKey, ConnectionState, DropReason, End, Generation, Occasion, Timeout,
    protocol,
};

/// What an entry waits for in this state.
#[inline(always)]
const fn timeout(protocol_number: u8, state: u8) -> Timeout {
    const NEW: u8 = ConnectionState::New as u8;
    const CLOSING: u8 = ConnectionState::Closing as u8;
    const CLOSED: u8 = ConnectionState::Closed as u8;
    const REVOKED: u8 = ConnectionState::Revoked as u8;
    const RESET: u8 = ConnectionState::Reset as u8;
    match (protocol_number, state) {
        (_, REVOKED) => Timeout::Revoked,
        (protocol::ICMP | protocol::ICMPV6, _) => Timeout::Echo,
        (protocol::TCP | protocol::SCTP, NEW) => Timeout::StreamOpening,
        (protocol::TCP | protocol::SCTP, CLOSING) => Timeout::StreamClosing,
        (protocol::TCP | protocol::SCTP, CLOSED) => Timeout::StreamClosed,
        (protocol::TCP | protocol::SCTP, RESET) => Timeout::StreamReset,
        (protocol::TCP | protocol::SCTP, _) => Timeout::StreamEstablished,
        (_, NEW) => Timeout::DatagramOpening,
        _ => Timeout::DatagramEstablished,
    }
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
    /// It answers a connection that was turned to deny.
    Revoked,
    /// Its connection is one to another virtual end, or to none.
    Foreign,
    /// It is between a client and a virtual end.
    Choice,
}

impl Known {
    /// Why the policies are asked.
    #[inline(always)]
    pub(crate) const fn occasion(self) -> Occasion {
        match self {
            Self::New => Occasion::Opens,
            _ => Occasion::Continues,
        }
    }
}

impl Step {
    /// The step that a packet is, and the key of its connection.
    #[inline(always)]
    pub(crate) fn of(tuple: &Tuple, nature: Nature, key: &mut ConnectionKey) -> Self {
        let source_is_low = tuple.set_key(key);
        Self {
            source_is_low,
            nature,
            protocol: tuple.protocol(),
        }
    }

    /// Whether it is an echo reply.
    #[inline(always)]
    pub(crate) const fn is_echo_reply(self) -> bool {
        matches!(self.nature.kind, Kind::EchoReply)
    }

    /// Whether the packet goes the way of the one that opened the connection.
    #[inline(always)]
    const fn is_forward(self, connection: &Connection) -> bool {
        is_opened_by(connection, self.source_is_low)
    }
}

/// Whether the end that is `low`, or is not, opened the connection.
#[inline(always)]
pub(crate) const fn is_opened_by(connection: &Connection, is_low: bool) -> bool {
    (connection.flags & CONNTRACK_FORWARD_LOW != 0) == is_low
}

/// Looks a packet's connection up and, if it passes, moves it on. `frontend` is the virtual end that the packet was sent
/// to; of an answer it becomes the one that it is from.
#[inline(always)]
pub(crate) fn track<M: Maps>(
    maps: &M,
    key: &ConnectionKey,
    step: Step,
    generation: Generation,
    frontend: &mut End,
) -> Result<Known, DropReason> {
    let now = maps.now();
    let known = maps.with_connection(key, |connection| {
        if connection.flags & CONNTRACK_CHOICE != 0 {
            return Known::Choice;
        }
        let forward = step.is_forward(connection);
        if connection.expires <= now || reopens(connection, step.nature, forward) {
            return Known::New;
        }
        let revoked = connection.state == ConnectionState::Revoked as u8;
        if revoked && !forward {
            return Known::Revoked;
        }
        if forward && connection.other != *frontend {
            return Known::Foreign;
        }
        if forward && (revoked || connection.generation != generation) {
            return Known::Stale;
        }
        advance(maps, connection, step, forward, now);
        if !forward {
            *frontend = connection.other;
        }
        Known::Passes
    });
    match known.unwrap_or(Known::New) {
        Known::Revoked => Err(DropReason::ConnectionRevoked),
        Known::Foreign => Err(DropReason::NoTranslation),
        known => Ok(known),
    }
}

/// The virtual end that this packet was sent to, if it belongs to a tracked, living connection, in either direction:
/// [`End::NONE`] if to none, `None` if there is no such connection.
#[inline(always)]
pub(crate) fn tracked<M: Maps>(maps: &M, key: &ConnectionKey, step: Step) -> Option<End> {
    let now = maps.now();
    let found = maps.with_connection(key, |connection| {
        let lives = connection.expires > now
            && connection.state != ConnectionState::Revoked as u8
            && connection.flags & CONNTRACK_CHOICE == 0;
        let sent_to = if step.is_forward(connection) {
            connection.other
        } else {
            End::NONE
        };
        lives.then_some(sent_to)
    });
    found?
}

/// Remembers a connection that the policies allow. `connection` is only memory to build the entry in.
#[inline(always)]
pub(crate) fn open<M: Maps>(
    maps: &M,
    key: &ConnectionKey,
    step: Step,
    generation: Generation,
    frontend: End,
    connection: &mut Connection,
) -> Result<(), DropReason> {
    *connection = Connection {
        generation,
        flags: if step.source_is_low {
            CONNTRACK_FORWARD_LOW
        } else {
            0
        },
        other: frontend,
        ..Connection::default()
    };
    advance(maps, connection, step, true, maps.now());
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
            connection.expires = now + maps.timeout(Timeout::Revoked as u8);
            return;
        }
        if connection.state == ConnectionState::Revoked as u8 {
            connection.state = ConnectionState::Established as u8;
        }
        advance(maps, connection, step, true, now);
    });
}

/// Whether a packet opens a connection in place of this one: on a stream that has closed (RFC 9293 section 3.6.1 allows
/// it in TIME-WAIT), or against its direction, which no answer does.
///
/// So two ends that open a stream to each other at the same moment need policies that allow both.
#[inline(always)]
fn reopens(connection: &Connection, nature: Nature, forward: bool) -> bool {
    nature.opens() && (!forward || is_closed(connection.state))
}

#[inline(always)]
pub(crate) const fn is_closed(state: u8) -> bool {
    state == ConnectionState::Closing as u8
        || state == ConnectionState::Closed as u8
        || state == ConnectionState::Reset as u8
}

/// Moves a connection on by one packet.
#[inline(always)]
fn advance<M: Maps>(maps: &M, connection: &mut Connection, step: Step, forward: bool, now: u64) {
    if step.nature.kind == Kind::Stream {
        close(connection, step.nature.detail, forward);
    }
    if !forward && connection.state == ConnectionState::New as u8 {
        connection.state = ConnectionState::Established as u8;
    }
    let index = usize::from(!forward);
    connection.packets[index] = connection.packets[index].wrapping_add(1);
    let waits = timeout(step.protocol, connection.state) as u8;
    let waits = settled(&mut connection.timeout, waits);
    connection.expires = now + maps.timeout(waits);
}

#[inline(always)]
fn close(connection: &mut Connection, detail: u8, forward: bool) {
    const BOTH: u8 = CONNTRACK_CLOSED_FORWARD | CONNTRACK_CLOSED_REPLY;
    if detail & CLOSES != 0 {
        connection.flags |= if forward {
            CONNTRACK_CLOSED_FORWARD
        } else {
            CONNTRACK_CLOSED_REPLY
        };
        connection.state = ConnectionState::Closing as u8;
    }
    if detail & ENDS != 0 || connection.flags & BOTH == BOTH {
        connection.state = ConnectionState::Closed as u8;
    }
    if detail & RESETS != 0 {
        connection.state = ConnectionState::Reset as u8;
    }
}
