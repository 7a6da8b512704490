//! Live changes: relabelling, policies that come and go, pods that come and go.

use super::annotations::{Annotations, annotations, logging};
use super::choose;
use super::hosts::{self, HostSketch, host_policies};
use super::labels::labels;
use super::tiers::{self, TierSketch, tier_policies};
use super::topology::{
    PodSketch, PolicySketch, add_pod, add_policy, annotate_namespace, pods, policies,
    set_namespace_labels,
};
use manifest::{Cluster, NetworkLogging};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One change; its numbers choose among what a cluster has.
#[derive(Clone, Debug)]
pub(super) enum Change {
    RelabelPod(usize, BTreeMap<String, String>),
    RelabelNamespace(usize, BTreeMap<String, String>),
    AddPolicy(PolicySketch),
    /// A policy that closes a whole namespace.
    Isolate(usize),
    RemovePolicy(usize),
    AnnotatePolicy(usize, Annotations),
    AnnotateNamespace(usize, Annotations),
    Log(Option<NetworkLogging>),
    AddTierPolicy(Box<TierSketch>),
    RemoveTierPolicy(usize),
    AddHostPolicy(HostSketch),
    RemoveHostPolicy(usize),
    AddPod(PodSketch),
    RemovePod(usize),
    /// One goes, and one comes that may get its address.
    ReplacePod(usize, PodSketch),
}

/// One to three changes.
pub(super) fn changes() -> BoxedStrategy<Vec<Change>> {
    vec(change(), 1..=3).boxed()
}

/// One change.
pub(super) fn change() -> BoxedStrategy<Change> {
    prop_oneof![
        1 => (0..8usize, labels()).prop_map(|(pod, labels)| Change::RelabelPod(pod, labels)),
        1 => (0..3usize, labels()).prop_map(|(name, labels)| Change::RelabelNamespace(name, labels)),
        3 => policy_change(),
        1 => logging_change(),
        1 => pods().prop_map(Change::AddPod),
        1 => (0..8usize).prop_map(Change::RemovePod),
        1 => (0..8usize, pods()).prop_map(|(pod, new)| Change::ReplacePod(pod, new)),
    ]
    .boxed()
}

/// A policy that comes or goes.
pub(super) fn policy_change() -> BoxedStrategy<Change> {
    prop_oneof![
        policies().prop_map(Change::AddPolicy),
        (0..3usize).prop_map(Change::Isolate),
        (0..4usize).prop_map(Change::RemovePolicy),
        tier_policies().prop_map(|policy| Change::AddTierPolicy(Box::new(policy))),
        (0..3usize).prop_map(Change::RemoveTierPolicy),
        host_policies().prop_map(Change::AddHostPolicy),
        (0..2usize).prop_map(Change::RemoveHostPolicy),
    ]
    .boxed()
}

/// How strictly policies are meant, and what is logged of them.
fn logging_change() -> BoxedStrategy<Change> {
    prop_oneof![
        (0..4usize, annotations()).prop_map(|(policy, new)| Change::AnnotatePolicy(policy, new)),
        (0..3usize, annotations()).prop_map(|(name, new)| Change::AnnotateNamespace(name, new)),
        option::of(logging()).prop_map(Change::Log),
    ]
    .boxed()
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
                    set_namespace_labels(&mut cluster, &name, labels);
                }
            }
            Self::AddPolicy(policy) => add_policy(&mut cluster, policy),
            Self::Isolate(drawn) => add_policy(&mut cluster, PolicySketch::closed(drawn)),
            Self::RemovePolicy(drawn) => {
                if let Some(name) = choose(cluster.policies.keys(), drawn).cloned() {
                    cluster.policies.remove(&name);
                }
            }
            Self::AnnotatePolicy(drawn, annotations) => {
                if let Some(policy) = choose(cluster.policies.values_mut(), drawn) {
                    policy.audit = annotations.audit;
                    policy.is_logged = annotations.logs;
                }
            }
            Self::AnnotateNamespace(drawn, annotations) => {
                if let Some(name) = choose(cluster.namespaces.keys(), drawn).cloned() {
                    annotate_namespace(&mut cluster, &name, annotations);
                }
            }
            Self::Log(logging) => cluster.network_logging = logging,
            Self::AddTierPolicy(policy) => policy.enter(&mut cluster),
            Self::RemoveTierPolicy(drawn) => tiers::remove(&mut cluster, drawn),
            Self::AddHostPolicy(policy) => policy.enter(&mut cluster),
            Self::RemoveHostPolicy(drawn) => hosts::remove(&mut cluster, drawn),
            Self::AddPod(pod) => add_pod(&mut cluster, pod),
            Self::RemovePod(drawn) => remove_pod(&mut cluster, drawn),
            Self::ReplacePod(drawn, pod) => {
                remove_pod(&mut cluster, drawn);
                add_pod(&mut cluster, pod);
            }
        }
        cluster
    }
}

fn remove_pod(cluster: &mut Cluster, drawn: usize) {
    if let Some(name) = choose(cluster.pods.keys(), drawn).cloned() {
        cluster.pods.remove(&name);
    }
}
