//! Connection tracking: one entry for both directions, judged under a generation.

use crate::Maps;
use crate::parse::{Datagram, Kind};
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

/// A packet's connection, and which of its ends sent the packet.
#[derive(Clone, Copy)]
pub(crate) struct Flow {
    pub(crate) key: ConnectionKey,
    source_is_low: bool,
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

impl Flow {
    #[inline(always)]
    pub(crate) fn of(datagram: &Datagram) -> Self {
        let source = (datagram.source, datagram.transport.source);
        let destination = (datagram.destination, datagram.transport.destination);
        let source_is_low = precedes(&source, &destination);
        let (low, high) = if source_is_low {
            (source, destination)
        } else {
            (destination, source)
        };
        Self {
            key: ConnectionKey {
                low: low.0,
                high: high.0,
                low_port: low.1,
                high_port: high.1,
                protocol: datagram.protocol,
                reserved: [0; 3],
            },
            source_is_low,
        }
    }

    /// Whether the packet goes the way of the one that opened the connection.
    #[inline(always)]
    fn is_forward(&self, connection: &Connection) -> bool {
        (connection.flags & CONNTRACK_FORWARD_LOW != 0) == self.source_is_low
    }
}

#[inline(always)]
fn precedes(a: &(abi::Address, abi::Port), b: &(abi::Address, abi::Port)) -> bool {
    let (a_high, a_low) = a.0.halves();
    let (b_high, b_low) = b.0.halves();
    if a_high != b_high {
        return a_high < b_high;
    }
    if a_low != b_low {
        return a_low < b_low;
    }
    a.1.number() <= b.1.number()
}

/// Looks a packet's connection up and, if it passes, moves it on.
#[inline(always)]
pub(crate) fn track<M: Maps>(
    maps: &M,
    flow: &Flow,
    datagram: &Datagram,
    generation: Generation,
) -> Result<Known, DropReason> {
    let now = maps.now();
    let known = maps.with_connection(&flow.key, |connection| {
        if connection.expires <= now || reopens(connection, datagram.transport.kind) {
            return Ok(Known::New);
        }
        let forward = flow.is_forward(connection);
        let revoked = connection.state == ConnectionState::Revoked as u8;
        if revoked && !forward {
            return Err(DropReason::ConnectionRevoked);
        }
        if forward && (revoked || connection.generation != generation) {
            return Ok(Known::Stale);
        }
        advance(connection, datagram, forward, now);
        Ok(Known::Passes)
    });
    known.unwrap_or(Ok(Known::New))
}

/// Whether a tracked, living connection belongs to this packet, in either direction.
#[inline(always)]
pub(crate) fn is_tracked<M: Maps>(maps: &M, flow: &Flow) -> bool {
    let now = maps.now();
    maps.with_connection(&flow.key, |connection| {
        connection.expires > now && connection.state != ConnectionState::Revoked as u8
    })
    .unwrap_or(false)
}

/// Remembers a connection that the policies allow.
#[inline(always)]
pub(crate) fn open<M: Maps>(
    maps: &M,
    flow: &Flow,
    datagram: &Datagram,
    generation: Generation,
) -> Result<(), DropReason> {
    let flags = if flow.source_is_low {
        CONNTRACK_FORWARD_LOW
    } else {
        0
    };
    let mut connection = Connection {
        generation,
        expires: 0,
        packets: [0; 2],
        state: ConnectionState::New as u8,
        flags,
        reserved: [0; 6],
    };
    advance(&mut connection, datagram, true, maps.now());
    maps.put_connection(&flow.key, &connection)
        .map_err(|_| DropReason::ConntrackFull)
}

/// Writes down that a known connection was judged again.
#[inline(always)]
pub(crate) fn rejudged<M: Maps>(
    maps: &M,
    flow: &Flow,
    datagram: &Datagram,
    generation: Generation,
    allowed: bool,
) {
    let now = maps.now();
    let _ = maps.with_connection(&flow.key, |connection| {
        connection.generation = generation;
        if !allowed {
            connection.state = ConnectionState::Revoked as u8;
            return;
        }
        if connection.state == ConnectionState::Revoked as u8 {
            connection.state = ConnectionState::Established as u8;
        }
        advance(connection, datagram, true, now);
    });
}

/// A SYN on a connection that has closed opens a new one (RFC 9293 section 3.6.1 allows it in TIME-WAIT).
#[inline(always)]
fn reopens(connection: &Connection, kind: Kind) -> bool {
    let Kind::Tcp(flags) = kind else {
        return false;
    };
    let closed = connection.state == ConnectionState::Closing as u8
        || connection.state == ConnectionState::Closed as u8;
    closed && flags & (SYN | ACK) == SYN
}

/// Moves a connection on by one packet.
#[inline(always)]
fn advance(connection: &mut Connection, datagram: &Datagram, forward: bool, now: u64) {
    if let Kind::Tcp(flags) = datagram.transport.kind {
        close(connection, flags, forward);
    }
    if !forward && connection.state == ConnectionState::New as u8 {
        connection.state = ConnectionState::Established as u8;
    }
    let index = usize::from(!forward);
    connection.packets[index] = connection.packets[index].wrapping_add(1);
    connection.expires = now + lifetime(datagram.protocol, state(connection));
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
