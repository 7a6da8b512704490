//! Workloads → the pods they stand for, unless the input has those pods already.

use crate::kind::{Owner, PodDraft, WorkloadDraft};
use crate::{Addresses, ObjectName, Pod};
use std::collections::{BTreeMap, BTreeSet};

/// All pods of the input.
pub(super) struct Expansion {
    /// The pods that have a network, with the workloads they belong to as owners.
    pub(super) pods: Vec<PodDraft>,
    /// The pods that have run to their end.
    pub(super) finished: BTreeSet<ObjectName>,
    /// The workloads whose pods these are: kind, and name with namespace.
    workloads: BTreeSet<(String, ObjectName)>,
}

impl Expansion {
    /// Whether `pod` belongs to a workload whose pods are now exactly those in here.
    pub(super) fn replaces(&self, name: &ObjectName, pod: &Pod) -> bool {
        pod.workload.as_ref().is_some_and(|owner| {
            let owner_name = ObjectName::new(name.namespace.as_str(), owner.name.as_str());
            self.workloads.contains(&(owner.kind.clone(), owner_name))
        })
    }
}

/// The pods of the input: the written ones, and those of workloads none of whose pods are written.
pub(super) fn expand(
    written: Vec<PodDraft>,
    workloads: &[WorkloadDraft],
    nodes: &BTreeSet<String>,
) -> Expansion {
    let owners = Owners::new(workloads);
    let claimed = owners.claimed(&written);
    let top = workloads.iter().filter(|workload| owners.is_top(workload));
    let expanded = top
        .clone()
        .filter(|workload| !claimed.contains(&key(workload)));
    let mut pods: Vec<_> = written.into_iter().map(|pod| owners.adopt(pod)).collect();
    let finished = pods
        .extract_if(.., |pod| pod.finished)
        .map(|pod| pod.name)
        .collect();
    pods.extend(expanded.flat_map(|workload| members(workload, nodes)));
    Expansion {
        pods,
        finished,
        workloads: top
            .map(|workload| (top_owner(workload).kind, top_name(workload)))
            .collect(),
    }
}

/// Namespace, kind and name.
type Key = (String, String, String);

fn key(workload: &WorkloadDraft) -> Key {
    owner_key(&workload.name.namespace, workload.kind, &workload.name.name)
}

fn owner_key(namespace: &str, kind: &str, name: &str) -> Key {
    (namespace.to_owned(), kind.to_owned(), name.to_owned())
}

/// Who owns whom among the workloads of the input.
struct Owners<'a>(BTreeMap<Key, &'a WorkloadDraft>);

impl<'a> Owners<'a> {
    fn new(workloads: &'a [WorkloadDraft]) -> Self {
        Self(
            workloads
                .iter()
                .map(|workload| (key(workload), workload))
                .collect(),
        )
    }

    /// Whether no workload of the input owns this one.
    fn is_top(&self, workload: &WorkloadDraft) -> bool {
        let namespace = &workload.name.namespace;
        workload
            .owner
            .as_ref()
            .is_none_or(|owner| self.get(namespace, owner).is_none())
    }

    fn get(&self, namespace: &str, owner: &Owner) -> Option<&'a WorkloadDraft> {
        self.0
            .get(&owner_key(namespace, &owner.kind, &owner.name))
            .copied()
    }

    /// `owner` and all above it. Owners that own each other in a circle end where it closes.
    fn chain(&self, namespace: &str, owner: &Owner) -> Vec<Owner> {
        let mut chain = vec![owner.clone()];
        while let Some(above) = self
            .get(namespace, &chain[chain.len() - 1])
            .and_then(|workload| workload.owner.clone())
        {
            if chain.contains(&above) {
                break;
            }
            chain.push(above);
        }
        chain
    }

    /// The workloads that have pods in the input.
    fn claimed(&self, pods: &[PodDraft]) -> BTreeSet<Key> {
        let chains = pods.iter().filter_map(|pod| {
            let namespace = &pod.name.namespace;
            Some((namespace, self.chain(namespace, pod.owner.as_ref()?)))
        });
        chains
            .flat_map(|(namespace, chain)| {
                chain
                    .into_iter()
                    .map(|owner| owner_key(namespace, &owner.kind, &owner.name))
            })
            .collect()
    }

    /// The pod as a member of the topmost of its owners.
    fn adopt(&self, pod: PodDraft) -> PodDraft {
        let topmost = |owner: &Owner| self.chain(&pod.name.namespace, owner).pop();
        let owner = pod.owner.as_ref().and_then(topmost);
        PodDraft { owner, ..pod }
    }
}

/// The workload that logs name: its owner's, if it is written that it has one.
fn top_owner(workload: &WorkloadDraft) -> Owner {
    workload.owner.clone().unwrap_or_else(|| Owner {
        kind: workload.kind.to_owned(),
        name: workload.name.name.clone(),
    })
}

fn top_name(workload: &WorkloadDraft) -> ObjectName {
    ObjectName::new(workload.name.namespace.as_str(), top_owner(workload).name)
}

/// The pods of one workload.
fn members(workload: &WorkloadDraft, nodes: &BTreeSet<String>) -> Vec<PodDraft> {
    let name = &workload.name.name;
    let pod = |name: String, node: Option<&String>| member(workload, name, node);
    match (workload.kind, workload.replicas) {
        ("DaemonSet", _) if nodes.len() == 1 => vec![pod(name.clone(), nodes.first())],
        ("DaemonSet", _) => nodes
            .iter()
            .map(|node| pod(format!("{name}-{node}"), Some(node)))
            .collect(),
        ("StatefulSet", replicas) => numbered(name, replicas)
            .map(|name| pod(name, None))
            .collect(),
        (_, 1) => vec![pod(name.clone(), None)],
        (_, replicas) => numbered(name, replicas)
            .map(|name| pod(name, None))
            .collect(),
    }
}

fn numbered(name: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |index| format!("{name}-{index}"))
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
        owner: Some(top_owner(workload)),
        origin: workload.origin.clone(),
    }
}
