//! The desired tables, without generations: what should be in force.

use abi::{Guard, Identity, Verdict};
use ipnet::IpNet;
use manifest::{Addresses, PolicyName};
use service::Services;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Everything that should be in force for one state of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Desired {
    /// Pods (not hostNetwork ones) and nodes, by each of their addresses.
    pub endpoints: BTreeMap<IpAddr, EndpointRow>,
    /// Every other address, by longest prefix: the identities that `ipBlock`s tell apart. Both families have a row
    /// of length zero ([`Identity::WORLD`] unless an `ipBlock` lists it), so a longest prefix is of its own family
    /// also where one table holds both.
    pub cidrs: BTreeMap<IpNet, Identity>,
    /// What each identity stands for, for people (`shop/web`, `node/node-1`, `10.0.0.0/8`).
    pub identities: BTreeMap<Identity, String>,
    /// The nodes, by name.
    pub nodes: BTreeMap<String, DesiredNode>,
    /// Where services are reached, and who serves them.
    pub services: Services,
}

/// A node as packets show it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DesiredNode {
    /// The number by which the programs know it: it has it for good, and no other node ever gets it.
    pub number: u32,
    /// Its identities: one for each address family, and one if policies list no prefix around its addresses.
    pub identities: BTreeSet<Identity>,
    /// Its own addresses.
    pub addresses: Addresses,
}

impl Desired {
    /// What one node's maps need of it: everybody's identity, and the tables of itself and its own pods, without names. A node that
    /// is not there has no pods.
    #[must_use]
    pub fn for_node(&self, name: &str) -> Self {
        let own = self.nodes.get(name).map(|node| &node.identities);
        let endpoints = self.endpoints.iter().map(|(address, row)| {
            let is_own = own.is_some_and(|own| own.contains(&row.node));
            let row = if is_own {
                row.clone()
            } else {
                row.without_tables()
            };
            (*address, row)
        });
        Self {
            endpoints: endpoints.collect(),
            cidrs: self.cidrs.clone(),
            services: self.services.for_node(name),
            ..Self::default()
        }
    }

    /// The addresses of the node with these tables, if host policies apply to it; see [`Desired::for_node`].
    #[must_use]
    pub fn guard(&self) -> Guard {
        let mut guard = Guard::NONE;
        for (address, row) in &self.endpoints {
            if row.is_guarded_node() {
                match address {
                    IpAddr::V4(v4) => guard.v4 = (*v4).into(),
                    IpAddr::V6(v6) => guard.v6 = (*v6).into(),
                }
            }
        }
        guard
    }

    /// Whether the node with these tables is to look for services; see [`Desired::for_node`].
    #[must_use]
    pub fn serves(&self) -> bool {
        !self.services.frontends.is_empty()
    }

    /// The identities that a packet can meet.
    pub(crate) fn met(&self) -> HashSet<Identity> {
        let endpoints = self.endpoints.values();
        let endpoints = endpoints.flat_map(|row| [row.identity, row.node]);
        endpoints
            .chain(self.cidrs.values().copied())
            .chain([Identity::WORLD])
            .collect()
    }
}

/// One address of a pod or node. Endpoints under the same policies share their tables.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointRow {
    /// Who it is.
    pub identity: Identity,
    /// The identity of the node it lives on; for a node, its own.
    pub node: Identity,
    /// Its egress table; `None` when no policy applies to it.
    pub egress: Option<Arc<Table>>,
    /// Its ingress table; `None` when no policy applies to it.
    pub ingress: Option<Arc<Table>>,
}

impl EndpointRow {
    /// Whether it is a node, and host policies apply to it.
    #[must_use]
    pub fn is_guarded_node(&self) -> bool {
        self.identity == self.node && (self.egress.is_some() || self.ingress.is_some())
    }

    /// Who it is, for a node that does not enforce its policies.
    const fn without_tables(&self) -> Self {
        Self {
            identity: self.identity,
            node: self.node,
            egress: None,
            ingress: None,
        }
    }
}

/// The direction of traffic, as the endpoint sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// What the endpoint sends.
    Egress,
    /// What the endpoint receives.
    Ingress,
}

impl Direction {
    /// Both directions, in the order in which a packet meets them.
    pub const BOTH: [Self; 2] = [Self::Egress, Self::Ingress];

    /// Its name, which is also its field in the spec of a policy.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }

    /// Its name in `policyTypes`.
    #[must_use]
    pub const fn policy_type(self) -> &'static str {
        match self {
            Self::Egress => "Egress",
            Self::Ingress => "Ingress",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One direction of one policy set: equal contents are one table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Table {
    /// The direction.
    pub direction: Direction,
    /// The policies that isolate the endpoints of this set in this direction, sorted: those that enforce it; where
    /// there are none, those in audit mode.
    pub isolated_by: Vec<PolicyName>,
    /// Peer class of each identity that a rule selects; every other identity is class 0.
    pub classes: BTreeMap<Identity, u32>,
    /// What is decided. No entry is the default: denied by isolation.
    pub verdicts: BTreeMap<Entry, Verdict>,
    /// The rules behind each [`abi::RuleSet`]; number 0 is empty.
    pub rules: Vec<Vec<RuleReference>>,
}

/// What an entry of a verdict table stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Entry {
    /// The peer class.
    pub class: u32,
    /// The ports; `None` is every port of every protocol, and protocols without ports.
    pub ports: Option<PortPrefix>,
}

/// Ports of one protocol that share their first bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PortPrefix {
    /// IP protocol number.
    pub protocol: u8,
    /// The first port, host order; the bits behind `bits` are zero.
    pub port: u16,
    /// How many bits count: 0 (every port of the protocol) to 16 (one port).
    pub bits: u8,
}

/// A rule of a policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleReference {
    /// The policy.
    pub policy: PolicyName,
    /// Which part of the policy it is in, from 0: of a host policy `spec` and each of `specs`, of others `spec` alone.
    pub part: usize,
    /// The rule's position in `egress` or `ingress` there, from 0.
    pub index: usize,
}
