//! Policies and pods become identities, an ipcache and verdict tables: the desired contents of the maps.
//!
//! Pure: no IO, no clock, no kernel. The same input gives the same tables in the same order.
//!
//! ```text
//! Cluster ── Compiler ──► Desired ── Planner ──► Plan (row writes) ──► agent (kernel maps) or simulate (in memory)
//! ```

mod desired;
mod plan;

pub use desired::{Desired, Direction, EndpointRow, Entry, PortPrefix, RuleReference, Table};
pub use plan::{Plan, Planner, Provenance, Write};

use manifest::{Cluster, IpBlockMode};

/// Lowers clusters to the tables that enforce their policies. Keeps the numbers of identities from one state of a
/// cluster to the next, so that an unchanged table stays equal.
#[derive(Debug)]
pub struct Compiler {
    mode: IpBlockMode,
}

impl Compiler {
    /// A compiler that has allocated no identity yet.
    #[must_use]
    pub fn new(mode: IpBlockMode) -> Self {
        Self { mode }
    }

    /// Lowers one state of a cluster.
    #[must_use]
    pub fn compile(&mut self, _cluster: &Cluster) -> Desired {
        todo!("{:?}", self.mode)
    }
}
