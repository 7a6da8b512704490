//! Host policies in the compiler's own words.

use crate::identity::protocol_number;
use crate::ports::{PortMatch, PortRange};
use crate::rule::{Action, Namespaces, Peer, Policy, Rule, Subject, Tier, read_prefix};
use crate::selector::Selector;
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use manifest::cilium::{self, CidrRule, EgressRule, IngressRule, LabelKey, PortProtocol};
use manifest::{Cluster, FailsafePort, HostPolicy, PolicyKind, PolicyName};

/// The label that every namespace has, with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The protocols that have ports.
const PROTOCOLS: [(&str, u8); 3] = [
    ("TCP", abi::protocol::TCP),
    ("UDP", abi::protocol::UDP),
    ("SCTP", abi::protocol::SCTP),
];

/// Every part of every host policy.
pub(crate) fn policies(cluster: &Cluster) -> Vec<Policy> {
    let policies = cluster.host_policies.iter();
    policies
        .flat_map(|(name, policy)| {
            let parts = policy.rules().enumerate();
            parts.filter_map(|(number, (_, part))| read(name, policy, number, part))
        })
        .collect()
}

/// What no host policy denies, as a policy that is asked before all others. What it allows, nobody decides.
pub(crate) fn failsafe(cluster: &Cluster) -> Policy {
    let rule = |ports: &[FailsafePort]| Rule {
        action: Action::Allow,
        peers: None,
        ports: Some(ports.iter().copied().filter_map(failsafe_port).collect()),
    };
    let ports = &cluster.failsafe_ports;
    Policy {
        name: PolicyName::cluster(PolicyKind::CiliumClusterwideNetworkPolicy, ""),
        part: 0,
        precedence: (Tier::Failsafe, 0),
        is_audit: false,
        subject: Subject::Nodes(Selector::default()),
        egress: Some(vec![rule(&ports.outbound)]),
        ingress: Some(vec![rule(&ports.inbound)]),
        isolates: [false; 2],
    }
}

fn failsafe_port(port: FailsafePort) -> Option<PortMatch> {
    let protocol = protocol_number(port.protocol)?;
    Some(PortMatch::Range(PortRange {
        protocol,
        first: port.first,
        last: port.last,
    }))
}

/// A part; `None` if it selects by nothing, which validation refuses.
fn read(name: &str, policy: &HostPolicy, number: usize, part: &cilium::Rule) -> Option<Policy> {
    let nodes = part.node_selector.as_ref()?;
    let egress: Vec<Rule> = part.egress.iter().flatten().map(outgoing).collect();
    let ingress: Vec<Rule> = part.ingress.iter().flatten().map(incoming).collect();
    let denies = part.enable_default_deny.unwrap_or_default();
    let isolates = [
        denies.egress.unwrap_or(!egress.is_empty()),
        denies.ingress.unwrap_or(!ingress.is_empty()),
    ];
    let applying = |rules: Vec<Rule>, isolates: bool| {
        let applies = isolates || !rules.is_empty();
        applies.then_some(rules)
    };
    Some(Policy {
        name: PolicyName::cluster(PolicyKind::CiliumClusterwideNetworkPolicy, name),
        part: number,
        precedence: (Tier::NetworkPolicy, 0),
        is_audit: policy.audit == Some(true),
        subject: Subject::Nodes(Selector::new(nodes)),
        egress: applying(egress, isolates[0]),
        ingress: applying(ingress, isolates[1]),
        isolates,
    })
}

fn incoming(rule: &IngressRule) -> Rule {
    let peers = [
        rule.from_endpoints.as_deref().map(pods),
        rule.from_nodes.as_deref().map(nodes),
        rule.from_entities.as_deref().map(entities),
        rule.from_cidr.as_deref().map(blocks),
        rule.from_cidr_set.as_deref().map(sets),
    ];
    rule_of(peers, rule.to_ports.as_deref())
}

fn outgoing(rule: &EgressRule) -> Rule {
    let peers = [
        rule.to_endpoints.as_deref().map(pods),
        rule.to_nodes.as_deref().map(nodes),
        rule.to_entities.as_deref().map(entities),
        rule.to_cidr.as_deref().map(blocks),
        rule.to_cidr_set.as_deref().map(sets),
    ];
    rule_of(peers, rule.to_ports.as_deref())
}

