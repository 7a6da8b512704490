//! Clusters in a few words, and what services become, as text.

use manifest::{Cluster, Source};
use service::{Backends, Compiler, Frontend, Services, VirtualEnd};
use std::fmt::Write as _;
use std::net::SocketAddr;

/// Two nodes in zones of their own, two pods on each: `web-1` to `web-4` at `10.0.0.1` to `10.0.0.4` and `fd00::1` to
/// `fd00::4`. The odd ones are on `node-1`. `web-3` calls its port 8083 `http`, the others 8080.
pub(crate) fn cluster() -> Cluster {
    let mut texts = String::new();
    for number in 1..=2 {
        _ = writeln!(
            texts,
            "{{apiVersion: v1, kind: Node, metadata: {{name: node-{number}, \
             labels: {{topology.kubernetes.io/zone: zone-{number}}}}}, \
             status: {{addresses: [{{type: InternalIP, address: 192.0.2.{number}}}]}}}}\n---"
        );
    }
    for number in 1..=4 {
        let node = if number % 2 == 1 { 1 } else { 2 };
        let port = if number == 3 { 8083 } else { 8080 };
        _ = writeln!(
            texts,
            "{{apiVersion: v1, kind: Pod, metadata: {{name: web-{number}, labels: {{app: web}}}}, \
             spec: {{nodeName: node-{node}, containers: [{{name: c, ports: [{{name: http, containerPort: {port}}}]}}]}}, \
             status: {{podIPs: [{{ip: 10.0.0.{number}}}, {{ip: 'fd00::{number}'}}]}}}}\n---"
        );
    }
    let mut cluster = Cluster::default();
    apply(&mut cluster, &texts);
    cluster
}

/// A cluster with a service `web` that selects all of its pods; `spec` is what else its spec says.
pub(crate) fn with_service(spec: &str) -> Cluster {
    let mut cluster = cluster();
    apply(&mut cluster, &service("web", spec));
    cluster
}

/// A service that selects the pods `web`.
pub(crate) fn service(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{selector: {{app: web}}, {spec}}}}}"
    )
}

/// A slice of the service `web` with port 8080; `endpoints` is each of its endpoints.
pub(crate) fn slice(endpoints: &str) -> String {
    format!(
        "{{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, \
         metadata: {{name: web-1, labels: {{kubernetes.io/service-name: web}}}}, \
         ports: [{{port: 8080}}], endpoints: [{endpoints}]}}"
    )
}

pub(crate) fn apply(cluster: &mut Cluster, text: &str) {
    cluster
        .apply(&[Source::text("cluster.yaml", text)])
        .unwrap_or_else(|error| panic!("{error}"));
}

/// What a node has of the services, a line each: `10.96.0.1:80/TCP → 10.0.0.1:8080 (drain …) | outside …`. What is
/// outside is left out where nobody is there.
pub(crate) fn lowered(cluster: &Cluster, node: &str) -> String {
    let services = Compiler::default().compile(cluster);
    text(&services.for_node(node))
}

pub(crate) fn text(services: &Services) -> String {
    let ends = services.frontends.iter();
    let lines: Vec<_> = ends.map(|(end, frontend)| line(end, frontend)).collect();
    lines.join("\n")
}

fn line(end: &VirtualEnd, frontend: &Frontend) -> String {
    let address = SocketAddr::new(end.address, end.port);
    let mut line = format!("{address}/{} →{}", end.protocol, set(&frontend.inside));
    if !frontend.outside.is_empty() || frontend.is_local {
        _ = write!(line, " | outside{}", set(&frontend.outside));
    }
    if frontend.is_local {
        line += " local";
    }
    if frontend.affinity > 0 {
        _ = write!(line, " affinity {}", frontend.affinity);
    }
    line
}

fn set(backends: &Backends) -> String {
    let mut text = String::new();
    for end in &backends.take_new {
        _ = write!(text, " {end}");
    }
    for end in &backends.drain {
        _ = write!(text, " ({end})");
    }
    text
}
