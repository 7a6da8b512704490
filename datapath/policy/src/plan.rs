//! From desired tables to row writes: what has to change for the next generation, and nothing else.

use crate::{Desired, Direction, RuleReference, Table};
use abi::{
    Address, CidrKey, ClassKey, EndpointRows, Generation, Half, IdentityRows, TableId, Verdict,
    VerdictKey,
};
use manifest::ObjectName;
use std::sync::Arc;

/// One row of one map. Applied in order; the last step of a plan is always to activate its generation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Puts or, with `None`, deletes a row of the endpoints table.
    Endpoint(Address, Option<EndpointRows>),
    /// Puts or deletes a row of the CIDR table.
    Cidr(CidrKey, Option<IdentityRows>),
    /// Puts or deletes a peer class.
    Class(ClassKey, Option<u32>),
    /// Puts or deletes a verdict.
    Verdict(VerdictKey, Option<Verdict>),
}

/// What brings the maps from one generation to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The generation to activate when every write is done. Unchanged, with no writes, when nothing changed.
    pub generation: Generation,
    /// The writes, none of which changes what the generation in force sees.
    pub writes: Vec<Write>,
}

/// Knows what the maps hold and plans each step from there.
///
/// Tables are immutable: a changed table gets a new [`TableId`], an unchanged one keeps its rows. Rows that died with
/// the generation in force are deleted by the plan after it, when no packet can be judged by them any more
/// (see [`abi::EndpointRows`]).
#[derive(Debug, Default)]
pub struct Planner {}

impl Planner {
    /// A planner for empty maps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans the step to `desired`.
    pub fn plan(&mut self, _desired: &Desired) -> Plan {
        todo!()
    }

    /// The table with this id, as long as events may still name it.
    #[must_use]
    pub fn table(&self, _id: TableId) -> Option<&Arc<Table>> {
        todo!()
    }

    /// Who decided one half of a verdict.
    #[must_use]
    pub fn provenance(&self, _half: Half) -> Provenance {
        todo!()
    }
}

/// Who decided one half of a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provenance {
    /// This half was not asked.
    NotAsked,
    /// No policy: allowed by default, or by the exemption of the pod's own node.
    NoPolicy,
    /// These rules, all of them.
    Rules(Direction, Vec<RuleReference>),
    /// These policies isolate the endpoint and none of their rules matched.
    Isolation(Direction, Vec<ObjectName>),
    /// The table is no longer known.
    Forgotten,
}
