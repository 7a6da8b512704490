//! Policies of the Admin and the Baseline tier, of both versions of the API.

use super::annotations::{Annotations, annotations};
use super::blocks::network;
use super::labels::selector;
use super::policies::{PORTS, PROTOCOLS, RANGE_LENGTHS};
use super::topology::{PORT_NAMES, origin};
use super::{choose, one_of};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use manifest::network_policy_api::{
    EgressPeer, IngressPeer, NamespacedPod, Subject, v1alpha1, v1alpha2,
};
use manifest::{Cluster, ObjectRef, PolicyKind, PolicyName, TierPolicy};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Few, so that policies share one now and then.
const PRIORITIES: &[i64] = &[0, 1, 1, 5, 1000];
const KINDS: &[PolicyKind] = &[
    PolicyKind::ClusterNetworkPolicy,
    PolicyKind::ClusterNetworkPolicy,
    PolicyKind::AdminNetworkPolicy,
    PolicyKind::BaselineAdminNetworkPolicy,
];
const TIERS: &[&str] = &["Admin", "Admin", "Baseline"];
/// Above this number there is no free name any more; no cluster here has that many.
const MOST_POLICIES: usize = 200;

/// A policy before it has a name.
#[derive(Clone, Debug)]
pub(super) struct TierSketch {
    kind: PolicyKind,
    tier: &'static str,
    priority: i64,
    subject: Subject,
    ingress: Vec<(Action, Vec<IngressPeer>, Option<Vec<Port>>)>,
    egress: Vec<(Action, Vec<EgressPeer>, Option<Vec<Port>>)>,
    annotations: Annotations,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Allow,
    Deny,
    Pass,
}

