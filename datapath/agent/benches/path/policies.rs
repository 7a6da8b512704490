//! Policies both ways between the pods, as many as wanted: all but one allow somebody else.

use crate::network::{Distance, NODES, PODS};
use crate::traffic::PORT;
use manifest::{Cluster, Source};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Somebody whom a policy allows: an address and a TCP port.
pub(crate) fn others(policies: u32) -> impl Iterator<Item = (Ipv4Addr, u32)> {
    let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    (1..policies).map(move |number| ((first + number).into(), 8000 + number % 1000))
}

/// Both pods, under this many policies that isolate them both ways; the last lets a reach b.
pub(crate) fn cluster(distance: Distance, policies: u32) -> anyhow::Result<Cluster> {
    let mut text = String::new();
    for (name, address) in distance.nodes() {
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Node\nmetadata: {{name: {name}}}\n\
             status: {{addresses: [{{type: InternalIP, address: {address}}}]}}"
        );
    }
    for (pod, (name, address)) in PODS.iter().enumerate() {
        let node = NODES[distance.home(pod)].0;
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\n\
             spec: {{nodeName: {node}, containers: [{{name: c}}]}}\nstatus: {{podIPs: [{{ip: {address}}}]}}"
        );
    }
    for (address, port) in others(policies) {
        let peer = format!("{{ipBlock: {{cidr: {address}/32}}}}");
        add(
            &mut text,
            &address.to_string(),
            [&peer, &peer],
            &format!("[{{port: {port}}}]"),
        );
    }
    if policies > 0 {
        let peers = [
            "{podSelector: {matchLabels: {app: a}}}",
            "{podSelector: {matchLabels: {app: b}}}",
        ];
        add(
            &mut text,
            "a-to-b",
            peers,
            &format!("[{{port: {PORT}}}, {{port: {PORT}, protocol: UDP}}]"),
        );
    }
    let mut cluster = Cluster::default();
    let applied = cluster.apply(&[Source::text("bench", text)]);
    applied.map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(cluster)
}

fn add(text: &mut String, name: &str, [from, to]: [&str; 2], ports: &str) {
    let _ = write!(
        text,
        "---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: shop}}
spec:
  podSelector: {{}}
  policyTypes: [Ingress, Egress]
  ingress: [{{from: [{from}], ports: {ports}}}]
  egress: [{{to: [{to}], ports: {ports}}}]
"
    );
}
