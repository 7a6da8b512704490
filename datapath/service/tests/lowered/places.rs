//! Where backends and their clients are.

use crate::sketch::{apply, lowered, slice, with_service};

/// What `node-1`, and then `node-2`, has of a service with this spec.
#[track_caller]
fn check(spec: &str, expected: [&str; 2]) {
    let cluster = with_service(spec);
    for (node, expected) in ["node-1", "node-2"].into_iter().zip(expected) {
        assert_eq!(lowered(&cluster, node), expected, "{spec} on {node}");
    }
}

#[test]
fn clients_inside_may_be_kept_on_their_node() {
    check(
        "clusterIP: 10.96.0.1, ports: [{port: 80}], internalTrafficPolicy: Local",
        [
            "10.96.0.1:80/TCP → 10.0.0.1:80 10.0.0.3:80 (10.0.0.2:80) (10.0.0.4:80)",
            "10.96.0.1:80/TCP → 10.0.0.2:80 10.0.0.4:80 (10.0.0.1:80) (10.0.0.3:80)",
        ],
    );
}

#[test]
fn clients_may_get_what_is_near() {
    for distribution in ["PreferClose", "PreferSameZone", "PreferSameNode"] {
        check(
            &format!(
                "clusterIP: 10.96.0.1, ports: [{{port: 80}}], trafficDistribution: {distribution}"
            ),
            [
                "10.96.0.1:80/TCP → 10.0.0.1:80 10.0.0.3:80 (10.0.0.2:80) (10.0.0.4:80)",
                "10.96.0.1:80/TCP → 10.0.0.2:80 10.0.0.4:80 (10.0.0.1:80) (10.0.0.3:80)",
            ],
        );
    }
}

#[test]
fn without_anybody_near_clients_get_any() {
    let mut cluster =
        with_service("clusterIP: 10.96.0.1, ports: [{port: 80}], trafficDistribution: PreferClose");
    cluster.pods.retain(|_, pod| pod.node == "node-2");
    let expected = "10.96.0.1:80/TCP → 10.0.0.2:80 10.0.0.4:80";
    assert_eq!(lowered(&cluster, "node-1"), expected);
}

/// What `node-1` has of a service with these two endpoints.
#[track_caller]
fn check_hints(endpoints: &str, expected: &str) {
    let mut cluster = with_service("clusterIP: 10.96.0.1, ports: [{port: 80}]");
    apply(&mut cluster, &slice(endpoints));
    let expected = format!("10.96.0.1:80/TCP → {expected}");
    assert_eq!(lowered(&cluster, "node-1"), expected, "{endpoints}");
}

#[test]
fn hints_count_when_all_have_one_and_one_is_for_the_zone() {
    let hinted = |address: &str, zone: &str| {
        format!("{{addresses: [{address}], hints: {{forZones: [{{name: {zone}}}]}}}}")
    };
    let one = hinted("10.0.0.1", "zone-1");
    let two = hinted("10.0.0.2", "zone-2");
    let none = "{addresses: [10.0.0.2]}";
    check_hints(&format!("{one}, {two}"), "10.0.0.1:8080 (10.0.0.2:8080)");
    check_hints(&format!("{one}, {none}"), "10.0.0.1:8080 10.0.0.2:8080");
    check_hints(&two, "10.0.0.2:8080");
}

#[test]
fn an_endpoint_whose_slice_names_no_node_is_on_none() {
    let local = "clusterIP: 10.96.0.1, ports: [{port: 80}], internalTrafficPolicy: Local";
    let mut cluster = with_service(local);
    let endpoints = "{addresses: [10.0.0.1]}, {addresses: [10.0.0.3], nodeName: node-1}";
    apply(&mut cluster, &slice(endpoints));
    let expected = "10.96.0.1:80/TCP → 10.0.0.3:8080 (10.0.0.1:8080)";
    assert_eq!(lowered(&cluster, "node-1"), expected);
}

#[test]
fn every_node_has_the_node_port_at_its_own_address() {
    let mut cluster = with_service("type: NodePort, clusterIP: 10.96.0.1, ports: [{port: 80}]");
    let name = manifest::ObjectName::new("default", "web");
    let service = cluster.services.get_mut(&name).expect("a service");
    service.node_ports = vec![Some(30080)];
    let all = "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80";
    for (node, address) in [("node-1", "192.0.2.1"), ("node-2", "192.0.2.2")] {
        assert_eq!(
            lowered(&cluster, node),
            format!("10.96.0.1:80/TCP → {all}\n{address}:30080/TCP → {all} | outside {all}")
        );
    }
}

#[test]
fn clients_outside_may_be_kept_on_the_node_they_came_to() {
    let all = "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80 10.0.0.4:80";
    let spec = "type: LoadBalancer, clusterIP: 10.96.0.1, ports: [{port: 80}], \
                externalIPs: [198.51.100.1], externalTrafficPolicy: Local";
    let mut cluster = with_service(spec);
    let name = manifest::ObjectName::new("default", "web");
    let service = cluster.services.get_mut(&name).expect("a service");
    service.node_ports = vec![None];
    service.load_balancer_ips = vec!["198.51.100.2".parse().expect("an address")];
    let outside = "10.0.0.1:80 10.0.0.3:80 (10.0.0.2:80) (10.0.0.4:80) local";
    assert_eq!(
        lowered(&cluster, "node-1"),
        format!(
            "10.96.0.1:80/TCP → {all}\n\
             198.51.100.1:80/TCP → {all} | outside {outside}\n\
             198.51.100.2:80/TCP → {all} | outside {outside}"
        )
    );
    cluster.pods.retain(|_, pod| pod.node == "node-2");
    assert_eq!(
        lowered(&cluster, "node-1").lines().last(),
        Some(
            "198.51.100.2:80/TCP → 10.0.0.2:80 10.0.0.4:80 | outside (10.0.0.2:80) (10.0.0.4:80) local"
        )
    );
}
