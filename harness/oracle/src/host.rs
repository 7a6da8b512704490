//! The host policies that apply to a node.

use crate::Action;
use crate::attempt::{Attempt, NodeEnd};
use crate::host_peer::HostPeers;
use crate::isolation::Direction;
use crate::port::PortItem;
use crate::rule::{Peers, Rule};
use crate::selector::select;
use manifest::cilium::{self, PortRule};
use manifest::{Cluster, HostPolicy, PolicyKind, PolicyName};
use std::collections::BTreeMap;

/// A part of a host policy that applies to a node.
pub(crate) struct Applying<'a> {
    pub(crate) name: PolicyName,
    pub(crate) is_audit: bool,
    /// Whether what no rule allows is denied.
    pub(crate) isolates: bool,
    pub(crate) rules: Vec<Rule<'a>>,
}

/// What applies to `node` in a direction.
pub(crate) fn applying<'a>(
    cluster: &'a Cluster,
    node: &NodeEnd<'_>,
    direction: Direction,
) -> Vec<Applying<'a>> {
    let parts = parts(cluster, node.labels);
    let applying = parts.filter_map(|(name, policy, path, part)| {
        let rules = rules(part, &path, direction);
        let isolates = isolates(part, direction);
        (isolates || !rules.is_empty()).then(|| Applying {
            name: PolicyName::cluster(PolicyKind::CiliumClusterwideNetworkPolicy, name),
            is_audit: policy.audit == Some(true),
            isolates,
            rules,
        })
    });
    applying.collect()
}

/// Whether a host policy applies to this node, in either direction: then its connections are watched.
pub(crate) fn is_guarded(cluster: &Cluster, node: &str) -> bool {
    let Some(node) = cluster.nodes.get(node) else {
        return false;
    };
    let both = [Direction::Egress, Direction::Ingress];
    parts(cluster, &node.labels).any(|(_, _, _, part)| {
        both.iter()
            .any(|direction| isolates(part, *direction) || rule_count(part, *direction) > 0)
    })
}

/// Whether the attempt is to a port that no host policy closes.
pub(crate) fn is_failsafe(cluster: &Cluster, attempt: &Attempt<'_>, direction: Direction) -> bool {
    let ports = match direction {
        Direction::Egress => &cluster.failsafe_ports.outbound,
        Direction::Ingress => &cluster.failsafe_ports.inbound,
    };
    let is_it = |asked: u16| ports.iter().any(|port| port.is_it(attempt.protocol, asked));
    attempt.port.is_some_and(is_it)
}

/// The parts of all host policies that select nodes with these labels.
fn parts<'a>(
    cluster: &'a Cluster,
    labels: &BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a String, &'a HostPolicy, String, &'a cilium::Rule)> {
    let parts = cluster.host_policies.iter().flat_map(|(name, policy)| {
        let rules = policy.rules();
        rules.map(move |(path, part)| (name, policy, path, part))
    });
    parts.filter(move |(.., part)| {
        let selector = part.node_selector.as_ref();
        selector.is_some_and(|selector| select(selector, labels).is_ok())
    })
}

/// Where nothing is said, a direction with rules is isolated.
fn isolates(part: &cilium::Rule, direction: Direction) -> bool {
    let said = part.enable_default_deny.unwrap_or_default();
    let said = match direction {
        Direction::Egress => said.egress,
        Direction::Ingress => said.ingress,
    };
    said.unwrap_or_else(|| rule_count(part, direction) > 0)
}

fn rule_count(part: &cilium::Rule, direction: Direction) -> usize {
    match direction {
        Direction::Egress => part.egress.as_ref().map_or(0, Vec::len),
        Direction::Ingress => part.ingress.as_ref().map_or(0, Vec::len),
    }
}

fn rules<'a>(part: &'a cilium::Rule, path: &str, direction: Direction) -> Vec<Rule<'a>> {
    let egress = part.egress.iter().flatten();
    let egress = egress.map(|rule| (HostPeers::destinations(rule), rule.to_ports.as_deref()));
    let ingress = part.ingress.iter().flatten();
    let ingress = ingress.map(|rule| (HostPeers::sources(rule), rule.to_ports.as_deref()));
    let rules: Vec<_> = match direction {
        Direction::Egress => egress.collect(),
        Direction::Ingress => ingress.collect(),
    };
    let rules = rules.into_iter().enumerate();
    let rules = rules.map(|(index, (peers, ports))| Rule {
        part: path.to_owned(),
        direction,
        index,
        action: Action::Allow,
        peers: Peers::Host(peers),
        ports: items(ports.unwrap_or_default()),
    });
    rules.collect()
}

fn items(ports: &[PortRule]) -> Vec<PortItem<'_>> {
    let ports = ports.iter().flat_map(|rule| &rule.ports);
    ports.map(PortItem::from).collect()
}
