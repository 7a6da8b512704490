//! Policies of the Admin and the Baseline tier in the compiler's own words.

use crate::ports::{PortMatch, PortRange};
use crate::rule::{self, Action, Namespaces, Peer, Policy, Rule, Tier, read_prefix, read_protocol};
use crate::selector::Selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use manifest::network_policy_api::{
    EgressPeer, IngressPeer, NamespacedPod, Subject, v1alpha1, v1alpha2,
};
use manifest::{Cluster, PolicyKind, PolicyName, TierPolicy};

/// Every policy of the cluster that belongs to one of the two tiers.
pub(crate) fn policies(cluster: &Cluster) -> Vec<Policy> {
    let of_cluster = cluster.cluster_network_policies.iter();
    let of_cluster = of_cluster.filter_map(|(name, policy)| cluster_network_policy(name, policy));
    let admin = cluster.admin_network_policies.iter();
    let admin = admin.filter_map(|(name, policy)| {
        let spec = &policy.spec;
        let head = Head {
            name: PolicyName::cluster(PolicyKind::AdminNetworkPolicy, name),
            tier: Tier::Admin,
            priority: spec.priority,
            is_audit: policy.audit,
        };
        head.policy(&spec.subject, v1alpha1_rules(&spec.ingress, &spec.egress))
    });
    let baseline = cluster.baseline_admin_network_policies.iter();
    let baseline = baseline.filter_map(|(name, policy)| {
        let spec = &policy.spec;
        let head = Head {
            name: PolicyName::cluster(PolicyKind::BaselineAdminNetworkPolicy, name),
            tier: Tier::Baseline,
            priority: None,
            is_audit: policy.audit,
        };
        head.policy(&spec.subject, v1alpha1_rules(&spec.ingress, &spec.egress))
    });
    of_cluster.chain(admin).chain(baseline).collect()
}

fn cluster_network_policy(
    name: &str,
    policy: &TierPolicy<v1alpha2::ClusterNetworkPolicySpec>,
) -> Option<Policy> {
    let spec = &policy.spec;
    let head = Head {
        name: PolicyName::cluster(PolicyKind::ClusterNetworkPolicy, name),
        tier: match spec.tier.as_str() {
            "Admin" => Tier::Admin,
            "Baseline" => Tier::Baseline,
            _ => return None,
        },
        priority: spec.priority,
        is_audit: policy.audit,
    };
    let ingress = spec.ingress.iter().map(|rule| {
        let ports = rule.protocols.as_deref();
        rule_of(&rule.action, sources(&rule.from), ports.map(protocols))
    });
    let egress = spec.egress.iter().map(|rule| {
        let ports = rule.protocols.as_deref();
        rule_of(&rule.action, destinations(&rule.to), ports.map(protocols))
    });
    head.policy(&spec.subject, (ingress.collect(), egress.collect()))
}

/// Ingress and egress rules.
type Rules = (Vec<Rule>, Vec<Rule>);

fn v1alpha1_rules(ingress: &[v1alpha1::IngressRule], egress: &[v1alpha1::EgressRule]) -> Rules {
    let ingress = ingress.iter().map(|rule| {
        let ports = rule.ports.as_deref();
        rule_of(&rule.action, sources(&rule.from), ports.map(numbers))
    });
    let egress = egress.iter().map(|rule| {
        let ports = rule.ports.as_deref();
        rule_of(&rule.action, destinations(&rule.to), ports.map(numbers))
    });
    (ingress.collect(), egress.collect())
}

/// What a policy is, whatever its rules.
struct Head {
    name: PolicyName,
    tier: Tier,
    priority: Option<i64>,
    is_audit: Option<bool>,
}

impl Head {
    /// The policy; `None` if its subject selects by nothing, which validation refuses. Without rules of a direction it
    /// does not apply to it.
    fn policy(self, subject: &Subject, (ingress, egress): Rules) -> Option<Policy> {
        let (namespaces, pods) = match (&subject.namespaces, &subject.pods) {
            (Some(namespaces), _) => (Some(namespaces), None),
            (None, Some(pods)) => (pods.namespace_selector.as_ref(), pods.pod_selector.as_ref()),
            (None, None) => return None,
        };
        Some(Policy {
            name: self.name,
            part: 0,
            // The baseline policy of v1alpha1 has no priority and is asked last.
            precedence: (self.tier, self.priority.unwrap_or(i64::MAX)),
            is_audit: self.is_audit == Some(true),
            subject: rule::Subject::Pods(
                Namespaces::Matching(Selector::or_everything(namespaces)),
                Selector::or_everything(pods),
            ),
            egress: Some(egress).filter(|rules| !rules.is_empty()),
            ingress: Some(ingress).filter(|rules| !rules.is_empty()),
            isolates: [false; 2],
        })
    }
}

