//! Who there is in one state of a cluster, and whom a peer selects.

use crate::identity::{IdentityKey, Namespace, Profile, Registry};
use crate::ports::{NO_NAMED_PORTS, NamedPort};
use crate::prefixes::Prefixes;
use crate::rule::{Namespaces, Peer, Policy};
use crate::selector::{Labels, Selector};
use abi::Identity;
use ipnet::IpNet;
use manifest::{Cluster, IpBlockMode, Node, Pod};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The addresses and identities of one state of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Population {
    /// The address of each pod and node.
    pub(crate) residents: BTreeMap<IpAddr, Resident>,
    /// Every identity that an address can have, [`Identity::WORLD`] aside.
    pub(crate) identities: BTreeMap<Identity, IdentityKey>,
    /// The pods behind each identity, or its other name, for people.
    pub(crate) names: BTreeMap<Identity, Vec<String>>,
    /// The prefixes that policies list.
    pub(crate) prefixes: BTreeMap<IpNet, Identity>,
    namespaces: BTreeMap<String, Inhabitants>,
    nodes: BTreeMap<Identity, Labels>,
    by_prefix: BTreeMap<IpNet, Vec<Identity>>,
    mode: IpBlockMode,
}

/// One address of a pod or node.
#[derive(Debug)]
pub(crate) struct Resident {
    /// Who it is.
    pub(crate) identity: Identity,
    /// The identity of its node, as far as traffic of this address family shows it.
    pub(crate) node: Identity,
}

/// The pod identities of one namespace, ascending.
#[derive(Debug)]
struct Inhabitants {
    namespace: Arc<Namespace>,
    pods: Vec<(Identity, Arc<Profile>)>,
}

impl Population {
    /// Finds everyone and gives them their identities.
    pub(crate) fn new(
        cluster: &Cluster,
        policies: &[Policy],
        mode: IpBlockMode,
        registry: &mut Registry,
    ) -> Self {
        let blocks = policies.iter().flat_map(Policy::blocks);
        let networks: BTreeSet<IpNet> = policies.iter().flat_map(Policy::networks).collect();
        let of_blocks: BTreeSet<IpNet> = blocks.chain(networks.iter().copied()).collect();
        let outside = policies.iter().flat_map(Policy::outside);
        let listed: BTreeSet<IpNet> = of_blocks.iter().copied().chain(outside).collect();
        let mut census = Census {
            of_endpoints: match mode {
                IpBlockMode::Any => of_blocks.into_iter().collect(),
                IpBlockMode::External => networks.into_iter().collect(),
            },
            registry,
            population: Self {
                mode,
                ..Self::default()
            },
        };
        census.count_prefixes(&listed);
        for (name, node) in &cluster.nodes {
            census.count_node(name, node);
        }
        census.count_pods(cluster);
        let mut population = census.population;
        population.index(cluster);
        registry.forget_all_but(&population.identities);
        population
    }

    fn index(&mut self, cluster: &Cluster) {
        for (&identity, key) in &self.identities {
            if let IdentityKey::Node(name, _) = key
                && let Some(node) = cluster.nodes.get(name)
            {
                self.nodes.insert(identity, node.labels.clone());
            }
            if let Some(profile) = key.profile() {
                let namespace = &profile.namespace;
                let inhabitants = self
                    .namespaces
                    .entry(namespace.name.clone())
                    .or_insert_with(|| Inhabitants::none(namespace));
                inhabitants.pods.push((identity, Arc::clone(profile)));
            }
            if let Some(prefix) = key.prefix() {
                self.by_prefix.entry(prefix).or_default().push(identity);
            }
        }
    }

    /// The identities that a peer selects, ascending.
    pub(crate) fn select(&self, peer: &Peer) -> Vec<Identity> {
        let mut selected = match peer {
            Peer::Pods(namespaces, pods) => self.select_pods(namespaces, pods),
            Peer::Nodes(selector) => self.select_nodes(selector),
            Peer::Network(network) => self.select_addresses(*network, &[]),
            Peer::Outside(cidr, except) => {
                let mut selected = self.select_addresses(*cidr, except);
                selected.retain(|identity| self.is_outside(*identity));
                selected
            }
            Peer::World => {
                let outside = self.identities.keys().copied();
                let outside = outside.filter(|identity| self.is_outside(*identity));
                outside.chain([Identity::WORLD]).collect()
            }
            Peer::Cluster => {
                let endpoints = self.identities.keys().copied();
                let endpoints = endpoints.filter(|identity| !self.is_outside(*identity));
                endpoints.collect()
            }
            Peer::Everyone => Vec::new(),
            Peer::Block(cidr, except) => {
                let mut selected = self.select_addresses(*cidr, except);
                if self.mode == IpBlockMode::External {
                    selected.retain(|identity| self.is_outside(*identity));
                }
                selected
            }
        };
        selected.sort_unstable();
        selected
    }

    fn select_pods(&self, namespaces: &Namespaces, pods: &Selector) -> Vec<Identity> {
        let inhabitants: Vec<&Inhabitants> = match namespaces {
            Namespaces::Own(name) => self.namespaces.get(name).into_iter().collect(),
            Namespaces::Matching(selector) => self
                .namespaces
                .values()
                .filter(|inhabitants| selector.matches(&inhabitants.namespace.labels))
                .collect(),
        };
        inhabitants
            .iter()
            .flat_map(|inhabitants| inhabitants.selected_by(pods))
            .collect()
    }

