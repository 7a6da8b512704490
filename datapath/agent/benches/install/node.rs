//! A node that follows a cluster.

use crate::change::Change;
use agent::{Agent, Applied, Config, map_memory};
use manifest::{Cluster, IpBlockMode};
use policy::{Compiler, Desired, Table};
use std::collections::HashMap;
use std::process;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The tables that follow from policies.
const POLICY_TABLES: [&str; 4] = ["ENDPOINTS", "CIDRS", "CLASSES", "VERDICTS"];

/// One state of the cluster brought into force.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) compile: Duration,
    pub(crate) applied: Applied,
}

/// What the kernel holds.
#[derive(Clone, Copy, Default)]
pub(crate) struct Contents {
    /// What policies can tell apart.
    pub(crate) identities: usize,
    /// Different tables, both directions.
    pub(crate) tables: usize,
    /// Rows of the policy tables.
    pub(crate) rows: u64,
    /// What they cost, in bytes.
    pub(crate) bytes: u64,
}

/// Where the cluster is in force.
pub(crate) struct Node {
    cluster: Cluster,
    compiler: Compiler,
    desired: Desired,
    agent: Agent,
}

impl Node {
    /// Brings the cluster into force on an empty node with room for it.
    pub(crate) fn install(cluster: Cluster) -> anyhow::Result<(Self, Step)> {
        let mut compiler = Compiler::new(IpBlockMode::Any);
        let started = Instant::now();
        let desired = compiler.compile(&cluster);
        let compile = started.elapsed();
        let mut agent = Agent::load(&room_for(&desired))?;
        let applied = agent.enforce(&desired)?;
        let node = Self {
            cluster,
            compiler,
            desired,
            agent,
        };
        Ok((node, Step { compile, applied }))
    }

    /// Brings one change into force.
    pub(crate) fn change(&mut self, change: &Change) -> anyhow::Result<Step> {
        (change.make)(&mut self.cluster)?;
        let started = Instant::now();
        let desired = self.compiler.compile(&self.cluster);
        let compile = started.elapsed();
        let applied = self.agent.enforce(&desired)?;
        self.desired = desired;
        Ok(Step { compile, applied })
    }

    pub(crate) fn contents(&self) -> anyhow::Result<Contents> {
        let mut contents = Contents {
            identities: self.desired.identities.len(),
            tables: tables(&self.desired).len(),
            ..Contents::default()
        };
        for pressure in self.agent.pressure()? {
            if POLICY_TABLES.contains(&pressure.table) {
                contents.rows += pressure.entries.unwrap_or_default();
            }
        }
        for (map, bytes) in map_memory(process::id())? {
            if POLICY_TABLES.contains(&map.as_str()) {
                contents.bytes += bytes;
            }
        }
        Ok(contents)
    }
}

/// Different tables.
fn tables(desired: &Desired) -> HashMap<*const Table, &Table> {
    let rows = desired.endpoints.values();
    let tables = rows.flat_map(|row| row.egress.iter().chain(&row.ingress));
    tables
        .map(|table| (Arc::as_ptr(table), table.as_ref()))
        .collect()
}

/// Tables with room for three states as large as this one: the one in force, the next, and what the last left behind.
pub(crate) fn room_for(desired: &Desired) -> Config {
    let tables = tables(desired);
    let room = |rows: usize| {
        u32::try_from(3 * rows + 1024)
            .unwrap_or(u32::MAX)
            .next_power_of_two()
    };
    Config {
        endpoints: room(desired.endpoints.len()),
        cidrs: room(desired.cidrs.len()),
        classes: room(tables.values().map(|table| table.classes.len()).sum()),
        verdicts: room(tables.values().map(|table| table.verdicts.len()).sum()),
        ..Config::default()
    }
}
