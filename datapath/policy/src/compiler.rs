//! Lowers clusters to desired tables.

use crate::host;
use crate::identity::{Profile, Registry};
use crate::population::{Population, Resident};
use crate::ports::{NO_NAMED_PORTS, NamedPort};
use crate::rule::{Namespaces, Policy, Subject};
use crate::selector::Labels;
use crate::table::{self, Peers};
use crate::tier;
use crate::{Desired, DesiredNode, Direction, EndpointRow, Table};
use abi::Identity;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use manifest::{Cluster, IpBlockMode, PolicyName};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Lowers clusters to the tables that enforce their policies. Keeps the numbers of identities from one state of a
/// cluster to the next, so that an unchanged table stays equal.
#[derive(Debug)]
pub struct Compiler {
    mode: IpBlockMode,
    registry: Registry,
    /// The tables of the last state, to share those that stay.
    tables: HashSet<Arc<Table>>,
    services: service::Compiler,
}

impl Compiler {
    /// A compiler that has allocated no identity yet.
    #[must_use]
    pub fn new(mode: IpBlockMode) -> Self {
        Self {
            mode,
            registry: Registry::default(),
            tables: HashSet::new(),
            services: service::Compiler::default(),
        }
    }

    /// Lowers one state of a cluster.
    #[must_use]
    pub fn compile(&mut self, cluster: &Cluster) -> Desired {
        let policies = policies(cluster);
        let population = Population::new(cluster, &policies, self.mode, &mut self.registry);
        let failsafe = host::failsafe(cluster);
        let mut sets = PolicySets::new(&policies, &failsafe, &population, &self.tables);
        let residents = population.residents.iter();
        let endpoints = residents.map(|(address, resident)| (*address, sets.row(resident)));
        let desired = Desired {
            endpoints: endpoints.collect(),
            cidrs: cidrs(&population),
            identities: names(&population),
            nodes: nodes(cluster, &population, &mut self.registry),
            services: self.services.compile(cluster),
        };
        self.tables = sets.tables;
        desired
    }
}

/// All policies, in the order in which they are asked. Where the priority leaves it open, by name.
fn policies(cluster: &Cluster) -> Vec<Policy> {
    let policies = cluster.policies.iter().map(|(name, policy)| {
        let namespace = cluster.namespaces.get(&name.namespace);
        let audit = namespace.and_then(|namespace| namespace.audit);
        Policy::new(name, policy, audit == Some(true))
    });
    let policies = policies.chain(tier::policies(cluster));
    let mut policies: Vec<Policy> = policies.chain(host::policies(cluster)).collect();
    policies.sort_by(|a, b| (a.precedence, &a.name).cmp(&(b.precedence, &b.name)));
    policies
}

/// The listed prefixes, and the rest of each family.
fn cidrs(population: &Population) -> BTreeMap<IpNet, Identity> {
    let rest = [Ipv4Net::default().into(), Ipv6Net::default().into()];
    let mut cidrs = BTreeMap::from(rest.map(|prefix| (prefix, Identity::WORLD)));
    cidrs.extend(&population.prefixes);
    cidrs
}

/// Every node with all its identities.
fn nodes(
    cluster: &Cluster,
    population: &Population,
    registry: &mut Registry,
) -> BTreeMap<String, DesiredNode> {
    let mut nodes: BTreeMap<_, _> = cluster
        .nodes
        .iter()
        .map(|(name, node)| {
            let node = DesiredNode {
                number: registry.node_number(name),
                identities: BTreeSet::new(),
                addresses: node.addresses,
            };
            (name.clone(), node)
        })
        .collect();
    for (&identity, key) in &population.identities {
        if let Some(node) = key.node().and_then(|name| nodes.get_mut(name)) {
            node.identities.insert(identity);
        }
    }
    nodes
}

/// A name for each identity: of its first pod, and how many there are besides.
fn names(population: &Population) -> BTreeMap<Identity, String> {
    let named = population.names.iter().map(|(identity, names)| {
        let name = match names.as_slice() {
            [first, _, ..] => format!("{first} +{}", names.len() - 1),
            few => few.concat(),
        };
        (*identity, name)
    });
    let world = (Identity::WORLD, "world".to_owned());
    named.chain([world]).collect()
}

/// The tables of each set of policies, built when the first endpoint needs them. Equal tables are one.
struct PolicySets<'a> {
    /// Those for pods of one namespace.
    policies: BTreeMap<&'a str, Vec<&'a Policy>>,
    /// Those for pods of several, in the order in which they are asked.
    tier_policies: Vec<&'a Policy>,
    /// Those for nodes.
    host_policies: Vec<&'a Policy>,
    /// What is asked before those for nodes.
    failsafe: &'a Policy,
    population: &'a Population,
    peers: Peers<'a>,
    of_identity: BTreeMap<Identity, PolicySet>,
    built: BTreeMap<TableKey<'a>, Arc<Table>>,
    known: &'a HashSet<Arc<Table>>,
    tables: HashSet<Arc<Table>>,
}