/// A rule with these peers; `None` if one of them is of a kind that is not supported. Then the rule fails closed: to
/// allow, it matches nothing; otherwise it denies everything.
fn rule_of(action: &str, peers: Option<Vec<Peer>>, ports: Option<Vec<PortMatch>>) -> Rule {
    let action = match action {
        "Accept" | "Allow" => Action::Allow,
        "Pass" => Action::Pass,
        _ => Action::Deny,
    };
    match (action, peers) {
        (action, Some(peers)) => Rule {
            action,
            peers: Some(peers),
            ports,
        },
        (Action::Allow, None) => Rule {
            action,
            peers: Some(Vec::new()),
            ports,
        },
        (Action::Deny | Action::Pass, None) => Rule {
            action: Action::Deny,
            peers: None,
            ports: None,
        },
    }
}

fn sources(peers: &[IngressPeer]) -> Option<Vec<Peer>> {
    let peers = peers.iter();
    peers
        .map(|peer| pods_of(peer.namespaces.as_ref(), peer.pods.as_ref()))
        .collect()
}

fn destinations(peers: &[EgressPeer]) -> Option<Vec<Peer>> {
    let read: Option<Vec<Vec<Peer>>> = peers.iter().map(destination).collect();
    Some(read?.concat())
}

/// A list of networks is one peer each.
fn destination(peer: &EgressPeer) -> Option<Vec<Peer>> {
    if let Some(pods) = pods_of(peer.namespaces.as_ref(), peer.pods.as_ref()) {
        return Some(vec![pods]);
    }
    if let Some(nodes) = &peer.nodes {
        return Some(vec![Peer::Nodes(Selector::new(nodes))]);
    }
    let networks = peer.networks.as_ref()?.iter();
    let networks = networks.filter_map(|network| read_prefix(network));
    Some(networks.map(Peer::Network).collect())
}

fn pods_of(namespaces: Option<&LabelSelector>, pods: Option<&NamespacedPod>) -> Option<Peer> {
    if let Some(namespaces) = namespaces {
        let namespaces = Namespaces::Matching(Selector::new(namespaces));
        return Some(Peer::Pods(namespaces, Selector::default()));
    }
    let pods = pods?;
    let namespaces = Selector::or_everything(pods.namespace_selector.as_ref());
    Some(Peer::Pods(
        Namespaces::Matching(namespaces),
        Selector::or_everything(pods.pod_selector.as_ref()),
    ))
}

fn numbers(ports: &[v1alpha1::Port]) -> Vec<PortMatch> {
    ports.iter().filter_map(number).collect()
}

fn number(port: &v1alpha1::Port) -> Option<PortMatch> {
    if let Some(name) = &port.named_port {
        return Some(PortMatch::Named(None, name.clone()));
    }
    if let Some(number) = &port.port_number {
        let protocol = read_protocol(number.protocol.as_deref())?;
        return range(protocol, number.port, number.port);
    }
    let written = port.port_range.as_ref()?;
    let protocol = read_protocol(written.protocol.as_deref())?;
    range(protocol, written.start, written.end)
}

fn protocols(items: &[v1alpha2::Protocol]) -> Vec<PortMatch> {
    items.iter().filter_map(protocol).collect()
}

fn protocol(item: &v1alpha2::Protocol) -> Option<PortMatch> {
    if let Some(name) = &item.destination_named_port {
        return Some(PortMatch::Named(None, name.clone()));
    }
    let (protocol, destination) = match item {
        v1alpha2::Protocol { tcp: Some(tcp), .. } => (abi::protocol::TCP, tcp),
        v1alpha2::Protocol { udp: Some(udp), .. } => (abi::protocol::UDP, udp),
        v1alpha2::Protocol {
            sctp: Some(sctp), ..
        } => (abi::protocol::SCTP, sctp),
        _ => return None,
    };
    match &destination.destination_port {
        None => range(protocol, Some(0), Some(u16::MAX.into())),
        Some(v1alpha2::Port {
            number: Some(number),
            ..
        }) => range(protocol, Some(*number), Some(*number)),
        Some(v1alpha2::Port {
            range: Some(written),
            ..
        }) => range(protocol, written.start, written.end),
        Some(_) => None,
    }
}

fn range(protocol: u8, first: Option<i64>, last: Option<i64>) -> Option<PortMatch> {
    Some(PortMatch::Range(PortRange {
        protocol,
        first: u16::try_from(first?).ok()?,
        last: u16::try_from(last?).ok()?,
    }))
}