#[derive(Clone, Debug)]
enum Port {
    Number(&'static str, u16),
    Range(&'static str, u16, u16),
    Named(&'static str),
}

/// A policy for any cluster.
pub(super) fn tier_policies() -> BoxedStrategy<TierSketch> {
    let rank = (one_of(KINDS), one_of(TIERS), one_of(PRIORITIES));
    let ingress = vec((action(), vec(source(), 1..=2), ports()), 0..=3);
    let egress = vec((action(), vec(destination(), 1..=2), ports()), 0..=3);
    (rank, subject(), ingress, egress, annotations())
        .prop_map(
            |((kind, tier, priority), subject, ingress, egress, annotations)| TierSketch {
                kind,
                tier,
                priority,
                subject,
                ingress,
                egress,
                annotations,
            },
        )
        .boxed()
}

/// Every other time all pods, so that policies meet.
fn subject() -> impl Strategy<Value = Subject> {
    let everyone = Just(Subject {
        namespaces: Some(LabelSelector::default()),
        pods: None,
    });
    prop_oneof![
        2 => everyone,
        1 => selector().prop_map(|namespaces| Subject { namespaces: Some(namespaces), pods: None }),
        1 => pods().prop_map(|pods| Subject { namespaces: None, pods: Some(pods) }),
    ]
}

fn pods() -> impl Strategy<Value = NamespacedPod> {
    (selector(), selector()).prop_map(|(namespaces, pods)| NamespacedPod {
        namespace_selector: Some(namespaces),
        pod_selector: Some(pods),
    })
}

fn action() -> impl Strategy<Value = Action> {
    one_of(&[Action::Allow, Action::Deny, Action::Deny, Action::Pass])
}

fn source() -> BoxedStrategy<IngressPeer> {
    let by_namespace = selector().prop_map(|namespaces| IngressPeer {
        namespaces: Some(namespaces),
        pods: None,
    });
    let by_pod = pods().prop_map(|pods| IngressPeer {
        namespaces: None,
        pods: Some(pods),
    });
    prop_oneof![by_namespace, by_pod].boxed()
}

fn destination() -> BoxedStrategy<EgressPeer> {
    prop_oneof![
        4 => source().prop_map(|peer| EgressPeer {
            namespaces: peer.namespaces,
            pods: peer.pods,
            ..EgressPeer::default()
        }),
        3 => vec(network(), 1..=2).prop_map(|mut networks| {
            networks.sort();
            networks.dedup();
            EgressPeer { networks: Some(networks), ..EgressPeer::default() }
        }),
        2 => selector().prop_map(|nodes| EgressPeer {
            nodes: Some(nodes),
            ..EgressPeer::default()
        }),
        1 => Just(EgressPeer {
            domain_names: Some(vec!["example.org".to_owned()]),
            ..EgressPeer::default()
        }),
    ]
    .boxed()
}

fn ports() -> BoxedStrategy<Option<Vec<Port>>> {
    let number = (one_of(PROTOCOLS), one_of(PORTS));
    let range = (one_of(PROTOCOLS), one_of(PORTS), one_of(RANGE_LENGTHS));
    let port = prop_oneof![
        2 => number.prop_map(|(protocol, port)| Port::Number(protocol, port)),
        2 => range.prop_map(|(protocol, first, length)| {
            match first.saturating_add(length) {
                last if last > first => Port::Range(protocol, first, last),
                _ => Port::Number(protocol, first),
            }
        }),
        1 => one_of(PORT_NAMES).prop_map(Port::Named),
    ];
    option::of(vec(port, 1..=2)).boxed()
}

impl TierSketch {
    /// Adds the policy under the first free name of its kind; there is but one `BaselineAdminNetworkPolicy`.
    pub(super) fn enter(self, cluster: &mut Cluster) {
        let names: Vec<PolicyName> = cluster.policy_names().collect();
        let free = |number: &usize| {
            !names.contains(&PolicyName::cluster(self.kind, format!("tier-{number}")))
        };
        let Some(number) = (0..MOST_POLICIES).find(free) else {
            return;
        };
        let name = format!("tier-{number}");
        match self.kind {
            PolicyKind::ClusterNetworkPolicy
            | PolicyKind::NetworkPolicy
            | PolicyKind::CiliumClusterwideNetworkPolicy => {
                let policy = placed(self.v1alpha2(), self.annotations);
                cluster.cluster_network_policies.insert(name, policy);
            }
            PolicyKind::AdminNetworkPolicy => {
                let policy = placed(self.admin(), self.annotations);
                cluster.admin_network_policies.insert(name, policy);
            }
            PolicyKind::BaselineAdminNetworkPolicy => {
                let policy = placed(self.baseline(), self.annotations);
                let policies = &mut cluster.baseline_admin_network_policies;
                policies.insert("default".to_owned(), policy);
            }
        }
    }

    fn v1alpha2(&self) -> v1alpha2::ClusterNetworkPolicySpec {
        let ingress = self
            .ingress
            .iter()
            .map(|(action, from, ports)| v1alpha2::IngressRule {
                name: None,
                action: action.word("Accept"),
                from: from.clone(),
                protocols: ports.as_ref().map(|ports| each(ports, Port::v1alpha2)),
            });
        let egress = self.egress.iter().map(|(action, to, ports)| {
            let ports = ports.as_ref().map(|ports| nameable(ports, to));
            v1alpha2::EgressRule {
                name: None,
                action: action.word("Accept"),
                to: to.clone(),
                protocols: ports.map(|ports| each(&ports, Port::v1alpha2)),
            }
        });
        v1alpha2::ClusterNetworkPolicySpec {
            tier: self.tier.to_owned(),
            priority: Some(self.priority),
            subject: self.subject.clone(),
            ingress: ingress.collect(),
            egress: egress.collect(),
        }
    }

    fn admin(&self) -> v1alpha1::AdminNetworkPolicySpec {
        v1alpha1::AdminNetworkPolicySpec {
            priority: Some(self.priority),
            subject: self.subject.clone(),
            ingress: self.v1alpha1_ingress(),
            egress: self.v1alpha1_egress(),
        }
    }

    /// Without what only the Admin tier has: to pass, and domain names.
    fn baseline(&self) -> v1alpha1::BaselineAdminNetworkPolicySpec {
        let mut ingress = self.v1alpha1_ingress();
        ingress.retain(|rule| rule.action != "Pass");
        let mut egress = self.v1alpha1_egress();
        egress.retain(|rule| {
            let mut peers = rule.to.iter();
            rule.action != "Pass" && peers.all(|peer| peer.domain_names.is_none())
        });
        v1alpha1::BaselineAdminNetworkPolicySpec {
            subject: self.subject.clone(),
            ingress,
            egress,
        }
    }

    fn v1alpha1_ingress(&self) -> Vec<v1alpha1::IngressRule> {
        let rules = self.ingress.iter();
        rules
            .map(|(action, from, ports)| v1alpha1::IngressRule {
                name: None,
                action: action.word("Allow"),
                from: from.clone(),
                ports: ports.as_ref().map(|ports| each(ports, Port::v1alpha1)),
            })
            .collect()
    }

    fn v1alpha1_egress(&self) -> Vec<v1alpha1::EgressRule> {
        let rules = self.egress.iter();
        rules
            .map(|(action, to, ports)| {
                let ports = ports.as_ref().map(|ports| nameable(ports, to));
                v1alpha1::EgressRule {
                    name: None,
                    action: action.word("Allow"),
                    to: to.clone(),
                    ports: ports.map(|ports| each(&ports, Port::v1alpha1)),
                }
            })
            .collect()
    }
}

/// Takes one of the policies of the tiers away; `drawn` chooses.
pub(super) fn remove(cluster: &mut Cluster, drawn: usize) {
    let policies = cluster.policy_names();
    let policies: Vec<_> = policies.filter(|name| name.namespace.is_none()).collect();
    if let Some(policy) = choose(policies, drawn) {
        cluster.remove(&ObjectRef {
            kind: policy.kind.to_string(),
            namespace: None,
            name: policy.name,
        });
    }
}

fn placed<Spec>(spec: Spec, annotations: Annotations) -> TierPolicy<Spec> {
    TierPolicy {
        spec,
        audit: annotations.audit,
        is_logged: annotations.logs,
        origin: origin(),
    }
}

fn each<T>(ports: &[Port], write: fn(&Port) -> T) -> Vec<T> {
    ports.iter().map(write).collect()
}

/// These ports, numbers instead of names where a peer is no pod, as an API server demands.
fn nameable(ports: &[Port], to: &[EgressPeer]) -> Vec<Port> {
    let are_pods = to
        .iter()
        .all(|peer| peer.namespaces.is_some() || peer.pods.is_some());
    let ports = ports.iter().map(|port| match port {
        Port::Named(_) if !are_pods => Port::Number("TCP", 80),
        other => other.clone(),
    });
    ports.collect()
}

impl Action {
    fn word(self, allow: &str) -> String {
        let word = match self {
            Self::Allow => allow,
            Self::Deny => "Deny",
            Self::Pass => "Pass",
        };
        word.to_owned()
    }
}

impl Port {
    fn v1alpha1(&self) -> v1alpha1::Port {
        let protocol = |name: &str| Some(name.to_owned());
        match self {
            Self::Number(name, port) => v1alpha1::Port {
                port_number: Some(v1alpha1::PortNumber {
                    protocol: protocol(name),
                    port: Some((*port).into()),
                }),
                ..v1alpha1::Port::default()
            },
            Self::Range(name, first, last) => v1alpha1::Port {
                port_range: Some(v1alpha1::PortRange {
                    protocol: protocol(name),
                    start: Some((*first).into()),
                    end: Some((*last).into()),
                }),
                ..v1alpha1::Port::default()
            },
            Self::Named(name) => v1alpha1::Port {
                named_port: Some((*name).to_owned()),
                ..v1alpha1::Port::default()
            },
        }
    }

    fn v1alpha2(&self) -> v1alpha2::Protocol {
        let (name, port) = match self {
            Self::Number(name, port) => (
                *name,
                v1alpha2::Port {
                    number: Some((*port).into()),
                    range: None,
                },
            ),
            Self::Range(name, first, last) => (
                *name,
                v1alpha2::Port {
                    number: None,
                    range: Some(v1alpha2::PortRange {
                        start: Some((*first).into()),
                        end: Some((*last).into()),
                    }),
                },
            ),
            Self::Named(name) => {
                return v1alpha2::Protocol {
                    destination_named_port: Some((*name).to_owned()),
                    ..v1alpha2::Protocol::default()
                };
            }
        };
        let destination = Some(v1alpha2::Destination {
            destination_port: Some(port),
        });
        let none = v1alpha2::Protocol::default();
        match name {
            "UDP" => v1alpha2::Protocol {
                udp: destination,
                ..none
            },
            "SCTP" => v1alpha2::Protocol {
                sctp: destination,
                ..none
            },
            _ => v1alpha2::Protocol {
                tcp: destination,
                ..none
            },
        }
    }
}
