//! Policies and pods become identities, an ipcache and verdict tables: the desired contents of the maps. Those of
//! services come from `service`, and go into the maps with them.
//!
//! Pure: no IO, no clock, no kernel. The same input gives the same tables in the same order.
//!
//! ```text
//! Cluster ── Compiler ──► Desired ── Planner ──► Plan (row writes) ──► agent (kernel maps) or simulate (in memory)
//! ```

mod adapt;
mod catalog;
mod compiler;
mod decision;
mod desired;
mod display;
mod host;
mod identity;
mod plan;
mod population;
mod ports;
mod prefixes;
mod rows;
mod rule;
mod selector;
mod serving;
mod sets;
mod shadow;
mod table;
mod tier;

pub use compiler::Compiler;
pub use desired::{
    Desired, DesiredNode, Direction, EndpointRow, Entry, PortPrefix, RuleReference, Table,
};
pub use plan::{Plan, Planner, Provenance};
pub use rows::{Rows, Write};