/// Where no peer is named, ports are for everyone; nothing at all is for nobody.
fn rule_of(peers: [Option<Vec<Peer>>; 5], ports: Option<&[cilium::PortRule]>) -> Rule {
    let is_everyone = peers.iter().all(Option::is_none) && ports.is_some();
    let peers: Vec<Peer> = peers.into_iter().flatten().flatten().collect();
    let is_everyone = is_everyone || peers.contains(&Peer::Everyone);
    Rule {
        action: Action::Allow,
        peers: (!is_everyone).then_some(peers),
        ports: ports.map(|ports| {
            ports
                .iter()
                .flat_map(|rule| &rule.ports)
                .flat_map(port)
                .collect()
        }),
    }
}

fn pods(selectors: &[LabelSelector]) -> Vec<Peer> {
    let read = selectors.iter().filter_map(|selector| {
        let (namespaces, pods) = apart(selector)?;
        let namespaces = Namespaces::Matching(Selector::new(&namespaces));
        Some(Peer::Pods(namespaces, Selector::new(&pods)))
    });
    read.collect()
}

/// What a selector asks of namespaces, and what of pods; `None` if it has a key that validation refuses.
fn apart(selector: &LabelSelector) -> Option<(LabelSelector, LabelSelector)> {
    let (mut namespaces, mut pods) = (LabelSelector::default(), LabelSelector::default());
    for (key, value) in selector.match_labels.iter().flatten() {
        let (side, key) = match LabelKey::parse(key)? {
            LabelKey::Pod(key) => (&mut pods, key),
            LabelKey::NamespaceLabel(key) => (&mut namespaces, key),
            LabelKey::NamespaceName => (&mut namespaces, NAMESPACE_NAME),
        };
        let labels = side.match_labels.get_or_insert_default();
        labels.insert(key.to_owned(), value.clone());
    }
    for requirement in selector.match_expressions.iter().flatten() {
        let (side, key) = match LabelKey::parse(&requirement.key)? {
            LabelKey::Pod(key) => (&mut pods, key),
            LabelKey::NamespaceLabel(key) => (&mut namespaces, key),
            LabelKey::NamespaceName => (&mut namespaces, NAMESPACE_NAME),
        };
        let expressions = side.match_expressions.get_or_insert_default();
        expressions.push(LabelSelectorRequirement {
            key: key.to_owned(),
            ..requirement.clone()
        });
    }
    Some((namespaces, pods))
}

fn nodes(selectors: &[LabelSelector]) -> Vec<Peer> {
    let selectors = selectors.iter();
    selectors
        .map(|nodes| Peer::Nodes(Selector::new(nodes)))
        .collect()
}

/// No packet of a node to itself is judged, so `host` is nobody, and all nodes are the other ones.
fn entities(names: &[String]) -> Vec<Peer> {
    let read = |name: &String| match name.as_str() {
        "all" => Some(Peer::Everyone),
        "world" => Some(Peer::World),
        "cluster" => Some(Peer::Cluster),
        "remote-node" => Some(Peer::Nodes(Selector::default())),
        _ => None,
    };
    names.iter().filter_map(read).collect()
}

fn blocks(cidrs: &[String]) -> Vec<Peer> {
    let cidrs = cidrs.iter().filter_map(|text| read_prefix(text));
    cidrs.map(|cidr| Peer::Outside(cidr, Vec::new())).collect()
}

/// A block with an exception that cannot be read matches nothing.
fn sets(sets: &[CidrRule]) -> Vec<Peer> {
    let read = |set: &CidrRule| {
        let except: Option<Vec<IpNet>> = set.except.iter().map(|text| read_prefix(text)).collect();
        Some(Peer::Outside(read_prefix(&set.cidr)?, except?))
    };
    sets.iter().filter_map(read).collect()
}

/// A port without a protocol is one of each.
fn port(port: &PortProtocol) -> Vec<PortMatch> {
    let wanted = port.protocol.as_deref().filter(|name| *name != "ANY");
    let range = match (port.port.parse(), port.end_port) {
        (Ok(0), _) => Some((0, u16::MAX)),
        (Ok(first), None) => Some((first, first)),
        (Ok(first), Some(last)) => u16::try_from(last).ok().map(|last| (first, last)),
        (Err(_), _) => None,
    };
    let protocols = PROTOCOLS.iter();
    let protocols = protocols.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
    protocols
        .filter_map(|(_, protocol)| {
            let (first, last) = range?;
            Some(PortMatch::Range(PortRange {
                protocol: *protocol,
                first,
                last,
            }))
        })
        .collect()
}
