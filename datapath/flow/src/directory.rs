//! Who had which address, generation by generation.

use crate::end::{Party, PodParty};
use crate::services::Services;
use abi::Generation;
use manifest::{Cluster, LogSwitch, ObjectName, PolicyKind, PolicyName};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

/// The cluster as it was under the generations of late, for events that come after a change.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    snapshots: BTreeMap<Generation, Arc<Snapshot>>,
}

/// What flows and logs need to know of one state of a cluster.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    parties: HashMap<IpAddr, Party>,
    services: Services,
    logging: Logging,
    /// Policies whose annotation asks for records.
    logged_policies: HashSet<PolicyName>,
    /// Namespaces whose annotation asks for records of denials.
    logged_namespaces: HashSet<String>,
}

/// What is to be logged.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Logging {
    /// About connections that policies allow.
    pub allow: LogSwitch,
    /// About connections that are denied.
    pub deny: LogSwitch,
}

impl Directory {
    /// How many generations are remembered, as many as the tables are.
    const REMEMBERED: usize = 64;

    /// Remembers that `generation` judges by this cluster.
    pub fn remember(&mut self, generation: Generation, cluster: &Cluster) {
        let snapshot = Arc::new(Snapshot::of(cluster));
        self.snapshots.insert(generation, snapshot);
        while self.snapshots.len() > Self::REMEMBERED {
            self.snapshots.pop_first();
        }
    }

    /// The cluster of this generation. One that came before all that are remembered is taken for the oldest.
    #[must_use]
    pub fn at(&self, generation: Generation) -> Option<&Arc<Snapshot>> {
        let until = self.snapshots.range(..=generation).next_back();
        let found = until.or_else(|| self.snapshots.first_key_value());
        found.map(|(_, snapshot)| snapshot)
    }
}

impl Snapshot {
    /// The state of this cluster.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let mut parties = HashMap::new();
        let mut nodes = HashMap::new();
        for (name, node) in &cluster.nodes {
            let name: Arc<str> = name.as_str().into();
            let addresses = node.addresses.iter();
            parties.extend(addresses.map(|address| (address, Party::Node(Arc::clone(&name)))));
            nodes.insert(name.to_string(), name);
        }
        for (name, pod) in cluster.pods.iter().filter(|(_, pod)| !pod.host_network) {
            let node = nodes.get(&pod.node).cloned();
            let party = Arc::new(PodParty {
                name: name.clone(),
                labels: pod.labels.clone(),
                workload: pod.workload.clone(),
                node: node.unwrap_or_else(|| pod.node.as_str().into()),
            });
            let addresses = pod.addresses.iter();
            parties.extend(addresses.map(|address| (address, Party::Pod(Arc::clone(&party)))));
        }
        let namespaces = cluster.namespaces.iter();
        let logged = namespaces.filter(|(_, namespace)| namespace.logs_denials);
        let logging = cluster.network_logging.as_ref();
        Self {
            parties,
            services: Services::of(cluster),
            logging: logging.map_or_else(Logging::default, |logging| Logging {
                allow: logging.allow,
                deny: logging.deny,
            }),
            logged_policies: logged_policies(cluster).collect(),
            logged_namespaces: logged.map(|(name, _)| name.clone()).collect(),
        }
    }

    /// What is to be logged.
    #[must_use]
    pub const fn logging(&self) -> Logging {
        self.logging
    }

    /// Whether a policy asks for records of what it allows.
    #[must_use]
    pub fn is_logged(&self, policy: &PolicyName) -> bool {
        self.logged_policies.contains(policy)
    }

    /// Whether a namespace asks for records of what its pods' policies deny.
    #[must_use]
    pub fn logs_denials(&self, namespace: &str) -> bool {
        self.logged_namespaces.contains(namespace)
    }

    /// The service that is reached there, by the IP protocol number.
    #[must_use]
    pub fn service(&self, address: IpAddr, protocol: u8, port: Option<u16>) -> Option<&ObjectName> {
        self.services.at(address, protocol, port)
    }

    /// Who has this address.
    #[must_use]
    pub fn party(&self, address: IpAddr) -> Party {
        let known = self.parties.get(&address);
        known.cloned().unwrap_or(Party::World)
    }
}

/// The policies of every kind whose annotation asks for records.
fn logged_policies(cluster: &Cluster) -> impl Iterator<Item = PolicyName> {
    let of_cluster = cluster.cluster_network_policies.iter();
    let of_cluster = of_cluster.map(|(name, policy)| (name, policy.is_logged));
    let admin = cluster.admin_network_policies.iter();
    let admin = admin.map(|(name, policy)| (name, policy.is_logged));
    let baseline = cluster.baseline_admin_network_policies.iter();
    let baseline = baseline.map(|(name, policy)| (name, policy.is_logged));
    let host = cluster.host_policies.iter();
    let host = host.map(|(name, policy)| (name, policy.is_logged));
    let named = |kind| {
        move |(name, is_logged): (&String, bool)| (PolicyName::cluster(kind, name), is_logged)
    };
    let namespaced = cluster.policies.iter();
    namespaced
        .map(|(name, policy)| (PolicyName::from(name.clone()), policy.is_logged))
        .chain(of_cluster.map(named(PolicyKind::ClusterNetworkPolicy)))
        .chain(admin.map(named(PolicyKind::AdminNetworkPolicy)))
        .chain(baseline.map(named(PolicyKind::BaselineAdminNetworkPolicy)))
        .chain(host.map(named(PolicyKind::CiliumClusterwideNetworkPolicy)))
        .filter_map(|(name, is_logged)| is_logged.then_some(name))
}
