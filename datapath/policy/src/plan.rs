//! From desired tables to row writes: what has to change for the next generation, and nothing else.

use crate::adapt::Met;
use crate::catalog::{Catalog, Numbering};
use crate::rows::{Rows, Write};
use crate::serving;
use crate::sets::Sets;
use crate::shadow::{Shadow, Step};
use crate::{Desired, Direction, RuleReference, Table};
use abi::{
    Address, CidrKey, Decider, Endpoint, EndpointRows, FrontendKey, FrontendRows, Generation, Half,
    Identity, IdentityRows, PolicyAction, TableId,
};
use ipnet::IpNet;
use manifest::PolicyName;
use std::collections::BTreeMap;
use std::sync::Arc;

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
/// A changed table gets a new [`TableId`], an unchanged one keeps its rows. Only peer classes of identities that no
/// packet of the generation in force can meet are changed in place. Rows that died with the generation in force are
/// deleted by the plan after it, when no packet can be judged by them any more (see [`abi::EndpointRows`]).
///
/// A planner takes each of its plans as carried out. Who may fail half-way plans with a clone, and brings the maps back
/// to what the old planner expects: a row that was written for a generation that never came would count in the next.
#[derive(Clone, Debug)]
pub struct Planner {
    generation: Generation,
    /// What the generation in force stands for; `None` before the first plan.
    planned: Option<Desired>,
    catalog: Catalog,
    endpoints: Shadow<Address, EndpointRows>,
    cidrs: Shadow<IpNet, IdentityRows>,
    sets: Sets,
    frontends: Shadow<FrontendKey, FrontendRows>,
}

impl Default for Planner {
    fn default() -> Self {
        Self {
            generation: 0,
            planned: None,
            catalog: Catalog::default(),
            endpoints: Shadow::empty(|_, _| None),
            cidrs: Shadow::empty(longest_prefix),
            sets: Sets::default(),
            frontends: Shadow::empty(serving::whole_address),
        }
    }
}

impl Planner {
    /// A planner for empty maps.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A planner for maps in which `generation` is in force and that hold `rows`: those of a process that has ended,
    /// perhaps in the middle of a change. The writes take back what was written for a generation that never came; carry
    /// them out before any plan. Events of `generation` and before are [`Provenance::Forgotten`].
    #[must_use]
    pub fn resume(rows: &Rows, generation: Generation) -> (Self, Vec<Write>) {
        let mut writes = Vec::new();
        let (endpoints, changed) = Shadow::resume(rows.endpoints.clone(), generation, |_, _| None);
        writes.extend(
            changed
                .into_iter()
                .map(|(key, row)| Write::Endpoint(key, row)),
        );
        let cidrs = rows.cidrs.iter().map(|(key, row)| (prefix(*key), *row));
        let (cidrs, changed) = Shadow::resume(cidrs.collect(), generation, longest_prefix);
        let changed = changed.into_iter();
        writes.extend(changed.map(|(prefix, row)| Write::Cidr(cidr_key(prefix), row)));
        let frontends = rows.frontends.clone();
        let (frontends, changed) = Shadow::resume(frontends, generation, serving::whole_address);
        writes.extend(
            changed
                .into_iter()
                .map(|(key, row)| Write::Frontend(key, row)),
        );
        let planner = Self {
            generation,
            planned: None,
            catalog: Catalog::resume(rows),
            endpoints,
            cidrs,
            sets: Sets::resume(rows),
            frontends,
        };
        (planner, writes)
    }

    /// Plans the step to `desired`. The first plan is generation 1.
    pub fn plan(&mut self, desired: &Desired) -> Plan {
        self.plan_as(desired, 0)
    }

    /// Plans the step to `desired` as this generation, so that several nodes give one state of a cluster the same number.
    /// A generation that has passed already is as in [`Planner::plan`].
    pub fn plan_as(&mut self, desired: &Desired, generation: Generation) -> Plan {
        let mut writes = Vec::new();
        if self.generation < generation || !self.is_planned(desired) {
            let step = Step {
                from: self.generation,
                to: generation.max(self.generation + 1),
            };
            self.step(step, desired, &mut writes);
            self.generation = step.to;
        }
        self.planned = Some(desired.clone());
        Plan {
            generation: self.generation,
            writes,
        }
    }

    fn is_planned(&self, desired: &Desired) -> bool {
        self.planned.as_ref().is_some_and(|planned| {
            planned.endpoints == desired.endpoints
                && planned.cidrs == desired.cidrs
                && planned.services == desired.services
        })
    }

    /// What a row points to is written before it.
    fn step(&mut self, step: Step, desired: &Desired, writes: &mut Vec<Write>) {
        self.step_policies(step, desired, writes);
        self.step_services(step, desired, writes);
    }

    fn step_services(&mut self, step: Step, desired: &Desired, writes: &mut Vec<Write>) {
        let ends = desired.services.frontends.values();
        let needed = ends.flat_map(|end| [&end.inside, &end.outside]);
        let numbering = self.sets.advance(needed, writes);
        let frontends = serving::frontends(&desired.services, &numbering);
        let frontends = self.frontends.advance(step, frontends);
        writes.extend(
            frontends
                .into_iter()
                .map(|(key, row)| Write::Frontend(key, row)),
        );
    }

