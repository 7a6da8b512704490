//! Sizes, times and limits.

use crate::AttachPoint;
use abi::{Event, EventLimit, Timeouts};
use std::num::NonZeroU32;

/// Sizes of the tables, in entries unless said otherwise. A full table refuses new entries; only fragments make room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Interfaces of endpoints on this node.
    pub links: u32,
    /// Addresses of endpoints on this node.
    pub locals: u32,
    /// Tracked connections.
    pub connections: u32,
    /// Fragmented packets under way. The oldest makes room for the newest; its later fragments are dropped then.
    pub fragments: u32,
    /// Endpoint addresses of the whole cluster.
    pub endpoints: u32,
    /// Identities of nodes of the whole cluster: each node has two, and while a change comes more.
    pub nodes: u32,
    /// Prefixes that policies name.
    pub cidrs: u32,
    /// Peer classes, over all tables.
    pub classes: u32,
    /// Verdicts, over all tables.
    pub verdicts: u32,
    /// Masqueraded connections.
    pub translations: u32,
    /// Prefixes to which nothing is masqueraded.
    pub unmasqueraded: u32,
    /// Virtual ends of services: one for each address and port, and one for each address.
    pub frontends: u32,
    /// Slots of backends, over all services and for those about to change: one a backend, or the many that hashing asks
    /// for.
    pub slots: u32,
    /// Backends, over all services and for those about to change.
    pub members: u32,
    /// Prefixes that may come to services, of all services with `loadBalancerSourceRanges`.
    pub sources: u32,
    /// Clients that stay with their backend.
    pub affinities: u32,
    /// Services and backends that sockets know by each other, with [`ServiceAt::Socket`]: two for each service that a
    /// socket sends datagrams to, one for each that it is connected to. The oldest make room: datagrams of their sockets
    /// come from the backend from then on.
    pub peers: u32,
    /// Ring buffer of events, in bytes: a power of two and a multiple of the page size.
    pub events: u32,
    /// Drops that each CPU reports a second, and at once after a silence; `None` is all of them. What is over it is
    /// counted by its reason, and in [`Agent::suppressed_events`].
    pub drop_events: Option<DropEvents>,
    /// How long connections and fragments are remembered.
    pub timeouts: Timeouts,
    /// Where the programs hang on an interface.
    pub attach_point: AttachPoint,
    /// Where services get their backends.
    pub service_at: ServiceAt,
}

/// Where what is asked of a service is turned to a backend.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum ServiceAt {
    /// In each packet.
    #[default]
    Packet,
    /// At the sockets of pods, once, and in the packets of whoever has none: SCTP, crafted packets.
    Socket,
}

impl ServiceAt {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Packet, Self::Socket];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::Socket => "socket",
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            links: 1 << 12,
            locals: 1 << 13,
            connections: 1 << 16,
            fragments: 1 << 12,
            endpoints: 1 << 16,
            nodes: 1 << 13,
            cidrs: 1 << 16,
            classes: 1 << 16,
            verdicts: 1 << 20,
            translations: 1 << 16,
            unmasqueraded: 1 << 10,
            frontends: 1 << 16,
            slots: 1 << 20,
            members: 1 << 18,
            sources: 1 << 14,
            affinities: 1 << 16,
            peers: 1 << 14,
            events: 1 << 19,
            drop_events: Some(DropEvents::default()),
            timeouts: Timeouts::default(),
            attach_point: AttachPoint::default(),
            service_at: ServiceAt::default(),
        }
    }
}

impl Config {
    /// How many events the ring buffer has room for.
    #[must_use]
    pub const fn events_that_fit(&self) -> usize {
        /// What the kernel puts in front of each: its length and its page.
        const HEADER: usize = 8;
        self.events as usize / (size_of::<Event>() + HEADER)
    }

    /// The kernel takes the memory for them at once, and no map without room.
    const fn peers_to_hold(&self) -> u32 {
        match self.service_at {
            ServiceAt::Packet => 1,
            ServiceAt::Socket => self.peers,
        }
    }

    /// The maps that have a size to configure, by name.
    pub(crate) fn sizes(&self) -> [(&'static str, u32); 19] {
        [
            ("LINKS", self.links),
            ("LOCALS", self.locals),
            ("ENDPOINTS", self.endpoints),
            ("NODES", self.nodes),
            ("CIDRS", self.cidrs),
            ("CLASSES", self.classes),
            ("VERDICTS", self.verdicts),
            ("CONNECTIONS", self.connections),
            ("FRAGMENTS", self.fragments),
            ("TRANSLATIONS", self.translations),
            ("UNMASQUERADED", self.unmasqueraded),
            ("FRONTENDS", self.frontends),
            ("SLOTS", self.slots),
            ("MEMBERS", self.members),
            ("SOURCES", self.sources),
            ("AFFINITIES", self.affinities),
            ("NAMESPACES", self.links),
            ("PEERS", self.peers_to_hold()),
            ("EVENTS", self.events),
        ]
    }
}

/// How many drops each CPU reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DropEvents {
    /// Events a second, in the long run; at least one.
    pub per_second: NonZeroU32,
    /// Events at once after a silence.
    pub burst: u32,
}

impl Default for DropEvents {
    /// 10,000 a second and 1,000 at once: a reader that looks ten times a second keeps up.
    fn default() -> Self {
        Self {
            per_second: NonZeroU32::new(10_000).unwrap_or(NonZeroU32::MIN),
            burst: 1_000,
        }
    }
}

impl From<DropEvents> for EventLimit {
    fn from(events: DropEvents) -> Self {
        let interval = 1_000_000_000 / u64::from(events.per_second.get());
        Self {
            interval,
            burst: interval * u64::from(events.burst.saturating_sub(1)),
        }
    }
}
