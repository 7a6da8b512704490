//! States of the cluster, and what each says of the flows.

use crate::flow::{FLOWS, Flow, PODS, address};
use manifest::{Cluster, EndpointName, IpBlockMode, ObjectName, Protocol, Source};
use oracle::{Judgement, Probe};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a state chooses.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// The label of `left` and `right`, and what their policy asks for: both change at once.
    version: u8,
    /// The label of `web` and `db`.
    tiers: [u8; 2],
    /// Which of [`POLICIES`] are there.
    policies: Vec<bool>,
    /// Whether another pod is there, that sends nothing.
    has_guest: bool,
}

/// Policies that come and go.
const POLICIES: [(&str, &str); 6] = [
    (
        "closed",
        "{podSelector: {matchLabels: {tier: t0}}, policyTypes: [Ingress, Egress]}",
    ),
    (
        "open",
        "{podSelector: {matchExpressions: [{key: tier, operator: In, values: [t0, t1]}]}, ingress: [{}], egress: [{}]}",
    ),
    (
        "ports",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 4990, endPort: 5200, protocol: UDP}]}]}",
    ),
    (
        "tiers",
        "{podSelector: {matchExpressions: [{key: tier, operator: Exists}]}, \
          ingress: [{from: [{podSelector: {matchLabels: {tier: t1}}}]}]}",
    ),
    (
        "blocks",
        "{podSelector: {matchLabels: {tier: t2}}, \
          egress: [{to: [{ipBlock: {cidr: 10.0.0.0/29, except: [10.0.0.3/32]}}]}]}",
    ),
    (
        "guests",
        "{podSelector: {matchLabels: {tier: t1}}, egress: [{to: [{podSelector: {matchLabels: {app: guest}}}]}]}",
    ),
];

pub(crate) fn states() -> impl Strategy<Value = State> {
    let policies = prop::collection::vec(any::<bool>(), POLICIES.len());
    let parts = (0..4u8, [0..3u8, 0..3u8], policies, any::<bool>());
    parts.prop_map(|(version, tiers, policies, has_guest)| State {
        version,
        tiers,
        policies,
        has_guest,
    })
}

impl State {
    pub(crate) fn cluster(&self) -> Cluster {
        let mut cluster = Cluster::default();
        let sources = [Source::text("state", self.manifest())];
        cluster.apply(&sources).expect("manifests without mistakes");
        cluster
    }

    /// What the text of the API says of every flow.
    pub(crate) fn judgements(&self) -> BTreeMap<Flow, Judgement> {
        let cluster = self.cluster();
        let pod = |name: &str| EndpointName::Pod(ObjectName::new("shop", name));
        let judged = FLOWS.into_iter().flatten().map(|flow| {
            let probe = Probe {
                from: pod(flow.from),
                to: pod(flow.to),
                address: address(flow.to).into(),
                protocol: Protocol::Udp,
                port: Some(flow.port),
            };
            let judgement = oracle::judge(&cluster, IpBlockMode::Any, &probe);
            (*flow, judgement.expect("a probe between pods"))
        });
        judged.collect()
    }

    pub(crate) fn manifest(&self) -> String {
        let mut text = String::new();
        let version = self.version;
        let [web, db] = self.tiers;
        for (name, address) in PODS {
            let labels = match name {
                "web" => format!("app: web, tier: t{web}"),
                "db" => format!("app: db, tier: t{db}"),
                _ => format!("version: v{version}"),
            };
            pod(&mut text, name, &labels, &address.to_string());
        }
        if self.has_guest {
            pod(&mut text, "guest", "app: guest", "10.0.0.6");
        }
        // Who takes the labels of one state and the rules of another gets both ports wrong.
        let peers = format!(
            "[{{podSelector: {{matchLabels: {{version: v{version}}}}}}}], ports: [{{port: 5000, protocol: UDP}}]"
        );
        let strangers = format!(
            "[{{podSelector: {{matchExpressions: [{{key: version, operator: NotIn, values: [v{version}]}}]}}}}], \
             ports: [{{port: 6000, endPort: 7000, protocol: UDP}}]"
        );
        let steady = format!(
            "{{podSelector: {{matchLabels: {{version: v{version}}}}}, policyTypes: [Ingress, Egress], \
             ingress: [{{from: {peers}}}, {{from: {strangers}}}], egress: [{{to: {peers}}}, {{to: {strangers}}}]}}"
        );
        policy(&mut text, &format!("steady-{version}"), &steady);
        for ((name, spec), is_there) in POLICIES.iter().zip(&self.policies) {
            if *is_there {
                policy(&mut text, name, spec);
            }
        }
        text
    }
}

fn pod(text: &mut String, name: &str, labels: &str, address: &str) {
    let _ = write!(
        text,
        "---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: shop, labels: {{{labels}}}}}
spec: {{containers: [{{name: c}}]}}
status: {{podIPs: [{{ip: {address}}}]}}
"
    );
}

fn policy(text: &mut String, name: &str, spec: &str) {
    let _ = write!(
        text,
        "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: shop}}
spec: {spec}
"
    );
}
