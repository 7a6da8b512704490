//! What is left open about a cluster's network.

use abi::Routing;
use agent::ServiceAt;
use lab::ETHERNET_MTU;
use manifest::{Cluster, IpBlockMode, Masquerade};

/// The choices that a cluster's network leaves to who builds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    /// What an `ipBlock` may match.
    pub ip_block: IpBlockMode,
    /// How packets get from node to node.
    pub routing: Routing,
    /// Whether pods are masqueraded towards the outside where no manifest says so.
    pub masquerade: bool,
    /// Where services get their backends. Only the kernel driver has sockets.
    pub service_at: ServiceAt,
    /// What links between nodes take, in bytes from the IP header on. Only the kernel driver has links.
    pub mtu: u32,
}

impl Mode {
    /// How pods of this cluster are masqueraded, if they are.
    #[must_use]
    pub fn masquerade(&self, cluster: &Cluster) -> Option<Masquerade> {
        let by_default = || self.masquerade.then(Masquerade::default);
        cluster.masquerade.clone().or_else(by_default)
    }
}

impl Default for Mode {
    fn default() -> Self {
        IpBlockMode::default().into()
    }
}

/// With native routing over Ethernet, and without masquerade.
impl From<IpBlockMode> for Mode {
    fn from(ip_block: IpBlockMode) -> Self {
        Self {
            ip_block,
            routing: Routing::Native,
            masquerade: false,
            service_at: ServiceAt::default(),
            mtu: ETHERNET_MTU,
        }
    }
}
