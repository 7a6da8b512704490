//! What is left open about a cluster's network.

use abi::Routing;
use manifest::IpBlockMode;

/// The choices that a cluster's network leaves to who builds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    /// What an `ipBlock` may match.
    pub ip_block: IpBlockMode,
    /// How packets get from node to node.
    pub routing: Routing,
}

impl Default for Mode {
    fn default() -> Self {
        IpBlockMode::default().into()
    }
}

/// With native routing.
impl From<IpBlockMode> for Mode {
    fn from(ip_block: IpBlockMode) -> Self {
        Self {
            ip_block,
            routing: Routing::Native,
        }
    }
}
