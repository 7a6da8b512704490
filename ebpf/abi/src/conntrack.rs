//! Connection tracking: forward and reply direction share one entry.

use crate::{Address, End, Generation, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A connection, the same for both directions: `low` is the smaller (address, port) pair.
/// An ICMP echo has its identifier as the requester's port and no port at the other end.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct ConnectionKey {
    /// Address of the smaller end.
    pub low: Address,
    /// Address of the larger end.
    pub high: Address,
    /// Port of the smaller end.
    pub low_port: Port,
    /// Port of the larger end.
    pub high_port: Port,
    /// IP protocol number.
    pub protocol: u8,
    /// Not used, zero.
    pub reserved: [u8; 3],
}

impl ConnectionKey {
    /// Makes this the key of the connection that a packet with these ends belongs to. Returns whether its source is the
    /// `low` end.
    #[inline(always)]
    pub fn set(
        &mut self,
        source: &(Address, Port),
        destination: &(Address, Port),
        protocol: u8,
    ) -> bool {
        let source_is_low = is_low(source, destination);
        let (low, high) = if source_is_low {
            (source, destination)
        } else {
            (destination, source)
        };
        (self.low, self.low_port) = *low;
        (self.high, self.high_port) = *high;
        self.protocol = protocol;
        self.reserved = [0; 3];
        source_is_low
    }
}

impl ConnectionKey {
    /// Makes this the key of a client's connection to a backend. A pod that is its own backend has another address there.
    #[inline(always)]
    pub fn set_to_backend(&mut self, client: &(Address, Port), backend: &End, protocol: u8) {
        let address = if backend.address == client.0 {
            *client.0.loopback()
        } else {
            client.0
        };
        self.set(
            &(address, client.1),
            &(backend.address, backend.port),
            protocol,
        );
    }

    /// The key of the connection that a choice under this key leads to; `None` if `row` is no choice.
    #[must_use]
    pub fn of_choice(&self, row: &Connection) -> Option<Self> {
        if row.flags & CONNTRACK_CHOICE == 0 {
            return None;
        }
        let client = if row.flags & CONNTRACK_FORWARD_LOW != 0 {
            (self.low, self.low_port)
        } else {
            (self.high, self.high_port)
        };
        let mut key = Self::default();
        key.set_to_backend(&client, &row.other, self.protocol);
        Some(key)
    }
}

#[inline(always)]
fn is_low(one: &(Address, Port), other: &(Address, Port)) -> bool {
    let (one_high, one_low) = one.0.halves();
    let (other_high, other_low) = other.0.halves();
    if one_high != other_high {
        return one_high < other_high;
    }
    if one_low != other_low {
        return one_low < other_low;
    }
    one.1.number() <= other.1.number()
}

/// Flag of [`Connection::flags`]: the connection was opened by the `low` end.
pub const CONNTRACK_FORWARD_LOW: u8 = 1;

/// Flag of [`Connection::flags`]: the end that opened it has closed its direction.
pub const CONNTRACK_CLOSED_FORWARD: u8 = 2;
/// Flag of [`Connection::flags`]: the other end has closed its direction.
pub const CONNTRACK_CLOSED_REPLY: u8 = 4;
/// Flag of [`Connection::flags`]: outside of the node it has the node's address and [`Connection::node_port`].
pub const CONNTRACK_MASQUERADED: u8 = 8;

/// Flag of [`Connection::flags`]: the end that opened it knows the other one as the virtual end [`Connection::other`].
pub const CONNTRACK_TRANSLATED: u8 = 16;
/// Flag of [`Connection::flags`]: no connection but a way to one. What the end that opened it sends to this virtual end
/// goes to the backend [`Connection::other`]. It holds as long as that connection lives, and leads back here.
pub const CONNTRACK_CHOICE: u8 = 32;

/// What is remembered of a connection.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Connection {
    /// The generation it was last judged under; an older one than the active is judged again at the next forward packet.
    pub generation: Generation,
    /// Conntrack clock (nanoseconds) after which the entry is dead.
    pub expires: u64,
    /// Packets seen in the forward and the reply direction.
    pub packets: [u32; 2],
    /// The virtual end of a translated connection; the backend of a choice.
    pub other: End,
    /// A [`ConnectionState`] as a number.
    pub state: u8,
    /// [`CONNTRACK_FORWARD_LOW`], [`CONNTRACK_CLOSED_FORWARD`], [`CONNTRACK_CLOSED_REPLY`], [`CONNTRACK_MASQUERADED`],
    /// [`CONNTRACK_TRANSLATED`], [`CONNTRACK_CHOICE`].
    pub flags: u8,
    /// The [`crate::Timeout`] that it waits for, as a number.
    pub timeout: u8,
    /// The port, or identifier of an echo, that it has on the node's address if it is masqueraded.
    pub node_port: Port,
    /// Not used, zero.
    pub reserved: [u8; 7],
}

impl Connection {
    /// Whether this may be its port on the node's address: it is, or no port is written down yet.
    #[must_use]
    #[inline(always)]
    pub fn may_have(&self, node_port: Port) -> bool {
        self.flags & CONNTRACK_MASQUERADED == 0 || self.node_port == node_port
    }
}

/// How far a connection is. Protocols without a handshake go from [`Self::New`] to [`Self::Established`] with the first reply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum ConnectionState {
    /// Opened; no reply seen.
    New = 0,
    /// A reply was seen.
    Established = 1,
    /// One end has closed (TCP FIN).
    Closing = 2,
    /// Both ends have closed; a new SYN opens a new connection.
    Closed = 3,
    /// A policy change turned it to deny: forward packets are judged each time, replies are dropped.
    Revoked = 4,
    /// One end has reset it; a new SYN opens a new connection.
    Reset = 5,
}
