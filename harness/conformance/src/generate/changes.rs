//! Live changes: relabelling, policies that come and go, pods that come and go.

use super::labels::labels;
use super::tiers::{self, TierSketch, tier_policies};
use super::topology::{
    PodSketch, PolicySketch, add_pod, add_policy, pods, policies, set_namespace_audit,
    set_namespace_labels,
};
use super::{audit, choose};
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
    AuditPolicy(usize, Option<bool>),
    AuditNamespace(usize, Option<bool>),
    AddTierPolicy(Box<TierSketch>),
    RemoveTierPolicy(usize),
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
        4 => policy_change(),
        1 => pods().prop_map(Change::AddPod),
        1 => (0..8usize).prop_map(Change::RemovePod),
        1 => (0..8usize, pods()).prop_map(|(pod, new)| Change::ReplacePod(pod, new)),
    ]
    .boxed()
}

/// A policy that comes or goes, or how strictly it is meant.
pub(super) fn policy_change() -> BoxedStrategy<Change> {
    prop_oneof![
        policies().prop_map(Change::AddPolicy),
        (0..4usize).prop_map(Change::RemovePolicy),
        (0..4usize, audit()).prop_map(|(policy, audit)| Change::AuditPolicy(policy, audit)),
        (0..3usize, audit()).prop_map(|(name, audit)| Change::AuditNamespace(name, audit)),
        tier_policies().prop_map(|policy| Change::AddTierPolicy(Box::new(policy))),
        (0..3usize).prop_map(Change::RemoveTierPolicy),
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
            Self::RemovePolicy(drawn) => {
                if let Some(name) = choose(cluster.policies.keys(), drawn).cloned() {
                    cluster.policies.remove(&name);
                }
            }
            Self::AuditPolicy(drawn, audit) => {
                if let Some(policy) = choose(cluster.policies.values_mut(), drawn) {
                    policy.audit = audit;
                }
            }
            Self::AuditNamespace(drawn, audit) => {
                if let Some(name) = choose(cluster.namespaces.keys(), drawn).cloned() {
                    set_namespace_audit(&mut cluster, &name, audit);
                }
            }
            Self::AddTierPolicy(policy) => policy.enter(&mut cluster),
            Self::RemoveTierPolicy(drawn) => tiers::remove(&mut cluster, drawn),
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
