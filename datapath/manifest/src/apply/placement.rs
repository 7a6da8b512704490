//! Where pods run and which addresses everything has.
//!
//! What is written counts first, then what the cluster has already, then the defaults: so nothing that is
//! applied later moves or renumbers what is there.

use super::claims::Claims;
use super::prefixes::has_written_cidrs;
use super::slot::Slots;
use super::{nodes, slot};
use crate::kind::{NodeDraft, PodDraft};
use crate::{Addresses, Cluster, Diagnostic, Node, ObjectName, Pod, Severity, Workload};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// Places `nodes` and `pods` in the cluster; returns what does not fit.
pub(super) fn place(
    cluster: &mut Cluster,
    nodes: BTreeMap<String, NodeDraft>,
    pods: Vec<PodDraft>,
) -> Vec<Diagnostic> {
    let mut placement = Placement {
        before: std::mem::take(&mut cluster.pods),
        cluster,
        claims: Claims::default(),
        diagnostics: vec![],
        slots: Slots::default(),
        cidrs_are_written: false,
    };
    placement.claim_nodes_and_externals(&nodes);
    placement.claim_pods(&pods);
    let mut nodes: Vec<_> = nodes.into_values().collect();
    nodes.sort_by(|a, b| nodes::number_order(&a.name).cmp(&nodes::number_order(&b.name)));
    for draft in nodes {
        placement.node(draft);
    }
    placement.pods(pods);
    placement.diagnostics
}

struct Placement<'a> {
    cluster: &'a mut Cluster,
    /// The pods as they were. Those that are not applied anew go back in as they are.
    before: BTreeMap<ObjectName, Pod>,
    claims: Claims,
    diagnostics: Vec<Diagnostic>,
    slots: Slots,
    /// Whether the manifest of any node gives its pod CIDRs.
    cidrs_are_written: bool,
}

impl Placement<'_> {
    /// Claims the addresses that are written now or stay in use.
    fn claim_nodes_and_externals(&mut self, drafts: &BTreeMap<String, NodeDraft>) {
        let (claims, diagnostics) = (&mut self.claims, &mut self.diagnostics);
        for (name, host) in &self.cluster.externals {
            let holder = format!("External {name}");
            diagnostics.extend(claims.claim(&holder, host.addresses, &host.origin));
            self.slots.avoid_addresses(host.addresses);
        }
        for (name, node) in &self.cluster.nodes {
            let draft = drafts.get(name);
            if draft.is_none_or(|draft| draft.addresses.is_empty()) {
                diagnostics.extend(claims.claim(&node_holder(name), node.addresses, &node.origin));
                self.slots.avoid_addresses(node.addresses);
            }
            if draft.is_none_or(|draft| draft.pod_cidrs.is_empty()) {
                self.slots.avoid_cidrs(&node.pod_cidrs);
                self.cidrs_are_written |= has_written_cidrs(node);
            }
        }
        for (name, draft) in drafts {
            diagnostics.extend(claims.claim(&node_holder(name), draft.addresses, &draft.origin));
            self.slots.avoid_addresses(draft.addresses);
            self.slots.avoid_cidrs(&draft.pod_cidrs);
            self.cidrs_are_written |= !draft.pod_cidrs.is_empty();
        }
    }

    fn claim_pods(&mut self, drafts: &[PodDraft]) {
        let applied: BTreeMap<_, _> = drafts.iter().map(|draft| (&draft.name, draft)).collect();
        for (name, pod) in &self.before {
            let stays = applied
                .get(name)
                .is_none_or(|draft| keeps_addresses(pod, draft));
            if stays && !pod.host_network {
                let conflicts = self
                    .claims
                    .claim(&pod_holder(name), pod.addresses, &pod.origin);
                self.diagnostics.extend(conflicts);
            }
        }
        for draft in drafts.iter().filter(|draft| !draft.template.host_network) {
            let holder = pod_holder(&draft.name);
            let conflicts = self.claims.claim(&holder, draft.addresses, &draft.origin);
            self.diagnostics.extend(conflicts);
        }
    }

    /// Adds or changes a node.
    fn node(&mut self, mut draft: NodeDraft) {
        if let Some(before) = self.cluster.nodes.get(&draft.name) {
            if draft.addresses.is_empty() {
                draft.addresses = before.addresses;
            }
            if draft.pod_cidrs.is_empty() {
                draft.pod_cidrs.clone_from(&before.pod_cidrs);
            }
        }
        if draft.addresses.is_empty() || draft.pod_cidrs.is_empty() {
            self.complete(&mut draft);
        }
        let node = Node {
            labels: draft.labels,
            addresses: draft.addresses,
            pod_cidrs: draft.pod_cidrs,
            origin: draft.origin,
        };
        self.cluster.nodes.insert(draft.name, node);
    }

    /// Gives a node what it lacks: addresses, pod CIDRs or both.
    fn complete(&mut self, node: &mut NodeDraft) {
        let Some(slot) = self.slots.next(|address| self.claims.is_free(address)) else {
            return self.diagnostics.push(no_slot(node));
        };
        if node.addresses.is_empty() {
            node.addresses = slot::addresses(slot);
            self.slots.avoid_addresses(node.addresses);
            // The slot is free, so nobody else can have claimed these.
            self.claims
                .claim(&node_holder(&node.name), node.addresses, &node.origin);
        }
        if node.pod_cidrs.is_empty() {
            node.pod_cidrs = slot::pod_cidrs(slot, node.addresses);
            self.slots.avoid_cidrs(&node.pod_cidrs);
            if self.cidrs_are_written && node.origin.location.line > 0 {
                self.diagnostics.push(no_cidr(node));
            }
        }
    }

    /// Adds or changes pods.
    fn pods(&mut self, drafts: Vec<PodDraft>) {
        let before: Vec<_> = drafts
            .iter()
            .map(|draft| self.before.remove(&draft.name))
            .collect();
        self.cluster.pods = std::mem::take(&mut self.before);
        let homes = self.homes(&drafts, &before);
        for ((draft, before), node) in drafts.into_iter().zip(before).zip(homes) {
            self.pod(draft, before, node);
        }
        self.share_node_addresses();
    }

    /// The node of each pod: as written, as before, or in turn the one that then runs the fewest.
    fn homes(&self, drafts: &[PodDraft], before: &[Option<Pod>]) -> Vec<String> {
        let known: Vec<_> = drafts.iter().zip(before).map(known_home).collect();
        let mut load = self.load();
        for node in known.iter().flatten() {
            *load.entry(node.clone()).or_default() += 1;
        }
        let mut load: Vec<_> = load.into_iter().collect();
        load.sort_by(|(a, _), (b, _)| nodes::number_order(a).cmp(&nodes::number_order(b)));
        let mut choose = || {
            let (node, pods) = load.iter_mut().min_by_key(|(_, pods)| *pods)?;
            *pods += 1;
            Some(node.clone())
        };
        let homes = known.into_iter().map(|known| known.or_else(&mut choose));
        homes.map(Option::unwrap_or_default).collect()
    }

    /// How many pods each node runs.
    fn load(&self) -> BTreeMap<String, usize> {
        let mut load: BTreeMap<_, _> = self
            .cluster
            .nodes
            .keys()
            .map(|name| (name.clone(), 0))
            .collect();
        for pod in self.cluster.pods.values() {
            *load.entry(pod.node.clone()).or_default() += 1;
        }
        load
    }

    fn pod(&mut self, draft: PodDraft, before: Option<Pod>, node: String) {
        let kept = before.filter(|before| keeps_addresses(before, &draft));
        let addresses = match kept {
            _ if draft.template.host_network => Addresses::default(),
            Some(before) => before.addresses,
            None if draft.addresses.is_empty() => self.allocate(&draft, &node),
            None => draft.addresses,
        };
        let pod = Pod {
            labels: draft.template.labels,
            node,
            host_network: draft.template.host_network,
            addresses,
            ports: draft.template.ports,
            ready: draft.ready,
            terminating: draft.terminating,
            workload: draft.owner.map(|owner| Workload {
                kind: owner.kind,
                name: owner.name,
            }),
            origin: draft.origin,
        };
        self.cluster.pods.insert(draft.name, pod);
    }

    /// An address from the first pod CIDR of each family of the node.
    fn allocate(&mut self, draft: &PodDraft, node: &str) -> Addresses {
        let cidrs = self
            .cluster
            .nodes
            .get(node)
            .map(|node| node.pod_cidrs.clone())
            .unwrap_or_default();
        let mut addresses = Addresses::default();
        for v4 in [true, false] {
            let Some(cidr) = cidrs.iter().find(|cidr| cidr.addr().is_ipv4() == v4) else {
                continue;
            };
            let holder = pod_holder(&draft.name);
            match self.claims.allocate(*cidr, &holder, &draft.origin) {
                Some(address) => _ = addresses.add(address),
                None => self.diagnostics.push(full(draft, node, cidr)),
            }
        }
        addresses
    }

    /// Gives the addresses of its node to every pod on the host network.
    fn share_node_addresses(&mut self) {
        for pod in self
            .cluster
            .pods
            .values_mut()
            .filter(|pod| pod.host_network)
        {
            let node = self.cluster.nodes.get(&pod.node);
            pod.addresses = node.map(|node| node.addresses).unwrap_or_default();
        }
    }
}

