//! Who is behind a port of a service, and why a client gets them or does not.

use super::address::{Offer, offer};
use super::endpoint::{Endpoint, endpoints, source};
use super::{Asked, Policy, affinity, ends, is_welcome};
use manifest::{Cluster, ObjectName};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Everybody behind a port of a service, as one client has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roll {
    /// The service.
    pub service: ObjectName,
    /// The place of the port among those of the service, from zero.
    pub port: usize,
    /// What says who is behind it.
    pub source: Source,
    /// Those with an address of the family that was asked for, by address.
    pub members: Vec<Member>,
    /// For how many seconds after its last connection the client stays with its backend; `None` if it does not.
    pub affinity: Option<u32>,
}

/// What says who is behind a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// So many slices.
    Slices(usize),
    /// The selector, which so many pods match.
    Selector(usize),
    /// Nothing: no slice is of the service, and it has no selector.
    Nothing,
}

/// Somebody behind a service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member {
    /// Its own address and port.
    pub end: SocketAddr,
    /// The node that it is on, if that is known.
    pub node: Option<String>,
    /// What it is to the client.
    pub standing: Standing,
}

/// What somebody behind a service is to a client.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Standing {
    /// The client may get it.
    Serves,
    /// The client may get it though it is about to end, for nobody is ready.
    ServesToTheEnd,
    /// It keeps the connections that it has until it ends.
    Draining,
    /// It is not ready.
    NotReady,
    /// It is ready, but on a node where the service's traffic policy does not look, or the client is none that the
    /// service takes.
    Elsewhere,
    /// It is ready, but others are nearer to the client.
    Farther,
}

impl Standing {
    /// Whether the client may get it.
    #[must_use]
    pub const fn is_serving(self) -> bool {
        matches!(self, Self::Serves | Self::ServesToTheEnd)
    }

    /// Whether it takes new connections of some client.
    #[must_use]
    pub const fn is_ready(self) -> bool {
        matches!(self, Self::Serves | Self::Elsewhere | Self::Farther)
    }
}

/// Who is behind the port of a service that is asked for; `None` if no service has it at this address.
#[must_use]
pub fn roll(cluster: &Cluster, asked: &Asked) -> Option<Roll> {
    let offer = offer(cluster, asked)?;
    let policy = if is_welcome(cluster, &offer, asked) {
        Policy::of(&offer, asked)
    } else {
        Policy::Nobody
    };
    let all = endpoints(cluster, &offer, asked.address);
    let reached = all.iter().filter(|it| policy.reaches(it, asked));
    let reached: Vec<Endpoint<'_>> = reached.cloned().collect();
    let active = ends(&policy.choose(cluster, &offer, asked, &reached));
    let member = |endpoint: &Endpoint<'_>| Member {
        end: endpoint.end,
        node: endpoint.node.cloned(),
        standing: standing(endpoint, &active, policy.reaches(endpoint, asked)),
    };
    let members: BTreeSet<Member> = all.iter().map(member).collect();
    Some(Roll {
        service: offer.name.clone(),
        port: place(&offer),
        source: source(cluster, &offer),
        members: members.into_iter().collect(),
        affinity: affinity(&offer),
    })
}

fn standing(endpoint: &Endpoint<'_>, active: &BTreeSet<SocketAddr>, is_reached: bool) -> Standing {
    match (active.contains(&endpoint.end), endpoint.takes_new()) {
        (true, true) => Standing::Serves,
        (true, false) => Standing::ServesToTheEnd,
        (false, true) if is_reached => Standing::Farther,
        (false, true) => Standing::Elsewhere,
        (false, false) if endpoint.serves_to_the_end() => Standing::Draining,
        (false, false) => Standing::NotReady,
    }
}

fn place(offer: &Offer<'_>) -> usize {
    let mut ports = offer.spec.ports.iter().flatten();
    let place = ports.position(|port| std::ptr::eq(port, offer.port));
    place.unwrap_or_default()
}
