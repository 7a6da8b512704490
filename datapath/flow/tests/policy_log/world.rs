//! Flows between two pods, a node and an outside host, in a few words.

use abi::{Disposition, Hook, Identity, Occasion, PolicyAction, protocol};
use flow::log::{PolicyLog, Record, Settings};
use flow::{Clock, End, Flow, Side, SideVerdict, Snapshot, VirtualEnd};
use manifest::{Cluster, Source};
use std::net::IpAddr;

const CLUSTER: &str = r#"
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: loud, annotations: {policy.network.gke.io/enable-deny-logging: "true"}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: loud}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: quiet, namespace: shop}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: loud, namespace: shop, annotations: {policy.network.gke.io/enable-logging: "true"}}
spec: {podSelector: {}}
---
apiVersion: v1
kind: Service
metadata: {name: sql, namespace: shop}
spec: {clusterIP: 10.96.0.7, externalIPs: [198.51.100.1], ports: [{port: 80}]}
"#;

pub(crate) const WEB: &str = "10.0.0.1";
pub(crate) const DB: &str = "10.0.0.2";
pub(crate) const NODE: &str = "192.0.2.1";
pub(crate) const OUTSIDE: &str = "203.0.113.9";

/// The cluster, and with it a `NetworkLogging` with these switches.
pub(crate) fn snapshot(switches: &str) -> Snapshot {
    let logging = format!(
        "apiVersion: networking.gke.io/v1alpha1
kind: NetworkLogging
metadata: {{name: default}}
spec: {{cluster: {{{switches}}}}}"
    );
    let mut cluster = Cluster::default();
    let sources = [CLUSTER, &logging].map(|text| Source::text("test", text));
    cluster
        .apply(&sources)
        .unwrap_or_else(|errors| panic!("{errors}"));
    Snapshot::of(&cluster)
}

/// What was asked for at a TCP port.
pub(crate) fn frontend(snapshot: &Snapshot, address: &str, port: u16) -> VirtualEnd {
    let address: IpAddr = address.parse().unwrap();
    let service = snapshot.service(address, protocol::TCP, Some(port));
    VirtualEnd {
        address,
        port: Some(port),
        service: service.cloned(),
    }
}

/// TCP from port 40000 to port 80, a millisecond after the epoch; no policy says anything.
pub(crate) fn flow(snapshot: &Snapshot, from: &str, to: &str) -> Flow {
    let end = |address: &str, port| {
        let address: IpAddr = address.parse().unwrap();
        End {
            address,
            port: Some(port),
            identity: Identity::NONE,
            party: snapshot.party(address),
        }
    };
    Flow {
        time: Clock::default().at(1_000_000),
        generation: 1,
        hook: Hook::FromEndpoint,
        disposition: Disposition::Allowed,
        occasion: Some(Occasion::Opens),
        reason: None,
        source: end(from, 40_000),
        destination: end(to, 80),
        frontend: None,
        protocol: protocol::TCP,
        length: 74,
        egress: Side::NoPolicy,
        ingress: Side::NoPolicy,
    }
}

/// What a side says: `allow shop/a shop/b`, `deny shop/a`, `audit shop/a`.
pub(crate) fn says(text: &str) -> Side {
    let mut words = text.split(' ');
    let action = match words.next() {
        Some("allow") => PolicyAction::Allow,
        Some("deny") => PolicyAction::Deny,
        Some("audit") => PolicyAction::Audit,
        other => panic!("{other:?}"),
    };
    Side::Decided(SideVerdict {
        action,
        policies: words.map(|word| word.parse().unwrap()).collect(),
        by_default: action != PolicyAction::Allow,
    })
}

/// The records of one flow, windows closed.
pub(crate) fn records(settings: Settings, flow: &Flow, snapshot: &Snapshot) -> Vec<Record> {
    let mut log = PolicyLog::new(settings);
    let mut out = Vec::new();
    log.see(flow, snapshot, &mut out);
    log.finish(&mut out);
    out
}
