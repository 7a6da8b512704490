//! Live changes: relabelling, policies that come and go, pods that come and go.

use super::choose;
use super::labels::labels;
use super::topology::{
    PodSketch, PolicySketch, add_pod, add_policy, pods, policies, set_namespace_labels,
};
use manifest::Cluster;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One change; its numbers choose among what a cluster has.
#[derive(Clone, Debug)]
pub(super) enum Change {
    RelabelPod(usize, BTreeMap<String, String>),
    RelabelNamespace(usize, BTreeMap<String, String>),
    AddPolicy(PolicySketch),
    RemovePolicy(usize),
    AddPod(PodSketch),
    RemovePod(usize),
}

/// One to three changes.
pub(super) fn changes() -> BoxedStrategy<Vec<Change>> {
    let change = prop_oneof![
        (0..8usize, labels()).prop_map(|(pod, labels)| Change::RelabelPod(pod, labels)),
        (0..3usize, labels()).prop_map(|(name, labels)| Change::RelabelNamespace(name, labels)),
        policies().prop_map(Change::AddPolicy),
        (0..4usize).prop_map(Change::RemovePolicy),
        pods().prop_map(Change::AddPod),
        (0..8usize).prop_map(Change::RemovePod),
    ];
    vec(change, 1..=3).boxed()
}

impl Change {
    /// The cluster after the change.
    pub(super) fn apply(self, mut cluster: Cluster) -> Cluster {
        match self {
            Self::RelabelPod(drawn, labels) => {
                if let Some(pod) = choose(cluster.pods.values_mut(), drawn) {
                    pod.labels = labels;
                }
            }
            Self::RelabelNamespace(drawn, labels) => {
                if let Some(name) = choose(cluster.namespaces.keys(), drawn).cloned() {
                    set_namespace_labels(&mut cluster, name, labels);
                }
            }
            Self::AddPolicy(policy) => add_policy(&mut cluster, policy),
            Self::RemovePolicy(drawn) => {
                if let Some(name) = choose(cluster.policies.keys(), drawn).cloned() {
                    cluster.policies.remove(&name);
                }
            }
            Self::AddPod(pod) => add_pod(&mut cluster, pod),
            Self::RemovePod(drawn) => {
                if let Some(name) = choose(cluster.pods.keys(), drawn).cloned() {
                    cluster.pods.remove(&name);
                }
            }
        }
        cluster
    }
}
