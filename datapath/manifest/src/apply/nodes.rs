//! Which nodes there are, written or not.

use crate::kind::{NodeDraft, PodDraft, WorkloadDraft};
use crate::{Addresses, Cluster, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// The node of a cluster that names none.
const ONLY_NODE: &str = "node-1";

/// The nodes that this input adds or changes, by name.
///
/// Nodes that only pods name are added, and one node where there is none for the pods to run on.
pub(super) fn drafts(
    cluster: &Cluster,
    written: Vec<NodeDraft>,
    pods: &[PodDraft],
    workloads: &[WorkloadDraft],
) -> BTreeMap<String, NodeDraft> {
    let mut drafts: BTreeMap<_, _> = written
        .into_iter()
        .map(|node| (node.name.clone(), node))
        .collect();
    for name in named(pods, workloads) {
        let known = cluster.nodes.contains_key(name) || drafts.contains_key(name);
        if !known {
            drafts.insert(name.to_owned(), unwritten(name));
        }
    }
    let needed = !(pods.is_empty() && workloads.is_empty());
    if needed && drafts.is_empty() && cluster.nodes.is_empty() {
        drafts.insert(ONLY_NODE.to_owned(), unwritten(ONLY_NODE));
    }
    for draft in drafts
        .values_mut()
        .filter(|draft| draft.addresses == Addresses::default())
    {
        draft.addresses = seen_by_pods(&draft.name, pods);
    }
    drafts
}

/// The nodes that pods name.
fn named<'a>(pods: &'a [PodDraft], workloads: &'a [WorkloadDraft]) -> BTreeSet<&'a str> {
    let live = pods
        .iter()
        .filter(|pod| !pod.finished)
        .map(|pod| &pod.template);
    let templates = live.chain(workloads.iter().map(|workload| &workload.template));
    templates
        .filter_map(|template| template.node.as_deref())
        .collect()
}

/// A node that is named but not described.
fn unwritten(name: &str) -> NodeDraft {
    NodeDraft {
        name: name.to_owned(),
        labels: BTreeMap::from([("kubernetes.io/hostname".to_owned(), name.to_owned())]),
        addresses: Addresses::default(),
        pod_cidrs: vec![],
        origin: Origin::synthetic("a node that only pods name"),
    }
}

/// The addresses of a node as the status of its pods has them.
fn seen_by_pods(node: &str, pods: &[PodDraft]) -> Addresses {
    let here = pods
        .iter()
        .filter(|pod| pod.template.node.as_deref() == Some(node));
    let known = here.flat_map(|pod| {
        let own = pod.addresses.iter().filter(|_| pod.template.host_network);
        pod.host_addresses.iter().chain(own)
    });
    let mut addresses = Addresses::default();
    for address in known {
        addresses.add(address);
    }
    addresses
}
