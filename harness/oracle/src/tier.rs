//! The policies for the whole cluster that apply to a pod, in the order in which they are asked.

use crate::attempt::PodEnd;
use crate::isolation::Direction;
use crate::port::PortItem;
use crate::rule::{Peers, Rule};
use crate::tier_peer::{TierPeer, is_subject};
use crate::{Action, Tier};
use manifest::network_policy_api::{EgressPeer, IngressPeer, Subject};
use manifest::{Cluster, PolicyKind, PolicyName, TierPolicy};

/// A policy that applies to a pod.
pub(crate) struct Applying<'a> {
    pub(crate) name: PolicyName,
    pub(crate) is_audit: bool,
    pub(crate) rules: Vec<Rule<'a>>,
    precedence: Precedence,
}

/// A lower priority is asked first. The baseline policy of v1alpha1 has none and is asked last.
///
/// Which of two policies with the same priority is asked first is open; here it is the order of their names, those of
/// `ClusterNetworkPolicy` before those of `AdminNetworkPolicy`.
type Precedence = (bool, i64);

/// The policies of a tier that apply to `pod`, with their rules of one direction.
pub(crate) fn applying<'a>(
    cluster: &'a Cluster,
    tier: Tier,
    pod: &PodEnd,
    direction: Direction,
) -> Vec<Applying<'a>> {
    let mut policies = match tier {
        Tier::Admin => [
            of_cluster(cluster, "Admin", direction),
            admin(cluster, direction),
        ],
        Tier::NetworkPolicy => return Vec::new(),
        Tier::Baseline => [
            of_cluster(cluster, "Baseline", direction),
            baseline(cluster, direction),
        ],
    }
    .into_iter()
    .flatten()
    .filter(|(subject, _)| is_subject(subject, pod))
    .map(|(_, policy)| policy)
    .collect::<Vec<_>>();
    policies.sort_by(|a, b| (a.precedence, &a.name).cmp(&(b.precedence, &b.name)));
    policies
}

type OfSubject<'a> = (&'a Subject, Applying<'a>);

fn of_cluster<'a>(cluster: &'a Cluster, tier: &str, direction: Direction) -> Vec<OfSubject<'a>> {
    let policies = cluster.cluster_network_policies.iter();
    let policies = policies.filter(|(_, policy)| policy.spec.tier == tier);
    let policies = policies.map(|(name, policy)| {
        let spec = &policy.spec;
        let rules = match direction {
            Direction::Ingress => enumerate(&spec.ingress, |index, rule| {
                let ports = rule.protocols.iter().flatten().map(PortItem::from);
                incoming(index, &rule.action, &rule.from, ports.collect())
            }),
            Direction::Egress => enumerate(&spec.egress, |index, rule| {
                let ports = rule.protocols.iter().flatten().map(PortItem::from);
                outgoing(index, &rule.action, &rule.to, ports.collect())
            }),
        };
        let name = PolicyName::cluster(PolicyKind::ClusterNetworkPolicy, name);
        (&spec.subject, new(name, spec.priority, policy, rules))
    });
    policies.collect()
}

fn admin(cluster: &Cluster, direction: Direction) -> Vec<OfSubject<'_>> {
    let policies = cluster.admin_network_policies.iter();
    let policies = policies.map(|(name, policy)| {
        let spec = &policy.spec;
        let rules = v1alpha1(&spec.ingress, &spec.egress, direction);
        let name = PolicyName::cluster(PolicyKind::AdminNetworkPolicy, name);
        (&spec.subject, new(name, spec.priority, policy, rules))
    });
    policies.collect()
}

fn baseline(cluster: &Cluster, direction: Direction) -> Vec<OfSubject<'_>> {
    let policies = cluster.baseline_admin_network_policies.iter();
    let policies = policies.map(|(name, policy)| {
        let spec = &policy.spec;
        let rules = v1alpha1(&spec.ingress, &spec.egress, direction);
        let name = PolicyName::cluster(PolicyKind::BaselineAdminNetworkPolicy, name);
        (&spec.subject, new(name, None, policy, rules))
    });
    policies.collect()
}

fn new<'a, Spec>(
    name: PolicyName,
    priority: Option<i64>,
    policy: &TierPolicy<Spec>,
    rules: Vec<Rule<'a>>,
) -> Applying<'a> {
    Applying {
        name,
        is_audit: policy.audit == Some(true),
        rules,
        precedence: (priority.is_none(), priority.unwrap_or(0)),
    }
}

fn v1alpha1<'a>(
    ingress: &'a [manifest::network_policy_api::v1alpha1::IngressRule],
    egress: &'a [manifest::network_policy_api::v1alpha1::EgressRule],
    direction: Direction,
) -> Vec<Rule<'a>> {
    match direction {
        Direction::Ingress => enumerate(ingress, |index, rule| {
            let ports = rule.ports.iter().flatten().map(PortItem::from);
            incoming(index, &rule.action, &rule.from, ports.collect())
        }),
        Direction::Egress => enumerate(egress, |index, rule| {
            let ports = rule.ports.iter().flatten().map(PortItem::from);
            outgoing(index, &rule.action, &rule.to, ports.collect())
        }),
    }
}

fn enumerate<'a, T>(rules: &'a [T], read: impl Fn(usize, &'a T) -> Rule<'a>) -> Vec<Rule<'a>> {
    let rules = rules.iter().enumerate();
    rules.map(|(index, rule)| read(index, rule)).collect()
}

fn incoming<'a>(
    index: usize,
    action: &str,
    from: &'a [IngressPeer],
    ports: Vec<PortItem<'a>>,
) -> Rule<'a> {
    Rule {
        part: "spec".to_owned(),
        direction: Direction::Ingress,
        index,
        action: read_action(action),
        peers: peers(from.iter().map(TierPeer::source)),
        ports,
    }
}

fn outgoing<'a>(
    index: usize,
    action: &str,
    to: &'a [EgressPeer],
    ports: Vec<PortItem<'a>>,
) -> Rule<'a> {
    Rule {
        part: "spec".to_owned(),
        direction: Direction::Egress,
        index,
        action: read_action(action),
        peers: peers(to.iter().map(TierPeer::destination)),
        ports,
    }
}

/// The peers, if all of them are of a kind that is supported.
fn peers<'a>(read: impl Iterator<Item = Option<TierPeer<'a>>>) -> Peers<'a> {
    let mut peers = Vec::new();
    for (index, peer) in read.enumerate() {
        match peer {
            Some(peer) => peers.push(peer),
            None => return Peers::Unsupported { index },
        }
    }
    Peers::Tier(peers)
}

/// `Accept` is what v1alpha2 calls `Allow`. An API server refuses other words.
fn read_action(text: &str) -> Action {
    match text {
        "Allow" | "Accept" => Action::Allow,
        "Pass" => Action::Pass,
        _ => Action::Deny,
    }
}
