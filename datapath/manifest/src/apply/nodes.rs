//! Which nodes there are, written or not.

use super::prefixes::first_of;
use crate::kind::{NodeDraft, PodDraft, WorkloadDraft};
use crate::{Addresses, Cluster, Diagnostic, Origin, Severity};
use std::collections::{BTreeMap, BTreeSet};

/// The node of a cluster that names none and was asked for none.
const ONLY_NODE: &str = "node-1";

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
    add_undescribed(cluster, &mut drafts, pods, workloads);
    for draft in drafts
        .values_mut()
        .filter(|draft| draft.addresses == Addresses::default())
    {
        draft.addresses = seen_by_pods(&draft.name, pods);
    }
    drafts
}

fn add_undescribed(
    cluster: &mut Cluster,
    drafts: &mut BTreeMap<String, NodeDraft>,
    pods: &[PodDraft],
    workloads: &[WorkloadDraft],
) {
    let has_pods = !(pods.is_empty() && workloads.is_empty());
    if has_pods {
        for number in 1..=std::mem::take(&mut cluster.nodes_to_come) {
            let name = format!("node-{number}");
            add(cluster, drafts, &name, NAMED_BY_NOBODY);
        }
    }
    for name in named(pods, workloads) {
        add(cluster, drafts, name, NAMED_BY_PODS);
    }
    if has_pods && drafts.is_empty() && cluster.nodes.is_empty() {
        add(cluster, drafts, ONLY_NODE, NAMED_BY_NOBODY);
    }
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

/// The fields that name the node of a pod, or of the pods of a workload.
const NODE_FIELDS: [&str; 3] = [
    "spec.nodeName",
    "spec.template.spec.nodeName",
    "spec.jobTemplate.spec.template.spec.nodeName",
];

/// A warning for each node that `pods` name and no manifest describes, where manifests describe others.
pub(super) fn undescribed(
    cluster: &Cluster,
    drafts: &BTreeMap<String, NodeDraft>,
    pods: &[PodDraft],
) -> Vec<Diagnostic> {
    let known = cluster
        .nodes
        .iter()
        .map(|(name, node)| (name, &node.origin));
    let drafts = drafts.iter().map(|(name, draft)| (name, &draft.origin));
    let origins: BTreeMap<_, _> = known.chain(drafts).collect();
    if origins.values().all(|origin| origin.location.line == 0) {
        return vec![];
    }
    let is_unwritten = |node: &String| &*origins[node].location.file == NAMED_BY_PODS;
    let mut warnings: BTreeMap<&String, Vec<Diagnostic>> = BTreeMap::new();
    for pod in pods {
        let field = NODE_FIELDS
            .iter()
            .find(|field| pod.origin.fields.contains_key(**field));
        if let (Some(field), Some(node)) = (field, &pod.template.node)
            && is_unwritten(node)
        {
            warnings
                .entry(node)
                .or_default()
                .push(unknown(pod, field, node));
        }
    }
    warnings.into_values().filter_map(first_of).collect()
}

fn unknown(pod: &PodDraft, field: &str, node: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        location: pod.origin.locate(field),
        subject: format!("Pod {}: {field}", pod.name),
        message: format!("there is no manifest of Node {node}"),
        help: Some("add it or correct the name; until then the node has default addresses and no labels but its name".to_owned()),
        snippet: None,
    }
}

/// What to compare names by so that `node-2` comes before `node-10`.
pub(super) fn number_order(name: &str) -> impl Ord + use<'_> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (stem, name.len(), name)
}