    fn select_nodes(&self, selector: &Selector) -> Vec<Identity> {
        let selected = self.nodes.iter();
        selected
            .filter(|(_, labels)| selector.matches(labels))
            .map(|(identity, _)| *identity)
            .collect()
    }

    /// The labels of the node that this identity is of; `None` if it is no node's.
    pub(crate) fn node(&self, identity: Identity) -> Option<&Labels> {
        self.nodes.get(&identity)
    }

    /// Whether no endpoint has this identity.
    fn is_outside(&self, identity: Identity) -> bool {
        let key = self.identities.get(&identity);
        key.is_none_or(|key| matches!(key, IdentityKey::Prefix(_)))
    }

    /// An address is in a listed prefix exactly when the longest listed prefix that holds it is.
    fn select_addresses(&self, cidr: IpNet, except: &[IpNet]) -> Vec<Identity> {
        self.by_prefix
            .iter()
            .filter(|(longest, _)| cidr.contains(*longest))
            .filter(|(longest, _)| !except.iter().any(|hole| hole.contains(*longest)))
            .flat_map(|(_, identities)| identities.iter().copied())
            .collect()
    }

    /// What a port name means on this identity.
    pub(crate) fn named_ports(&self, identity: Identity) -> &BTreeSet<NamedPort> {
        let profile = self.profile(identity);
        profile.map_or(&NO_NAMED_PORTS, |profile| &profile.named_ports)
    }

    /// What pods behind this identity are like; `None` if it is no pods'.
    pub(crate) fn profile(&self, identity: Identity) -> Option<&Profile> {
        let key = self.identities.get(&identity)?;
        key.profile().map(Arc::as_ref)
    }

    /// The identities that have named ports.
    pub(crate) fn with_named_ports(&self) -> impl Iterator<Item = Identity> {
        let pods = self
            .namespaces
            .values()
            .flat_map(|inhabitants| &inhabitants.pods);
        pods.filter(|(_, profile)| !profile.named_ports.is_empty())
            .map(|(identity, _)| *identity)
    }
}

impl Inhabitants {
    fn none(namespace: &Arc<Namespace>) -> Self {
        Self {
            namespace: Arc::clone(namespace),
            pods: Vec::new(),
        }
    }

    fn selected_by(&self, pods: &Selector) -> impl Iterator<Item = Identity> {
        self.pods
            .iter()
            .filter(|(_, profile)| pods.matches(&profile.labels))
            .map(|(identity, _)| *identity)
    }
}

/// Goes through a cluster and writes down who is there.
struct Census<'a> {
    /// The prefixes that endpoints can match, of all that policies list.
    of_endpoints: Prefixes,
    registry: &'a mut Registry,
    population: Population,
}

impl Census<'_> {
    fn count_prefixes(&mut self, listed: &BTreeSet<IpNet>) {
        for &prefix in listed {
            let identity = self.identify(IdentityKey::Prefix(prefix), &prefix.to_string());
            self.population.prefixes.insert(prefix, identity);
        }
    }

    fn count_node(&mut self, name: &str, node: &Node) {
        for address in node.addresses.iter() {
            let identity = self.identify_node(name, Some(address));
            let resident = Resident {
                identity,
                node: identity,
            };
            self.population.residents.insert(address, resident);
        }
    }

    fn count_pods(&mut self, cluster: &Cluster) {
        let mut namespaces = BTreeMap::new();
        for (name, pod) in cluster.pods.iter().filter(|(_, pod)| !pod.host_network) {
            let namespace = namespaces
                .entry(name.namespace.as_str())
                .or_insert_with_key(|name| Arc::new(read_namespace(cluster, name)));
            let profile = Arc::new(Profile::new(Arc::clone(namespace), pod));
            self.count_pod(cluster, &name.to_string(), pod, &profile);
        }
    }

    fn count_pod(&mut self, cluster: &Cluster, name: &str, pod: &Pod, profile: &Arc<Profile>) {
        let node = cluster.nodes.get(&pod.node);
        for address in pod.addresses.iter() {
            let key = IdentityKey::Pod(Arc::clone(profile), self.of_endpoints.longest(address));
            let of_node = node.and_then(|node| {
                let mut addresses = node.addresses.iter();
                addresses.find(|own| own.is_ipv4() == address.is_ipv4())
            });
            let resident = Resident {
                identity: self.identify(key, name),
                node: self.identify_node(&pod.node, of_node),
            };
            self.population.residents.insert(address, resident);
        }
    }

    fn identify_node(&mut self, name: &str, address: Option<IpAddr>) -> Identity {
        let prefix = address.and_then(|address| self.of_endpoints.longest(address));
        let key = IdentityKey::Node(name.to_owned(), prefix);
        self.identify(key, &format!("node/{name}"))
    }

    /// The number of `key`, which is in use from now on.
    fn identify(&mut self, key: IdentityKey, name: &str) -> Identity {
        let identity = self.registry.identity(&key);
        self.population.identities.entry(identity).or_insert(key);
        let names = self.population.names.entry(identity).or_default();
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
        }
        identity
    }
}

/// The namespace as selectors see it; one that nobody declared has the label that every namespace has.
fn read_namespace(cluster: &Cluster, name: &str) -> Namespace {
    let declared = cluster.namespaces.get(name);
    let labels = declared.map(|namespace| namespace.labels.clone());
    let default = || BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())]);
    Namespace {
        name: name.to_owned(),
        labels: labels.unwrap_or_else(default),
    }
}
