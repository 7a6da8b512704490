//! Where services are reached, and what pods say of themselves.

use crate::world::{apply, load};
use manifest::{Cluster, ObjectName, Service};
use std::fmt::Write;

fn service(name: &str, spec: &str) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"
    )
}

fn of<'a>(cluster: &'a Cluster, name: &str) -> &'a Service {
    &cluster.services[&ObjectName::new("default", name)]
}

/// Where services are reached, one a line.
fn reached(cluster: &Cluster) -> String {
    let mut lines = String::new();
    for (name, service) in &cluster.services {
        let balancers = &service.load_balancer_ips;
        write!(lines, "{}:", name.name).unwrap();
        for address in service.cluster_ips.iter() {
            write!(lines, " {address}").unwrap();
        }
        let node_ports: Vec<_> = service.node_ports.iter().flatten().collect();
        if !node_ports.is_empty() {
            write!(lines, " node ports {node_ports:?}").unwrap();
        }
        if !balancers.is_empty() {
            write!(lines, " balanced at {balancers:?}").unwrap();
        }
        if let Some(port) = service.health_check_node_port {
            write!(lines, " health at {port}").unwrap();
        }
        lines.push('\n');
    }
    lines
}

#[test]
fn what_is_not_written_is_assigned() {
    let cluster = load(
        &[
            service("plain", "ports: [{port: 80}]"),
            service("headless", "clusterIP: None"),
            service("v6", "ipFamilies: [IPv6], ports: [{port: 80}]"),
            service("dual", "ipFamilyPolicy: PreferDualStack, ports: [{port: 80}]"),
            service(
                "node-port",
                "type: NodePort, ports: [{name: a, port: 53}, {name: b, port: 53, protocol: UDP}, {name: c, port: 80}]",
            ),
            service("balanced", "type: LoadBalancer, ports: [{port: 80}], ipFamilyPolicy: RequireDualStack"),
            service(
                "local",
                "type: LoadBalancer, ports: [{port: 80}], externalTrafficPolicy: Local, allocateLoadBalancerNodePorts: false",
            ),
            service("asked", "type: LoadBalancer, ports: [{port: 80}], loadBalancerIP: 203.0.113.5"),
            service("outside", "type: ExternalName, externalName: example.org"),
        ]
        .concat(),
    );
    insta::assert_snapshot!(reached(&cluster), @"
    asked: 10.96.1.0 node ports [30086] balanced at [203.0.113.5]
    balanced: 10.96.1.1 fd00:10:96::100 node ports [30087] balanced at [198.19.0.1, 2001:db8:10ad::1]
    dual: 10.96.1.2 fd00:10:96::101
    headless:
    local: 10.96.1.3 balanced at [198.19.0.2] health at 30088
    node-port: 10.96.1.4 node ports [30089, 30089, 30090]
    outside:
    plain: 10.96.1.5
    v6: fd00:10:96::102
    ");
}

#[test]
fn what_is_written_counts_and_is_given_to_nobody_else() {
    let cluster = load(
        &[
            service("a", "ports: [{port: 80}]"),
            service("b", "clusterIP: 10.96.1.0, ports: [{port: 80}]"),
            service("c", "type: NodePort, ports: [{port: 80}]"),
            service("d", "type: NodePort, ports: [{port: 80, nodePort: 30086}]"),
            service("e", "externalIPs: [10.96.1.1], ports: [{port: 80}]"),
            service("f", "externalIPs: [10.96.1.1], ports: [{port: 443}]"),
        ]
        .concat(),
    );
    insta::assert_snapshot!(reached(&cluster), @"
    a: 10.96.1.2
    b: 10.96.1.0
    c: 10.96.1.3 node ports [30087]
    d: 10.96.1.4 node ports [30086]
    e: 10.96.1.5
    f: 10.96.1.6
    ");
}

#[test]
fn what_a_service_has_it_keeps() {
    let dual = "type: LoadBalancer, externalTrafficPolicy: Local, ipFamilyPolicy: PreferDualStack";
    let mut cluster = load(&(service("b", &format!("{dual}, ports: [{{port: 80}}]"))));
    let before = of(&cluster, "b").clone();
    apply(
        &mut cluster,
        &service("a", &format!("{dual}, ports: [{{port: 80}}]")),
    );
    let text = format!("{dual}, ports: [{{name: new, port: 443}}, {{name: old, port: 80}}]");
    apply(&mut cluster, &service("b", &text));
    let after = of(&cluster, "b");
    assert_eq!(after.cluster_ips, before.cluster_ips);
    assert_eq!(after.load_balancer_ips, before.load_balancer_ips);
    assert_eq!(after.health_check_node_port, before.health_check_node_port);
    assert_eq!(after.node_ports[1], before.node_ports[0]);
    assert_ne!(after.node_ports[0], before.node_ports[0]);

    apply(&mut cluster, &service("b", "ports: [{port: 80}]"));
    let plain = of(&cluster, "b");
    assert_eq!(plain.cluster_ips.v4, before.cluster_ips.v4);
    assert_eq!(plain.cluster_ips.v6, None);
    assert_eq!(plain.node_ports, [None]);
    assert!(plain.load_balancer_ips.is_empty());
    assert_eq!(plain.health_check_node_port, None);
}

#[test]
fn a_cluster_of_one_family_gives_addresses_of_it() {
    let node = "{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 'fd00::2'}]}}\n";
    let services = [
        service("plain", "ports: [{port: 80}]"),
        service(
            "both",
            "ipFamilyPolicy: PreferDualStack, ports: [{port: 80}]",
        ),
    ];
    let cluster = load(&(node.to_owned() + &services.concat()));
    insta::assert_snapshot!(reached(&cluster), @"
    both: fd00:10:96::100
    plain: fd00:10:96::101
    ");
}

#[test]
fn a_pod_is_ready_unless_it_says_otherwise() {
    let pod = |name: &str, rest: &str| {
        format!("---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {name}{rest}}}\n")
    };
    let ready =
        |status: &str| format!("}}, status: {{conditions: [{{type: Ready, status: '{status}'}}]}}");
    let cluster = load(
        &[
            pod("silent", "}"),
            pod("ready", &ready("True")),
            pod("unready", &ready("False")),
            pod("unknown", &ready("Unknown")),
            pod("ending", ", deletionTimestamp: '2026-01-01T00:00:00Z'}"),
        ]
        .concat(),
    );
    let states = cluster
        .pods
        .iter()
        .map(|(name, pod)| (name.name.as_str(), pod.ready, pod.terminating));
    assert_eq!(
        states.collect::<Vec<_>>(),
        [
            ("ending", true, true),
            ("ready", true, false),
            ("silent", true, false),
            ("unknown", false, false),
            ("unready", false, false),
        ]
    );
}
