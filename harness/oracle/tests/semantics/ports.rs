//! What a rule opens: protocols, numbers, ranges, names, and no ports at all.

use crate::world::{cluster, db_ingress, judged, pod_name};
use manifest::{ContainerPort, Protocol};
use serde_json::{Value, json};

/// Which of `asked` shop/web may reach on shop/db, when shop/db's only ingress rule has these ports.
fn open<'a>(ports: &Value, asked: &[&'a str]) -> Vec<&'a str> {
    let cluster = cluster(&[("shop/p", db_ingress(&json!({"ports": ports})))]);
    let is_open = |asked: &&str| judged(&cluster, "shop/web", "shop/db", asked).is_allowed();
    asked.iter().copied().filter(is_open).collect()
}

#[track_caller]
fn check(ports: &Value, opened: &[&str], closed: &[&str]) {
    assert_eq!(open(ports, opened), opened, "{ports} opens them all");
    assert_eq!(open(ports, closed), [""; 0], "{ports} opens none of them");
}

#[test]
fn no_ports_is_every_port_of_every_protocol() {
    let everything = ["TCP 1", "TCP 65535", "UDP 80", "SCTP 80", "ICMP"];
    check(&json!(null), &everything, &[]);
    check(&json!([]), &everything, &[]);
}

#[test]
fn the_protocol_defaults_to_tcp() {
    check(
        &json!([{"port": 80}]),
        &["TCP 80"],
        &["TCP 79", "TCP 81", "UDP 80", "SCTP 80", "ICMP"],
    );
    check(
        &json!([{}]),
        &["TCP 1", "TCP 65535"],
        &["UDP 80", "SCTP 80", "ICMP"],
    );
}

#[test]
fn a_protocol_alone_is_all_its_ports() {
    check(
        &json!([{"protocol": "UDP"}]),
        &["UDP 1", "UDP 65535"],
        &["TCP 1", "SCTP 1", "ICMP"],
    );
    check(
        &json!([{"protocol": "SCTP"}]),
        &["SCTP 7"],
        &["TCP 7", "UDP 7", "ICMP"],
    );
}

#[test]
fn end_port_is_inclusive() {
    check(
        &json!([{"protocol": "UDP", "port": 8000, "endPort": 8010}]),
        &["UDP 8000", "UDP 8005", "UDP 8010"],
        &["UDP 7999", "UDP 8011", "TCP 8000", "SCTP 8005", "ICMP"],
    );
    check(
        &json!([{"port": 443, "endPort": 443}]),
        &["TCP 443"],
        &["TCP 442", "TCP 444"],
    );
    check(
        &json!([{"port": 1, "endPort": 65535}]),
        &["TCP 1", "TCP 65535"],
        &["UDP 1"],
    );
}

#[test]
fn several_ports_add_up() {
    check(
        &json!([{"port": 80}, {"protocol": "UDP", "port": 53}]),
        &["TCP 80", "UDP 53"],
        &["UDP 80", "TCP 53"],
    );
}

#[test]
fn names_are_those_of_the_destination_and_of_the_protocol() {
    check(
        &json!([{"port": "sql"}]),
        &["TCP 5432"],
        &["TCP 80", "TCP 8080", "UDP 5432"],
    );
    check(&json!([{"port": "http"}]), &["TCP 8080"], &["TCP 80"]);
    check(
        &json!([{"protocol": "UDP", "port": "dns"}]),
        &["UDP 53"],
        &["TCP 53", "UDP 80"],
    );
    check(&json!([{"port": "dns"}]), &[], &["TCP 53", "UDP 53"]);
    check(
        &json!([{"port": "nobody"}]),
        &[],
        &["TCP 80", "TCP 8080", "ICMP"],
    );
}

#[test]
fn egress_names_resolve_on_each_destination_pod() {
    let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"ports": [{"port": "http"}]}]});
    let cluster = cluster(&[("shop/p", spec)]);
    let open = |to: &str, asked: &str| judged(&cluster, "shop/web", to, asked).is_allowed();
    assert!(open("shop/db", "TCP 8080") && open("other/api", "TCP 9090"));
    assert!(
        !open("shop/db", "TCP 80") && !open("shop/db", "TCP 9090"),
        "the source's own number"
    );
    for to in ["node/n2", "other/host", "external/client"] {
        assert!(!open(to, "TCP 80"), "{to} is no pod: it has no named ports");
    }
}

#[test]
fn a_name_follows_the_pod_that_bears_it() {
    let mut cluster = cluster(&[("shop/p", db_ingress(&json!({"ports": [{"port": "sql"}]})))]);
    let db = cluster.pods.get_mut(&pod_name("shop/db")).unwrap();
    db.ports = vec![ContainerPort {
        name: Some("sql".to_owned()),
        port: 3306,
        protocol: Protocol::Tcp,
    }];
    assert!(judged(&cluster, "shop/web", "shop/db", "TCP 3306").is_allowed());
    assert!(!judged(&cluster, "shop/web", "shop/db", "TCP 5432").is_allowed());
}

#[test]
fn what_an_api_server_refuses_opens_nothing() {
    let asked = ["TCP 80", "TCP 90", "TCP 100", "UDP 80"];
    check(&json!([{"port": 100, "endPort": 90}]), &[], &asked);
    check(&json!([{"port": 65616}]), &[], &asked);
    check(&json!([{"protocol": "tcp", "port": 80}]), &[], &asked);
    check(&json!([{"port": "80"}]), &[], &asked);
}
