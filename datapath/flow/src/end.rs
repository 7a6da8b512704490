//! The two ends of a flow.

use abi::Identity;
use manifest::{ObjectName, Workload};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

/// One end of a flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    /// Its address, after service translation.
    pub address: IpAddr,
    /// Its port, host order; `None` where the protocol has none at this end. An ICMP echo's identifier is none.
    pub port: Option<u16>,
    /// Who the tables say it is; [`Identity::NONE`] if it was not looked up.
    pub identity: Identity,
    /// Who had the address when the packet was judged.
    pub party: Party,
}

/// The virtual end of a service: what the source asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VirtualEnd {
    /// Its address, of a service or of a node.
    pub address: IpAddr,
    /// Its port, host order; `None` where the protocol has none.
    pub port: Option<u16>,
    /// Whose it was when the packet was judged; `None` if nobody's name is known.
    pub service: Option<ObjectName>,
}

/// Who has an address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Party {
    /// A pod on the pod network.
    Pod(Arc<PodParty>),
    /// A node, or a pod on its network.
    Node(Arc<str>),
    /// Whoever else.
    World,
}

impl Party {
    /// The pod, if it is one.
    #[must_use]
    pub fn pod(&self) -> Option<&PodParty> {
        match self {
            Self::Pod(pod) => Some(pod),
            Self::Node(_) | Self::World => None,
        }
    }

    /// The node that it is on, or is; `None` for whoever is outside.
    #[must_use]
    pub fn node(&self) -> Option<&Arc<str>> {
        match self {
            Self::Pod(pod) => Some(&pod.node),
            Self::Node(name) => Some(name),
            Self::World => None,
        }
    }
}

/// What logs and flows say of a pod.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PodParty {
    /// Its namespace and name.
    pub name: ObjectName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The workload it belongs to.
    pub workload: Option<Workload>,
    /// The node it runs on.
    pub node: Arc<str>,
}