/// Whether a pod that is applied again keeps the addresses it has.
fn keeps_addresses(before: &Pod, draft: &PodDraft) -> bool {
    let same_node = draft
        .template
        .node
        .as_ref()
        .is_none_or(|node| *node == before.node);
    same_node && !before.host_network && !draft.template.host_network && draft.addresses.is_empty()
}

/// The node that a pod must or already does run on.
fn known_home((draft, before): (&PodDraft, &Option<Pod>)) -> Option<String> {
    let written = draft.template.node.clone();
    written.or_else(|| before.as_ref().map(|before| before.node.clone()))
}

fn node_holder(name: &str) -> String {
    format!("Node {name}")
}

fn pod_holder(name: &ObjectName) -> String {
    format!("Pod {name}")
}

fn full(draft: &PodDraft, node: &str, cidr: &IpNet) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: draft.origin.location.clone(),
        subject: pod_holder(&draft.name),
        message: format!("node {node} has no address left in {cidr}"),
        help: Some("add nodes, or give this one a larger spec.podCIDR".to_owned()),
        snippet: None,
    }
}

fn no_slot(node: &NodeDraft) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: node.origin.location.clone(),
        subject: node_holder(&node.name),
        message: "no addresses are left to give to it and its pods".to_owned(),
        help: Some(
            "write its status.addresses and spec.podCIDR, or give nodes smaller pod CIDRs"
                .to_owned(),
        ),
        snippet: None,
    }
}

fn no_cidr(node: &NodeDraft) -> Diagnostic {
    let given: Vec<_> = node.pod_cidrs.iter().map(ToString::to_string).collect();
    Diagnostic {
        severity: Severity::Warning,
        location: node.origin.location.clone(),
        subject: node_holder(&node.name),
        message: format!(
            "has no spec.podCIDR, unlike other nodes: it was given {}",
            given.join(", ")
        ),
        help: Some("write spec.podCIDR if its pods have other addresses".to_owned()),
        snippet: None,
    }
}