/// The tables of an endpoint; `None` in a direction that no policy applies to.
#[derive(Clone, Default)]
struct PolicySet {
    egress: Option<Arc<Table>>,
    ingress: Option<Arc<Table>>,
}

/// What the contents of a table follow from: the parts of policies and, if they use names, the ports that the endpoint
/// names.
type TableKey<'a> = (
    Direction,
    Vec<(&'a PolicyName, usize)>,
    &'a BTreeSet<NamedPort>,
);

impl<'a> PolicySets<'a> {
    fn new(
        policies: &'a [Policy],
        failsafe: &'a Policy,
        population: &'a Population,
        known: &'a HashSet<Arc<Table>>,
    ) -> Self {
        let mut by_namespace: BTreeMap<&str, Vec<&Policy>> = BTreeMap::new();
        let mut tier_policies = Vec::new();
        let mut host_policies = Vec::new();
        for policy in policies {
            match &policy.subject {
                Subject::Pods(Namespaces::Own(name), _) => {
                    by_namespace.entry(name).or_default().push(policy);
                }
                Subject::Pods(Namespaces::Matching(_), _) => tier_policies.push(policy),
                Subject::Nodes(_) => host_policies.push(policy),
            }
        }
        Self {
            policies: by_namespace,
            tier_policies,
            host_policies,
            failsafe,
            population,
            peers: Peers::among(population),
            of_identity: BTreeMap::new(),
            built: BTreeMap::new(),
            known,
            tables: HashSet::new(),
        }
    }

    fn row(&mut self, resident: &Resident) -> EndpointRow {
        let set = match self.of_identity.get(&resident.identity) {
            Some(known) => known.clone(),
            None => self.find(resident.identity),
        };
        EndpointRow {
            identity: resident.identity,
            node: resident.node,
            egress: set.egress,
            ingress: set.ingress,
        }
    }

    fn find(&mut self, identity: Identity) -> PolicySet {
        let population = self.population;
        let [egress, ingress] = Direction::BOTH.map(|direction| {
            if let Some(profile) = population.profile(identity) {
                let applying = self.applying(direction, profile);
                return self.table(direction, &applying, &profile.named_ports);
            }
            let applying = self.applying_to_node(direction, population.node(identity)?);
            self.table(direction, &applying, &NO_NAMED_PORTS)
        });
        let set = PolicySet { egress, ingress };
        self.of_identity.insert(identity, set.clone());
        set
    }

    /// What these policies say in one direction to an endpoint with these ports; `None` if there are none.
    fn table(
        &mut self,
        direction: Direction,
        applying: &[&'a Policy],
        named_ports: &'a BTreeSet<NamedPort>,
    ) -> Option<Arc<Table>> {
        if applying.is_empty() {
            return None;
        }
        let own_names = direction == Direction::Ingress
            && applying.iter().any(|policy| policy.uses_names(direction));
        let served = if own_names {
            named_ports
        } else {
            &NO_NAMED_PORTS
        };
        let names = applying.iter().map(|policy| (&policy.name, policy.part));
        let names = names.collect();
        let key = (direction, names, served);
        if let Some(table) = self.built.get(&key) {
            return Some(Arc::clone(table));
        }
        let table = table::build(direction, applying, served, &mut self.peers);
        let table = self.intern(table);
        self.built.insert(key, Arc::clone(&table));
        Some(table)
    }

    /// In the order in which they are asked.
    fn applying(&self, direction: Direction, profile: &Profile) -> Vec<&'a Policy> {
        let of_namespace = self.policies.get(profile.namespace.name.as_str());
        let of_namespace = of_namespace.into_iter().flatten();
        let tiers = self.tier_policies.iter();
        let selects = |policy: &&&Policy| match &policy.subject {
            Subject::Pods(Namespaces::Matching(namespaces), pods) => {
                namespaces.matches(&profile.namespace.labels) && pods.matches(&profile.labels)
            }
            Subject::Pods(Namespaces::Own(_), pods) => pods.matches(&profile.labels),
            Subject::Nodes(_) => false,
        };
        let mut applying: Vec<&Policy> = of_namespace
            .chain(tiers)
            .filter(|policy| policy.rules(direction).is_some())
            .filter(selects)
            .copied()
            .collect();
        applying.sort_by_key(|policy| policy.precedence);
        applying
    }

    /// In the order in which they are asked: what keeps a node alive first, where any host policy applies.
    fn applying_to_node(&self, direction: Direction, labels: &Labels) -> Vec<&'a Policy> {
        let selects = |policy: &&&Policy| match &policy.subject {
            Subject::Nodes(nodes) => nodes.matches(labels),
            Subject::Pods(..) => false,
        };
        let policies = self.host_policies.iter();
        let mut applying = policies
            .filter(|policy| policy.rules(direction).is_some())
            .filter(selects)
            .copied()
            .peekable();
        let failsafe = applying.peek().map(|_| self.failsafe);
        failsafe.into_iter().chain(applying).collect()
    }

    fn intern(&mut self, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        let known = self.tables.get(&table).or_else(|| self.known.get(&table));
        let table = known.cloned().unwrap_or(table);
        self.tables.insert(Arc::clone(&table));
        table
    }
}
