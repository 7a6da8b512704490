//! Which nodes there are, written or not.

use crate::kind::{NodeDraft, PodDraft, WorkloadDraft};
use crate::{Addresses, Cluster, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// Where a node comes from that has no manifest.
const NAMED_BY_PODS: &str = "a node that only pods name";
const NAMED_BY_NOBODY: &str = "a node for pods that name none";

/// The nodes that this input adds or changes, by name.
///
/// Nodes that only pods name are added; with the first pod those that were asked for, and one node where there is none
/// for the pods to run on.
pub(super) fn drafts(
    cluster: &mut Cluster,
    written: Vec<NodeDraft>,
    pods: &[PodDraft],
    workloads: &[WorkloadDraft],
) -> BTreeMap<String, NodeDraft> {
    let mut drafts: BTreeMap<_, _> = written
        .into_iter()
        .map(|node| (node.name.clone(), node))
        .collect();
    for name in named(pods, workloads) {
        add(cluster, &mut drafts, name, NAMED_BY_PODS);
    }
    if !(pods.is_empty() && workloads.is_empty()) {
        let needed = u16::from(drafts.is_empty() && cluster.nodes.is_empty());
        let count = std::mem::take(&mut cluster.nodes_to_come).max(needed);
        for number in 1..=count {
            add(
                cluster,
                &mut drafts,
                &format!("node-{number}"),
                NAMED_BY_NOBODY,
            );
        }
    }
    for draft in drafts
        .values_mut()
        .filter(|draft| draft.addresses == Addresses::default())
    {
        draft.addresses = seen_by_pods(&draft.name, pods);
    }
    drafts
}

/// Adds a node that has no manifest, unless it is there.
fn add(cluster: &Cluster, drafts: &mut BTreeMap<String, NodeDraft>, name: &str, why: &str) {
    if !cluster.nodes.contains_key(name) && !drafts.contains_key(name) {
        drafts.insert(name.to_owned(), unwritten(name, why));
    }
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

/// A node that is not described.
fn unwritten(name: &str, why: &str) -> NodeDraft {
    NodeDraft {
        name: name.to_owned(),
        labels: BTreeMap::from([("kubernetes.io/hostname".to_owned(), name.to_owned())]),
        addresses: Addresses::default(),
        pod_cidrs: vec![],
        origin: Origin::synthetic(why),
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

/// What to compare names by so that `node-2` comes before `node-10`.
pub(super) fn number_order(name: &str) -> impl Ord + use<'_> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, name.len(), name)
}
