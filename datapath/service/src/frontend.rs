//! Where services are reached, and what is desired there.

use crate::Backends;
use manifest::{ObjectName, Protocol};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Everything about services that should be in force for one state of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Services {
    /// The virtual ends that are the same on every node.
    pub frontends: BTreeMap<VirtualEnd, Frontend>,
    /// Addresses that are services' alone: at their other ports there is nobody.
    pub addresses: BTreeSet<IpAddr>,
    /// By node, the virtual ends that only it has or that have backends of their own there.
    pub of_nodes: BTreeMap<String, BTreeMap<VirtualEnd, Frontend>>,
}

impl Services {
    /// What one node's maps need of it: all of its virtual ends, without those of other nodes.
    #[must_use]
    pub fn for_node(&self, name: &str) -> Self {
        let mut frontends = self.frontends.clone();
        if let Some(own) = self.of_nodes.get(name) {
            frontends.extend(own.iter().map(|(end, frontend)| (*end, frontend.clone())));
        }
        Self {
            frontends,
            addresses: self.addresses.clone(),
            of_nodes: BTreeMap::new(),
        }
    }
}

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct VirtualEnd {
    /// The address.
    pub address: IpAddr,
    /// The protocol, never ICMP.
    pub protocol: Protocol,
    /// The port, host order.
    pub port: u16,
}

/// A virtual end: one port of one service, at one of its addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frontend {
    /// The service.
    pub service: ObjectName,
    /// The number of the service's port, the same at each of its addresses: it has it for good, and no other ever gets it.
    pub number: u32,
    /// The backends for who is in the cluster.
    pub inside: Arc<Backends>,
    /// The backends for who is outside of it.
    pub outside: Arc<Backends>,
    /// Whether who is outside gets backends on the node alone (`externalTrafficPolicy: Local`): where there are none, a
    /// load balancer would not send anything.
    pub is_local: bool,
    /// How long a client stays with its backend after it was last sent there, seconds; zero is not at all.
    pub affinity: u32,
}