    fn step_policies(&mut self, step: Step, desired: &Desired, writes: &mut Vec<Write>) {
        let rows = desired.endpoints.values();
        let tables = rows.flat_map(|row| row.egress.iter().chain(&row.ingress));
        let before = self.planned.as_ref();
        let met = || Met {
            before: before.map(Desired::met).unwrap_or_default(),
            next: desired.met(),
        };
        let numbering = self.catalog.advance(step.to, tables, met, writes);
        let cidrs = self.cidrs.advance(step, desired.cidrs.clone());
        writes.extend(
            cidrs
                .into_iter()
                .map(|(prefix, row)| Write::Cidr(cidr_key(prefix), row)),
        );
        let endpoints = self.endpoints.advance(step, numbered(desired, &numbering));
        writes.extend(
            endpoints
                .into_iter()
                .map(|(address, row)| Write::Endpoint(address, row)),
        );
    }

    /// Every row that the maps hold once the last plan is carried out.
    #[must_use]
    pub fn expected(&self) -> Rows {
        let cidrs = self.cidrs.rows();
        let mut rows = Rows {
            endpoints: self.endpoints.rows().collect(),
            cidrs: cidrs.map(|(prefix, row)| (cidr_key(prefix), row)).collect(),
            frontends: self.frontends.rows().collect(),
            ..Rows::default()
        };
        self.catalog.collect(&mut rows);
        self.sets.collect(&mut rows);
        rows
    }

    /// The table with this id, as long as events may still name it: for 64 generations after its rows are deleted.
    #[must_use]
    pub fn table(&self, id: TableId) -> Option<&Arc<Table>> {
        self.catalog.table(id)
    }

    /// Who decided one half of a verdict.
    #[must_use]
    pub fn provenance(&self, half: Half) -> Provenance {
        let decider = u8::try_from(half.decider).ok();
        match decider.and_then(Decider::from_number) {
            None | Some(Decider::NotAsked) => Provenance::NotAsked,
            Some(Decider::NoPolicy | Decider::OwnNode) => Provenance::NoPolicy,
            Some(Decider::Rules) => self.rules(half).unwrap_or(Provenance::Forgotten),
            Some(Decider::Isolation) => self.isolation(half).unwrap_or(Provenance::Forgotten),
        }
    }

    fn rules(&self, half: Half) -> Option<Provenance> {
        let table = self.table(half.table)?;
        let rules = table.rules.get(usize::try_from(half.rules.0).ok()?)?;
        Some(Provenance::Rules {
            direction: table.direction,
            action: action(half)?,
            rules: rules.clone(),
        })
    }

    fn isolation(&self, half: Half) -> Option<Provenance> {
        let table = self.table(half.table)?;
        Some(Provenance::Isolation {
            direction: table.direction,
            action: action(half)?,
            policies: table.isolated_by.clone(),
        })
    }
}

fn action(half: Half) -> Option<PolicyAction> {
    PolicyAction::from_number(u8::try_from(half.action).ok()?)
}

/// The endpoints with their tables by number.
fn numbered(desired: &Desired, numbering: &Numbering) -> BTreeMap<Address, Endpoint> {
    let rows = desired.endpoints.iter().map(|(address, row)| {
        let endpoint = Endpoint {
            identity: row.identity,
            node: row.node,
            egress: numbering.of(row.egress.as_ref()),
            ingress: numbering.of(row.ingress.as_ref()),
        };
        (Address::from(*address), endpoint)
    });
    rows.collect()
}

fn cidr_key(prefix: IpNet) -> CidrKey {
    let mapped = if prefix.addr().is_ipv4() { 96 } else { 0 };
    CidrKey {
        prefix_length: mapped + u32::from(prefix.prefix_len()),
        address: prefix.network().into(),
    }
}

/// The prefix behind a key: what lies among the IPv4-mapped addresses is IPv4.
fn prefix(key: CidrKey) -> IpNet {
    let address = key.address.to_ip();
    let mapped = if address.is_ipv4() { 96 } else { 0 };
    let length = u8::try_from(key.prefix_length.saturating_sub(mapped)).unwrap_or(u8::MAX);
    IpNet::new(address, length).unwrap_or_else(|_| IpNet::from(address))
}

/// The identity of the addresses in `prefix`, where it has no row itself.
fn longest_prefix(rows: &BTreeMap<IpNet, Identity>, prefix: IpNet) -> Option<Identity> {
    let mut around = std::iter::successors(Some(prefix), IpNet::supernet);
    around.find_map(|prefix| rows.get(&prefix).copied())
}

/// Who decided one half of a verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Provenance {
    /// This half was not asked.
    NotAsked,
    /// No policy: allowed by default, or by the exemption of the pod's own node.
    NoPolicy,
    /// Rules of policies.
    Rules {
        /// The direction of the traffic.
        direction: Direction,
        /// What they do with it.
        action: PolicyAction,
        /// The rules, all of them.
        rules: Vec<RuleReference>,
    },
    /// Policies isolate the endpoint and none of their rules matched.
    Isolation {
        /// The direction of the traffic.
        direction: Direction,
        /// To deny; to audit when all of them are in audit mode.
        action: PolicyAction,
        /// The policies.
        policies: Vec<PolicyName>,
    },
    /// The table is no longer known.
    Forgotten,
}
