//! Peers of host policies: which ends of a connection their fields select.

use crate::attempt::{End, Kind, PodEnd};
use crate::peer::{NamespaceMiss, PeerMiss, Reader};
use crate::selector::select;
use crate::tier_peer::select_node;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use manifest::cilium::{CidrRule, EgressRule, IngressRule, LabelKey};

/// The other ends that a rule of a host policy is about.
pub(crate) enum HostPeers<'a> {
    /// No peer is named, but ports are.
    Everyone,
    /// One of these; none if nothing is named at all.
    These(Vec<HostPeer<'a>>),
}

/// A peer, and where it is in the rule.
pub(crate) struct HostPeer<'a> {
    pub(crate) path: String,
    peer: Peer<'a>,
}

enum Peer<'a> {
    /// Pods, by labels of their namespaces and their own.
    Endpoints(Box<PodSelector>),
    Nodes(&'a LabelSelector),
    Entity(&'a str),
    /// Addresses outside of the cluster.
    Block(&'a str, &'a [String]),
}

/// A selector of pods in the terms of Kubernetes.
#[derive(Default)]
struct PodSelector {
    namespaces: LabelSelector,
    pods: LabelSelector,
}

/// The lists of peers of a rule, with the names of their fields.
struct Lists<'a> {
    endpoints: (&'static str, Option<&'a [LabelSelector]>),
    nodes: (&'static str, Option<&'a [LabelSelector]>),
    entities: (&'static str, Option<&'a [String]>),
    cidrs: (&'static str, Option<&'a [String]>),
    sets: (&'static str, Option<&'a [CidrRule]>),
    has_ports: bool,
}

impl<'a> HostPeers<'a> {
    /// Who may send.
    pub(crate) fn sources(rule: &'a IngressRule) -> Self {
        Self::new(&Lists {
            endpoints: ("fromEndpoints", rule.from_endpoints.as_deref()),
            nodes: ("fromNodes", rule.from_nodes.as_deref()),
            entities: ("fromEntities", rule.from_entities.as_deref()),
            cidrs: ("fromCIDR", rule.from_cidr.as_deref()),
            sets: ("fromCIDRSet", rule.from_cidr_set.as_deref()),
            has_ports: rule.to_ports.is_some(),
        })
    }

    /// To whom.
    pub(crate) fn destinations(rule: &'a EgressRule) -> Self {
        Self::new(&Lists {
            endpoints: ("toEndpoints", rule.to_endpoints.as_deref()),
            nodes: ("toNodes", rule.to_nodes.as_deref()),
            entities: ("toEntities", rule.to_entities.as_deref()),
            cidrs: ("toCIDR", rule.to_cidr.as_deref()),
            sets: ("toCIDRSet", rule.to_cidr_set.as_deref()),
            has_ports: rule.to_ports.is_some(),
        })
    }

    fn new(lists: &Lists<'a>) -> Self {
        let endpoints = each(lists.endpoints, |selector| {
            Peer::Endpoints(Box::new(PodSelector::new(selector)))
        });
        let nodes = each(lists.nodes, Peer::Nodes);
        let entities = each(lists.entities, |entity| Peer::Entity(entity));
        let cidrs = each(lists.cidrs, |cidr| Peer::Block(cidr, &[]));
        let sets = each(lists.sets, |set| Peer::Block(&set.cidr, &set.except));
        let named = [endpoints, nodes, entities, cidrs, sets];
        if lists.has_ports && named.iter().all(Option::is_none) {
            return Self::Everyone;
        }
        Self::These(named.into_iter().flatten().flatten().collect())
    }
}

/// A list of peers, if it is written.
fn each<'a, T>(
    (field, list): (&str, Option<&'a [T]>),
    read: impl Fn(&'a T) -> Peer<'a>,
) -> Option<Vec<HostPeer<'a>>> {
    let peers = list?.iter().enumerate().map(|(index, item)| HostPeer {
        path: format!("{field}[{index}]"),
        peer: read(item),
    });
    Some(peers.collect())
}

impl PodSelector {
    fn new(written: &LabelSelector) -> Self {
        let mut selector = Self::default();
        for (key, value) in written.match_labels.iter().flatten() {
            let (side, key) = selector.side(key);
            let labels = side.match_labels.get_or_insert_default();
            labels.insert(key, value.clone());
        }
        for requirement in written.match_expressions.iter().flatten() {
            let (side, key) = selector.side(&requirement.key);
            let mut requirement = requirement.clone();
            requirement.key = key;
            side.match_expressions
                .get_or_insert_default()
                .push(requirement);
        }
        selector
    }

    /// The selector that a key belongs to, and the key there. A key that is not read is one that no pod has.
    fn side(&mut self, key: &str) -> (&mut LabelSelector, String) {
        match LabelKey::parse(key) {
            Some(LabelKey::Pod(key)) => (&mut self.pods, key.to_owned()),
            Some(LabelKey::NamespaceLabel(key)) => (&mut self.namespaces, key.to_owned()),
            Some(LabelKey::NamespaceName) => {
                let name = "kubernetes.io/metadata.name";
                (&mut self.namespaces, name.to_owned())
            }
            None => (&mut self.pods, key.to_owned()),
        }
    }

    fn select<'a>(&'a self, pod: &'a PodEnd<'a>) -> Result<(), PeerMiss<'a>> {
        let namespace = select(&self.namespaces, pod.namespace_labels).err();
        let labels = select(&self.pods, &pod.pod.labels).err();
        if namespace.is_none() && labels.is_none() {
            return Ok(());
        }
        Err(PeerMiss::Selectors {
            pod,
            namespace: namespace.map(NamespaceMiss::Labels),
            labels,
        })
    }
}

impl<'a> HostPeer<'a> {
    /// Whether the peer selects `end`, which is never the node itself: what it says to itself nobody judges.
    pub(crate) fn select(&'a self, end: &'a End<'a>) -> Result<(), PeerMiss<'a>> {
        match (&self.peer, &end.kind) {
            (Peer::Endpoints(selector), Kind::Pod(pod)) => selector.select(pod),
            (Peer::Endpoints(_), _) => Err(PeerMiss::NoPod(end)),
            (Peer::Nodes(selector), Kind::Node(node)) => select_node(selector, node),
            (Peer::Nodes(_), _) => Err(PeerMiss::NoNode(end)),
            (Peer::Entity(entity), kind) if is_among(kind, entity) => Ok(()),
            (Peer::Entity(entity), _) => Err(PeerMiss::NotAmong { end, entity }),
            (Peer::Block(cidr, except), _) => Reader::OUTSIDE.select_by_address(cidr, except, end),
        }
    }
}

/// Whether an entity includes such an end.
fn is_among(kind: &Kind<'_>, entity: &str) -> bool {
    match entity {
        "all" => true,
        "world" => matches!(kind, Kind::External),
        "cluster" => !matches!(kind, Kind::External),
        "remote-node" => matches!(kind, Kind::Node(_)),
        _ => false,
    }
}
