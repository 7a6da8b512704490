//! The clusters that are measured.

use manifest::{Cluster, EndpointName, Protocol, Source};
use oracle::Probe;
use std::fmt::Write as _;

/// Nine pods in three namespaces, each serving two ports of three protocols, under a policy that isolates a third.
pub(crate) fn nine_pods() -> anyhow::Result<Cluster> {
    let mut text = String::new();
    for namespace in ["x", "y", "z"] {
        for name in ["a", "b", "c"] {
            pod(&mut text, namespace, name);
        }
    }
    text.push_str(
        "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: base, namespace: x}
spec:
  podSelector: {}
  policyTypes: [Ingress]
  ingress:
  - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: y}}}]
    ports: [{protocol: TCP, port: 80}]
",
    );
    load(&text)
}

/// Two pods and one policy.
pub(crate) fn two_pods() -> anyhow::Result<Cluster> {
    let mut text = String::new();
    pod(&mut text, "x", "a");
    pod(&mut text, "x", "b");
    text.push_str(
        "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: x}
spec: {podSelector: {}}
",
    );
    load(&text)
}

fn pod(text: &mut String, namespace: &str, name: &str) {
    let mut ports = String::new();
    for protocol in ["TCP", "UDP", "SCTP"] {
        for port in [80, 81] {
            let _ = write!(ports, "{{containerPort: {port}, protocol: {protocol}}}, ");
        }
    }
    let _ = write!(
        text,
        "---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {{pod: {name}}}}}
spec: {{containers: [{{name: c, ports: [{ports}]}}]}}
"
    );
}

fn load(text: &str) -> anyhow::Result<Cluster> {
    let mut cluster = Cluster::default();
    let source = Source::Text {
        name: "bench".into(),
        text: text.into(),
    };
    cluster
        .apply(&[source])
        .map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(cluster)
}

/// Every pod to every pod, itself included, over IPv4: 486 for [`nine_pods`].
pub(crate) fn every_probe(cluster: &Cluster) -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in cluster.pods.keys() {
        for (to, pod) in &cluster.pods {
            let Some(address) = pod.addresses.v4 else {
                continue;
            };
            probes.extend(pod.ports.iter().map(|port| Probe {
                from: EndpointName::Pod(from.clone()),
                to: EndpointName::Pod(to.clone()),
                address: address.into(),
                protocol: port.protocol,
                port: Some(port.port),
            }));
        }
    }
    probes
}

/// One denied probe of [`two_pods`].
pub(crate) fn one_probe(cluster: &Cluster) -> Vec<Probe> {
    let mut probes = every_probe(cluster);
    probes.retain(|probe| probe.from != probe.to && probe.protocol == Protocol::Tcp);
    probes.truncate(1);
    probes
}
