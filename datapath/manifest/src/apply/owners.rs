//! Who owns whom: a pod its `ReplicaSet`, that its `Deployment`.

use crate::ObjectRef;
use crate::kind::{Owner, PodDraft, WorkloadDraft};
use std::collections::{BTreeMap, BTreeSet};

/// The workloads of the input.
pub(super) struct Owners<'a> {
    workloads: &'a [WorkloadDraft],
    by_name: BTreeMap<ObjectRef, &'a WorkloadDraft>,
}

impl<'a> Owners<'a> {
    pub(super) fn new(workloads: &'a [WorkloadDraft]) -> Self {
        let named = workloads
            .iter()
            .map(|workload| (own_name(workload), workload));
        Self {
            workloads,
            by_name: named.collect(),
        }
    }

    /// The workloads that no other of the input owns, in the order they are written.
    pub(super) fn topmost(&self) -> impl Iterator<Item = &'a WorkloadDraft> {
        let owned = |workload: &WorkloadDraft| {
            let owner = workload.owner.as_ref();
            owner.is_some_and(|owner| self.get(&workload.name.namespace, owner).is_some())
        };
        self.workloads
            .iter()
            .filter(move |workload| !owned(workload))
    }

    /// The workloads that have pods among `pods`, however far below.
    pub(super) fn claimed(&self, pods: &[PodDraft]) -> BTreeSet<ObjectRef> {
        let mut claimed = BTreeSet::new();
        for pod in pods {
            let namespace = &pod.name.namespace;
            for owner in self.chain(namespace, pod.owner.as_ref()) {
                claimed.insert(name(namespace, &owner));
            }
        }
        claimed
    }

    /// The pod as a member of the topmost of its owners.
    pub(super) fn adopt(&self, pod: PodDraft) -> PodDraft {
        let owner = self.chain(&pod.name.namespace, pod.owner.as_ref()).pop();
        PodDraft { owner, ..pod }
    }

    fn get(&self, namespace: &str, owner: &Owner) -> Option<&'a WorkloadDraft> {
        self.by_name.get(&name(namespace, owner)).copied()
    }

    /// `owner` and all above it. Owners that own each other in a circle end where it closes.
    fn chain(&self, namespace: &str, owner: Option<&Owner>) -> Vec<Owner> {
        let mut chain: Vec<Owner> = vec![];
        let mut next = owner;
        while let Some(owner) = next.filter(|owner| !chain.contains(owner)) {
            chain.push(owner.clone());
            next = self
                .get(namespace, owner)
                .and_then(|workload| workload.owner.as_ref());
        }
        chain
    }
}

/// The name that the pods of `workload` go by in logs: of its owner, if it is written that it has one.
pub(super) fn top_owner(workload: &WorkloadDraft) -> Owner {
    workload.owner.clone().unwrap_or_else(|| Owner {
        kind: workload.kind.to_owned(),
        name: workload.name.name.clone(),
    })
}

pub(super) fn own_name(workload: &WorkloadDraft) -> ObjectRef {
    ObjectRef {
        kind: workload.kind.to_owned(),
        namespace: Some(workload.name.namespace.clone()),
        name: workload.name.name.clone(),
    }
}

/// The object that `owner` means in a namespace.
pub(super) fn name(namespace: &str, owner: &Owner) -> ObjectRef {
    ObjectRef {
        kind: owner.kind.clone(),
        namespace: Some(namespace.to_owned()),
        name: owner.name.clone(),
    }
}
