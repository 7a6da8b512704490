//! Host policies.

use super::annotations::{Annotations, annotations};
use super::blocks::{block, network};
use super::labels::{NAMESPACE_NAME, selector};
use super::policies::{PORTS, RANGE_LENGTHS};
use super::topology::origin;
use super::{choose, one_of};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use manifest::cilium::{
    CidrRule, DefaultDeny, ENTITIES, EgressRule, IngressRule, PortProtocol, PortRule, Rule,
};
use manifest::{Cluster, HostPolicy};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const PROTOCOLS: &[Option<&str>] = &[None, Some("TCP"), Some("UDP"), Some("SCTP"), Some("ANY")];
/// Above this number there is no free name any more; no cluster here has that many.
const MOST_POLICIES: usize = 200;

/// A host policy before it has a name.
#[derive(Clone, Debug)]
pub(super) struct HostSketch {
    specs: Vec<Rule>,
    annotations: Annotations,
}

/// The peers of a rule: of one kind, or not named at all.
#[derive(Clone, Debug)]
enum Peers {
    Unnamed,
    Endpoints(Vec<LabelSelector>),
    Nodes(Vec<LabelSelector>),
    Entities(Vec<String>),
    Cidrs(Vec<String>),
    Sets(Vec<CidrRule>),
}

/// A host policy for any cluster.
pub(super) fn host_policies() -> BoxedStrategy<HostSketch> {
    (vec(rule(), 1..=2), annotations())
        .prop_map(|(specs, annotations)| HostSketch { specs, annotations })
        .boxed()
}

/// Two times of three all nodes.
fn rule() -> impl Strategy<Value = Rule> {
    let nodes = prop_oneof![2 => Just(LabelSelector::default()), 1 => selector()];
    let ingress = option::of(vec((peers(), ports()), 0..=2));
    let egress = option::of(vec((peers(), ports()), 0..=2));
    let denies = option::weighted(0.2, (option::of(any::<bool>()), option::of(any::<bool>())));
    (nodes, ingress, egress, denies).prop_map(|(nodes, ingress, egress, denies)| {
        let incoming = |(peers, ports): (Peers, _)| peers.incoming(ports);
        let outgoing = |(peers, ports): (Peers, _)| peers.outgoing(ports);
        let ingress = ingress.or_else(|| egress.is_none().then(Vec::new));
        Rule {
            description: None,
            node_selector: Some(nodes),
            ingress: ingress.map(|rules| rules.into_iter().map(incoming).collect()),
            egress: egress.map(|rules| rules.into_iter().map(outgoing).collect()),
            enable_default_deny: denies.map(|(ingress, egress)| DefaultDeny { ingress, egress }),
        }
    })
}

fn peers() -> BoxedStrategy<Peers> {
    let set = block().prop_map(|block| CidrRule {
        cidr: block.cidr,
        except: block.except.unwrap_or_default(),
    });
    prop_oneof![
        1 => Just(Peers::Unnamed),
        2 => vec(endpoints(), 0..=2).prop_map(Peers::Endpoints),
        1 => vec(selector(), 0..=2).prop_map(Peers::Nodes),
        3 => vec(one_of(&ENTITIES), 1..=2).prop_map(|entities| {
            Peers::Entities(entities.into_iter().map(str::to_owned).collect())
        }),
        1 => vec(network(), 1..=2).prop_map(Peers::Cidrs),
        1 => vec(set, 1..=2).prop_map(Peers::Sets),
    ]
    .boxed()
}

/// A selector of pods whose keys are of their namespaces now and then.
fn endpoints() -> impl Strategy<Value = LabelSelector> {
    (selector(), any::<bool>()).prop_map(|(mut selector, of_namespace)| {
        let key = |key: &str| match key {
            NAMESPACE_NAME => "k8s:io.kubernetes.pod.namespace".to_owned(),
            key if of_namespace => format!("io.cilium.k8s.namespace.labels.{key}"),
            key => format!("any:{key}"),
        };
        let labels = selector.match_labels.take();
        selector.match_labels = labels.map(|labels| {
            let labels = labels.into_iter();
            labels.map(|(label, value)| (key(&label), value)).collect()
        });
        for expression in selector.match_expressions.iter_mut().flatten() {
            expression.key = key(&expression.key);
        }
        selector
    })
}

fn ports() -> BoxedStrategy<Option<Vec<PortRule>>> {
    let ranged = (
        one_of(PROTOCOLS),
        one_of(PORTS),
        option::of(one_of(RANGE_LENGTHS)),
    );
    let port = prop_oneof![
        1 => one_of(PROTOCOLS).prop_map(|protocol| (protocol, 0, None)),
        3 => ranged.prop_map(|(protocol, first, length)| {
            let last = length.map(|length| first.saturating_add(length));
            (protocol, first, last)
        }),
    ];
    let port = port.prop_map(|(protocol, first, last)| PortProtocol {
        port: first.to_string(),
        end_port: last.map(i64::from),
        protocol: protocol.map(str::to_owned),
    });
    let rule = vec(port, 1..=2).prop_map(|ports| PortRule { ports });
    option::of(vec(rule, 1..=2)).boxed()
}

impl Peers {
    fn incoming(self, to_ports: Option<Vec<PortRule>>) -> IngressRule {
        let mut rule = IngressRule {
            to_ports,
            ..IngressRule::default()
        };
        match self {
            Self::Unnamed => {}
            Self::Endpoints(endpoints) => rule.from_endpoints = Some(endpoints),
            Self::Nodes(nodes) => rule.from_nodes = Some(nodes),
            Self::Entities(entities) => rule.from_entities = Some(entities),
            Self::Cidrs(cidrs) => rule.from_cidr = Some(cidrs),
            Self::Sets(sets) => rule.from_cidr_set = Some(sets),
        }
        rule
    }

    fn outgoing(self, to_ports: Option<Vec<PortRule>>) -> EgressRule {
        let mut rule = EgressRule {
            to_ports,
            ..EgressRule::default()
        };
        match self {
            Self::Unnamed => {}
            Self::Endpoints(endpoints) => rule.to_endpoints = Some(endpoints),
            Self::Nodes(nodes) => rule.to_nodes = Some(nodes),
            Self::Entities(entities) => rule.to_entities = Some(entities),
            Self::Cidrs(cidrs) => rule.to_cidr = Some(cidrs),
            Self::Sets(sets) => rule.to_cidr_set = Some(sets),
        }
        rule
    }
}

impl HostSketch {
    /// Adds the policy under the first free name.
    pub(super) fn enter(self, cluster: &mut Cluster) {
        let mut names = (0..MOST_POLICIES).map(|number| format!("host-{number}"));
        let free = names.find(|name| !cluster.host_policies.contains_key(name));
        if let Some(name) = free {
            let policy = HostPolicy {
                spec: None,
                specs: self.specs,
                audit: self.annotations.audit,
                is_logged: self.annotations.logs,
                origin: origin(),
            };
            cluster.host_policies.insert(name, policy);
        }
    }
}

/// Removes one of them.
pub(super) fn remove(cluster: &mut Cluster, drawn: usize) {
    if let Some(name) = choose(cluster.host_policies.keys(), drawn).cloned() {
        cluster.host_policies.remove(&name);
    }
}
