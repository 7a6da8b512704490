//! How the nodes of a driver are.

use abi::Generation;
use flow::metrics::TableUse;
use std::sync::Arc;
use std::time::Duration;

/// What a node's agent can be asked at any time.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeStatus {
    /// The name of the node.
    pub node: Arc<str>,
    /// How full its tables are, those whose size nobody limits left out.
    pub tables: Vec<TableUse>,
    /// Events that found no room since it was set up.
    pub lost_events: u64,
    /// Drops that were counted and not reported since it was set up.
    pub suppressed_events: u64,
    /// The generation in force.
    pub generation: Generation,
    /// How long each step to a generation took since the last time this was asked.
    pub turns: Vec<Duration>,
}
