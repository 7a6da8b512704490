//! Who had which address, generation by generation.

use crate::end::{Party, PodParty};
use abi::Generation;
use manifest::Cluster;
use std::collections::{BTreeMap, HashMap};
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
        Self { parties }
    }

    /// Who has this address.
    #[must_use]
    pub fn party(&self, address: IpAddr) -> Party {
        let known = self.parties.get(&address);
        known.cloned().unwrap_or(Party::World)
    }
}
