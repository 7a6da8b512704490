//! Policies in every form the API has: each field absent, empty or filled.

use super::blocks::block;
use super::labels::selector;
use super::one_of;
use super::topology::PORT_NAMES;
use k8s_openapi::api::networking::v1::{
    NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Ports that rules name, around those that pods serve (`topology`) and at the ends of the range.
pub(super) const PORTS: &[u16] = &[80, 79, 81, 1, 53, 8080, 65_534, 65_535];
/// How many ports a range has beyond its first.
pub(super) const RANGE_LENGTHS: &[u16] = &[0, 1, 2, 7, 1000, 65_535];
/// Protocols that policies can name.
pub(super) const PROTOCOLS: &[&str] = &["TCP", "UDP", "SCTP"];
const POLICY_TYPES: &[&[&str]] = &[
    &["Ingress", "Egress"],
    &["Ingress", "Egress"],
    &["Ingress"],
    &["Egress"],
    &[],
];

/// The spec of a policy.
pub(super) fn specs() -> BoxedStrategy<NetworkPolicySpec> {
    let types = option::of(one_of(POLICY_TYPES));
    let ingress = option::weighted(0.7, vec(rule(), 0..=2));
    let egress = option::weighted(0.7, vec(rule(), 0..=2));
    let parts = (pod_selector(), types, ingress, egress);
    parts
        .prop_map(|(pod_selector, types, ingress, egress)| NetworkPolicySpec {
            egress: egress.map(|rules| rules.into_iter().map(Rule::outgoing).collect()),
            ingress: ingress.map(|rules| rules.into_iter().map(Rule::incoming).collect()),
            pod_selector,
            policy_types: types.map(|types| types.iter().map(ToString::to_string).collect()),
        })
        .boxed()
}

/// Whom a policy isolates: every other time all pods of its namespace, so that policies meet.
fn pod_selector() -> impl Strategy<Value = Option<LabelSelector>> {
    prop_oneof![
        Just(None),
        Just(Some(LabelSelector::default())),
        selector().prop_map(Some),
        selector().prop_map(Some),
    ]
}

#[derive(Clone, Debug)]
struct Rule {
    peers: Option<Vec<NetworkPolicyPeer>>,
    ports: Option<Vec<NetworkPolicyPort>>,
}

impl Rule {
    fn incoming(self) -> NetworkPolicyIngressRule {
        NetworkPolicyIngressRule {
            from: self.peers,
            ports: self.ports,
        }
    }

    fn outgoing(self) -> NetworkPolicyEgressRule {
        NetworkPolicyEgressRule {
            to: self.peers,
            ports: self.ports,
        }
    }
}

fn rule() -> BoxedStrategy<Rule> {
    let peers = option::weighted(0.8, vec(peer(), 0..=2));
    let ports = option::of(vec(port(), 0..=2));
    (peers, ports)
        .prop_map(|(peers, ports)| Rule { peers, ports })
        .boxed()
}

fn peer() -> BoxedStrategy<NetworkPolicyPeer> {
    prop_oneof![
        1 => selector().prop_map(|pods| by_labels(None, Some(pods))),
        1 => selector().prop_map(|namespaces| by_labels(Some(namespaces), None)),
        1 => (selector(), selector())
            .prop_map(|(namespaces, pods)| by_labels(Some(namespaces), Some(pods))),
        2 => block().prop_map(|block| NetworkPolicyPeer {
            ip_block: Some(block),
            ..NetworkPolicyPeer::default()
        }),
    ]
    .boxed()
}

fn by_labels(
    namespace_selector: Option<LabelSelector>,
    pod_selector: Option<LabelSelector>,
) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        ip_block: None,
        namespace_selector,
        pod_selector,
    }
}

fn port() -> BoxedStrategy<NetworkPolicyPort> {
    let numbers = prop_oneof![
        Just((None, None)),
        one_of(PORTS).prop_map(|port| (Some(number(port)), None)),
        (one_of(PORTS), one_of(RANGE_LENGTHS)).prop_map(|(first, length)| {
            let last = first.saturating_add(length);
            (Some(number(first)), Some(i32::from(last)))
        }),
        one_of(PORT_NAMES).prop_map(|name| (Some(IntOrString::String(name.to_owned())), None)),
    ];
    (option::of(one_of(PROTOCOLS)), numbers)
        .prop_map(|(protocol, (port, end_port))| NetworkPolicyPort {
            end_port,
            port,
            protocol: protocol.map(str::to_owned),
        })
        .boxed()
}

fn number(port: u16) -> IntOrString {
    IntOrString::Int(i32::from(port))
}
