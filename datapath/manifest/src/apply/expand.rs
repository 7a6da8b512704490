//! Workloads → the pods they stand for, unless the input has those pods already.

use super::owners::{Owners, name, own_name, top_owner};
use crate::kind::{Owner, PodDraft, WorkloadDraft};
use crate::{Addresses, ObjectName, ObjectRef, Pod};
use std::collections::{BTreeMap, BTreeSet};

/// All pods of the input.
pub(super) struct Expansion {
    /// The pods that have a network, with the workloads they belong to as owners.
    pub(super) pods: Vec<PodDraft>,
    /// The pods that have run to their end.
    finished: BTreeSet<ObjectName>,
    /// The workloads whose pods these are.
    workloads: BTreeSet<ObjectRef>,
}

impl Expansion {
    /// Removes what the input says is gone: finished pods, and pods that a workload of it has no longer.
    pub(super) fn retire(&self, pods: &mut BTreeMap<ObjectName, Pod>) {
        let stay: BTreeSet<_> = self.pods.iter().map(|pod| &pod.name).collect();
        pods.retain(|pod_name, pod| {
            let owner = pod_owner(pod).map(|owner| name(&pod_name.namespace, &owner));
            let replaced = owner.is_some_and(|owner| self.workloads.contains(&owner));
            stay.contains(pod_name) || !(replaced || self.finished.contains(pod_name))
        });
    }
}

/// The pods of the input: the written ones, and those of workloads none of whose pods are written.
/// `before` are the pods of the cluster.
pub(super) fn expand(
    written: Vec<PodDraft>,
    workloads: &[WorkloadDraft],
    nodes: &BTreeSet<String>,
    before: &BTreeMap<ObjectName, Pod>,
) -> Expansion {
    let owners = Owners::new(workloads);
    let claimed = owners.claimed(&written);
    let mut pods: Vec<_> = written.into_iter().map(|pod| owners.adopt(pod)).collect();
    let finished = pods
        .extract_if(.., |pod| pod.finished)
        .map(|pod| pod.name)
        .collect();
    let mut names: BTreeSet<_> = pods.iter().map(|pod| pod.name.clone()).collect();
    for workload in owners
        .topmost()
        .filter(|workload| !claimed.contains(&own_name(workload)))
    {
        let owner = top_owner(workload);
        let is_others = |pod: &Pod| pod_owner(pod).is_none_or(|other| other != owner);
        let taken =
            |name: &ObjectName| names.contains(name) || before.get(name).is_some_and(is_others);
        let members = members(workload, nodes, taken);
        names.extend(members.iter().map(|pod| pod.name.clone()));
        pods.extend(members);
    }
    let workloads = owners.topmost();
    let workloads = workloads.map(|workload| name(&workload.name.namespace, &top_owner(workload)));
    Expansion {
        pods,
        finished,
        workloads: workloads.collect(),
    }
}

fn pod_owner(pod: &Pod) -> Option<Owner> {
    let workload = pod.workload.as_ref()?;
    Some(Owner {
        kind: workload.kind.clone(),
        name: workload.name.clone(),
    })
}

/// The pods of one workload. Where another object has such a pod already, the kind goes into the names.
fn members(
    workload: &WorkloadDraft,
    nodes: &BTreeSet<String>,
    taken: impl Fn(&ObjectName) -> bool,
) -> Vec<PodDraft> {
    let kind = format!("-{}", workload.kind.to_lowercase());
    let mut stem = workload.name.name.clone();
    loop {
        let members = members_named(&stem, workload, nodes);
        if !members.iter().any(|member| taken(&member.name)) {
            return members;
        }
        stem += &kind;
    }
}

fn members_named(stem: &str, workload: &WorkloadDraft, nodes: &BTreeSet<String>) -> Vec<PodDraft> {
    let numbered =
        (0..workload.replicas).map(|index| member(workload, format!("{stem}-{index}"), None));
    match (workload.kind, workload.replicas) {
        ("DaemonSet", _) if nodes.len() == 1 => {
            vec![member(workload, stem.to_owned(), nodes.first())]
        }
        ("DaemonSet", _) => {
            let on_node = |node| member(workload, format!("{stem}-{node}"), Some(node));
            nodes.iter().map(on_node).collect()
        }
        ("StatefulSet", _) => numbered.collect(),
        (_, 1) => vec![member(workload, stem.to_owned(), None)],
        _ => numbered.collect(),
    }
}

fn member(workload: &WorkloadDraft, name: String, node: Option<&String>) -> PodDraft {
    let mut template = workload.template.clone();
    template.node = node.cloned().or(template.node);
    PodDraft {
        name: ObjectName::new(workload.name.namespace.as_str(), name),
        template,
        addresses: Addresses::default(),
        host_addresses: Addresses::default(),
        finished: false,
        ready: true,
        terminating: false,
        owner: Some(top_owner(workload)),
        origin: workload.origin.clone(),
    }
}
