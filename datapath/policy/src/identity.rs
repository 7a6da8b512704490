//! Identities: what rules can tell apart, and the numbers that stand for it.

use crate::ports::NamedPort;
use crate::selector::Labels;
use abi::Identity;
use ipnet::IpNet;
use manifest::{Pod, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The numbers of pod and node identities; those below are set aside for fixed identities.
const MEMBERS: Range<u32> = 256..1 << 24;
/// The numbers of address prefixes.
const PREFIXES: Range<u32> = 1 << 24..u32::MAX;

/// A namespace as selectors see it.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Namespace {
    /// Its name.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: Labels,
}

/// Everything about a pod that rules can select by, except for its addresses.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Profile {
    /// Where it is.
    pub(crate) namespace: Arc<Namespace>,
    /// Its labels.
    pub(crate) labels: Labels,
    /// What a port name means on it.
    pub(crate) named_ports: BTreeSet<NamedPort>,
}

/// What an identity stands for. Equal keys are selected by the same rules.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum IdentityKey {
    /// Pods alike, by an address whose longest listed prefix is this one.
    Pod(Arc<Profile>, Option<IpNet>),
    /// A node, by an address whose longest listed prefix is this one.
    Node(String, Option<IpNet>),
    /// Addresses that are no endpoint's and whose longest listed prefix is this one.
    Prefix(IpNet),
}

impl Profile {
    /// The profile of a pod.
    pub(crate) fn new(namespace: Arc<Namespace>, pod: &Pod) -> Self {
        let named_ports = pod.ports.iter().filter_map(|port| {
            Some(NamedPort {
                name: port.name.clone()?,
                protocol: protocol_number(port.protocol)?,
                port: port.port,
            })
        });
        Self {
            namespace,
            labels: pod.labels.clone(),
            named_ports: named_ports.collect(),
        }
    }
}

/// The IP protocol number of a protocol with ports.
pub(crate) fn protocol_number(protocol: Protocol) -> Option<u8> {
    match protocol {
        Protocol::Tcp => Some(abi::protocol::TCP),
        Protocol::Udp => Some(abi::protocol::UDP),
        Protocol::Sctp => Some(abi::protocol::SCTP),
        Protocol::Icmp => None,
    }
}

impl IdentityKey {
    /// The longest prefix, among all that policies list, that holds the address.
    pub(crate) fn prefix(&self) -> Option<IpNet> {
        match self {
            Self::Pod(_, prefix) | Self::Node(_, prefix) => *prefix,
            Self::Prefix(prefix) => Some(*prefix),
        }
    }

    /// The node whose it is.
    pub(crate) fn node(&self) -> Option<&str> {
        match self {
            Self::Node(name, _) => Some(name),
            Self::Pod(..) | Self::Prefix(_) => None,
        }
    }

    /// What pods rules see behind it.
    pub(crate) fn profile(&self) -> Option<&Arc<Profile>> {
        match self {
            Self::Pod(profile, _) => Some(profile),
            Self::Node(..) | Self::Prefix(_) => None,
        }
    }
}

/// Gives each key a number and remembers it, so that an unchanged pod keeps its identity from one state of a
/// cluster to the next.
#[derive(Debug)]
pub(crate) struct Registry {
    identities: BTreeMap<IdentityKey, Identity>,
    /// The numbers of all nodes that there ever were.
    nodes: BTreeMap<String, u32>,
    members: Numbers,
    prefixes: Numbers,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            identities: BTreeMap::new(),
            nodes: BTreeMap::new(),
            members: Numbers::new(MEMBERS),
            prefixes: Numbers::new(PREFIXES),
        }
    }
}

impl Registry {
    /// Keys that no address has any more are kept until there are this many, so that changes there and back cost little.
    const KEPT: usize = 4096;

    /// The number of this key.
    pub(crate) fn identity(&mut self, key: &IdentityKey) -> Identity {
        if let Some(identity) = self.identities.get(key) {
            return *identity;
        }
        let numbers = match key {
            IdentityKey::Pod(..) | IdentityKey::Node(..) => &mut self.members,
            IdentityKey::Prefix(_) => &mut self.prefixes,
        };
        let identity = Identity(numbers.take());
        self.identities.insert(key.clone(), identity);
        identity
    }

    /// The number of this node, from 1.
    pub(crate) fn node_number(&mut self, name: &str) -> u32 {
        let next = u32::try_from(self.nodes.len() + 1).unwrap_or(u32::MAX);
        *self.nodes.entry(name.to_owned()).or_insert(next)
    }

    /// Forgets the keys that are not in use once they are many; their numbers come round again last.
    pub(crate) fn forget_all_but(&mut self, in_use: &BTreeMap<Identity, IdentityKey>) {
        if self.identities.len() <= in_use.len() + Self::KEPT {
            return;
        }
        self.identities
            .retain(|_, identity| in_use.contains_key(identity));
        self.members.retain(in_use);
        self.prefixes.retain(in_use);
    }
}

/// A range of numbers, given out in turn.
#[derive(Debug)]
struct Numbers {
    range: Range<u32>,
    next: u32,
    taken: BTreeSet<u32>,
}

impl Numbers {
    fn new(range: Range<u32>) -> Self {
        Self {
            next: range.start,
            taken: BTreeSet::new(),
            range,
        }
    }

    /// The next number that is free. There are far more than a cluster can have pods.
    fn take(&mut self) -> u32 {
        loop {
            let number = self.next;
            self.next = if number + 1 < self.range.end {
                number + 1
            } else {
                self.range.start
            };
            if self.taken.insert(number) {
                return number;
            }
        }
    }

    fn retain(&mut self, in_use: &BTreeMap<Identity, IdentityKey>) {
        self.taken
            .retain(|number| in_use.contains_key(&Identity(*number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(index: usize) -> IdentityKey {
        IdentityKey::Node(format!("node-{index}"), None)
    }

    #[test]
    fn a_key_keeps_its_number() {
        let mut registry = Registry::default();
        assert_eq!(registry.identity(&node(0)), Identity(256));
        assert_eq!(registry.identity(&node(1)), Identity(257));
        assert_eq!(registry.identity(&node(0)), Identity(256));
        let prefix = IdentityKey::Prefix("10.0.0.0/8".parse().unwrap());
        assert_eq!(registry.identity(&prefix), Identity(1 << 24));
    }

    #[test]
    fn many_unused_keys_are_forgotten_and_those_in_use_stay() {
        let mut registry = Registry::default();
        for index in 0..=Registry::KEPT + 1 {
            registry.identity(&node(index));
        }
        let in_use = BTreeMap::from([(Identity(300), node(44))]);
        registry.forget_all_but(&in_use);
        assert_eq!(registry.identities.len(), 1);
        assert_eq!(registry.identity(&node(44)), Identity(300));
    }

    #[test]
    fn numbers_come_round_again_past_those_in_use() {
        let mut numbers = Numbers::new(5..8);
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [5, 6, 7]);
        numbers.retain(&BTreeMap::from([(Identity(5), node(0))]));
        assert_eq!([numbers.take(), numbers.take()], [6, 7]);
    }
}
