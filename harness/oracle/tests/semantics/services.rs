//! Who may serve a client of a service.
//!
//! ```text
//! n1 (zone a)  shop/web-1 http=8080   shop/web-2 http=8080
//! n2 (zone b)  shop/web-3 http=9090
//! n3           nobody
//! shop/web     10.96.0.10, fd00:10:96::a  port 80 → http, node port 30080, load balancer 192.0.2.10
//! ```

mod roll;
mod slices;

use crate::world::{add_pod, addresses, cluster, labels, pod_name, port};
use manifest::{Addresses, Cluster, Node, Origin, Protocol, Service};
use oracle::service::{Answer, Asked, serve};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::SocketAddr;

const VIRTUAL: &str = "10.96.0.10:80";

/// The cluster above, in which shop/web has these fields too or in place of its own.
fn shop(fields: &Value) -> Cluster {
    let mut cluster = cluster(&[]);
    let node = |number, labels| Node {
        labels,
        addresses: addresses([172, 18, 0, number], &format!("fd00:18::{number}")),
        pod_cidrs: vec![],
        origin: Origin::synthetic("test"),
    };
    let zone = |name| labels(&[("topology.kubernetes.io/zone", name)]);
    for (name, node) in [
        ("n1", node(2, zone("a"))),
        ("n2", node(3, zone("b"))),
        ("n3", node(4, labels(&[]))),
    ] {
        cluster.nodes.insert(name.to_owned(), node);
    }
    for (name, node, number) in [
        ("shop/web-1", "n1", 8080),
        ("shop/web-2", "n1", 8080),
        ("shop/web-3", "n2", 9090),
    ] {
        let ports = [
            port("http", 53, Protocol::Udp),
            port("http", number, Protocol::Tcp),
        ];
        add_pod(
            &mut cluster,
            name,
            node,
            &[("serves", "web"), ("name", name)],
            &ports,
        );
    }
    add_service(
        &mut cluster,
        "shop/web",
        ([10, 96, 0, 10], "fd00:10:96::a"),
        fields,
    );
    cluster
}

fn add_service(cluster: &mut Cluster, name: &str, own: ([u8; 4], &str), fields: &Value) {
    let mut spec = json!({
        "selector": {"serves": "web"},
        "ports": [{"port": 80, "targetPort": "http", "nodePort": 30080}],
    });
    let all = spec.as_object_mut().unwrap();
    all.extend(fields.as_object().unwrap().clone());
    let ports = spec["ports"].as_array().unwrap().iter();
    let node_ports = ports.map(|port| {
        port["nodePort"]
            .as_u64()
            .map(|port| port.try_into().unwrap())
    });
    let service = Service {
        cluster_ips: addresses(own.0, own.1),
        node_ports: node_ports.collect(),
        load_balancer_ips: vec![[192, 0, 2, own.0[3]].into()],
        health_check_node_port: None,
        origin: Origin::synthetic("test"),
        object: serde_json::from_value(json!({"spec": spec})).unwrap(),
    };
    cluster.services.insert(pod_name(name), service);
}

/// What becomes of a connection over TCP.
fn answer(cluster: &Cluster, from: &str, at: &str, to: &str) -> Answer {
    over(cluster, Protocol::Tcp, from, at, to)
}

fn over(cluster: &Cluster, protocol: Protocol, from: &str, at: &str, to: &str) -> Answer {
    let to: SocketAddr = to.parse().unwrap();
    let asked = Asked {
        from: from.parse().unwrap(),
        at: at.to_owned(),
        address: to.ip(),
        protocol,
        port: to.port(),
    };
    let answer = serve(cluster, &asked);
    assert_eq!(roll::serving(cluster, &asked), roll::expected(&answer));
    answer
}

/// `web-1:8080 web-3:9090`, with `draining web-2:8080` and `for 10800 s` where that is so.
fn text(cluster: &Cluster, answer: &Answer) -> String {
    let backends = match answer {
        Answer::NotVirtual => return "not virtual".to_owned(),
        Answer::NoPort => return "no port".to_owned(),
        Answer::NoBackend(service) => return format!("no backend of {service}"),
        Answer::NotHere(service) => return format!("none of {service} here"),
        Answer::NotFor(service) => return format!("{service} is for others"),
        Answer::Served(backends) => backends,
    };
    let name = |end: &SocketAddr| {
        let mut pods = cluster.pods.iter();
        let pod = pods.find(|(_, pod)| pod.addresses.contains(end.ip()));
        pod.map_or_else(
            || end.to_string(),
            |(name, _)| format!("{}:{}", name.name, end.port()),
        )
    };
    let list = |ends: &BTreeSet<SocketAddr>| ends.iter().map(name).collect::<Vec<_>>().join(" ");
    let mut text = list(&backends.active);
    if !backends.draining.is_empty() {
        let _ = write!(text, ", draining {}", list(&backends.draining));
    }
    if let Some(seconds) = backends.affinity {
        let _ = write!(text, ", for {seconds} s");
    }
    text
}

#[track_caller]
fn check(cluster: &Cluster, from: &str, at: &str, to: &str, expected: &str) {
    let said = text(cluster, &answer(cluster, from, at, to));
    assert_eq!(said, expected, "{from} at {at} → {to}");
}

/// Of a pod on n1, at the cluster address.
#[track_caller]
fn check_inside(cluster: &Cluster, expected: &str) {
    check(cluster, "shop/db", "n1", VIRTUAL, expected);
}

fn pod(cluster: &mut Cluster, number: u8) -> &mut manifest::Pod {
    cluster
        .pods
        .get_mut(&pod_name(&format!("shop/web-{number}")))
        .unwrap()
}

const EVERYONE: &str = "web-1:8080 web-2:8080 web-3:9090";

#[test]
fn each_address_is_where_it_should_be() {
    let shop = shop(&json!({"externalIPs": ["198.51.100.7"]}));
    let pod = |to, expected| check(&shop, "shop/db", "n1", to, expected);
    for to in [
        VIRTUAL,
        "[fd00:10:96::a]:80",
        "192.0.2.10:80",
        "198.51.100.7:80",
        "172.18.0.2:30080",
        "[fd00:18::2]:30080",
    ] {
        pod(to, EVERYONE);
    }
    for to in [
        "10.96.0.10:81",
        "10.96.0.10:8080",
        "10.96.0.10:30080",
        "[fd00:10:96::a]:81",
        "192.0.2.10:81",
    ] {
        pod(to, "no port");
    }
    for to in [
        "198.51.100.7:81",
        "172.18.0.2:80",
        "172.18.0.3:30080",
        "10.96.0.11:80",
        "10.244.1.7:8080",
        "203.0.113.5:80",
    ] {
        pod(to, "not virtual");
    }
    assert_eq!(
        over(&shop, Protocol::Udp, "shop/db", "n1", VIRTUAL),
        Answer::NoPort
    );
}

#[test]
fn whose_address_it_is_decides_who_may_use_it() {
    let shop = shop(&json!({"externalIPs": ["198.51.100.7"]}));
    let outside = |to, expected| check(&shop, "external/client", "n2", to, expected);
    for to in ["192.0.2.10:80", "198.51.100.7:80", "172.18.0.3:30080"] {
        outside(to, EVERYONE);
    }
    outside(VIRTUAL, "no backend of shop/web");
    outside("172.18.0.2:30080", "not virtual");
    check(&shop, "node/n3", "n3", VIRTUAL, EVERYONE);
    check(&shop, "shop/agent", "n1", VIRTUAL, EVERYONE);
}

#[test]
fn a_load_balancer_lets_only_its_source_ranges_in() {
    for (ranges, expected) in [
        (json!(["203.0.113.0/24", " 2001:db8::/32"]), EVERYONE),
        (json!(["203.0.113.5/32"]), EVERYONE),
        (json!(["198.51.100.0/24"]), "shop/web is for others"),
        (json!([]), EVERYONE),
    ] {
        let shop = shop(&json!({
            "externalIPs": ["198.51.100.7"],
            "loadBalancerSourceRanges": ranges,
        }));
        let outside = |to, expected| check(&shop, "external/client", "n2", to, expected);
        outside("192.0.2.10:80", expected);
        outside("198.51.100.7:80", EVERYONE);
        outside("172.18.0.3:30080", EVERYONE);
        check(&shop, "shop/db", "n1", "192.0.2.10:80", EVERYONE);
    }
}

#[test]
fn a_load_balancer_that_is_a_node_leaves_other_ports_to_it() {
    let mut shop = shop(&json!({}));
    shop.services
        .get_mut(&pod_name("shop/web"))
        .unwrap()
        .load_balancer_ips = vec![[172, 18, 0, 2].into()];
    check(&shop, "shop/db", "n1", "172.18.0.2:80", EVERYONE);
    check(&shop, "shop/db", "n1", "172.18.0.2:22", "not virtual");
}

#[test]
fn families_of_a_service_are_those_of_its_cluster_addresses() {
    let mut shop = shop(&json!({"externalIPs": ["198.51.100.7", "2001:db8::7"]}));
    let own = &mut shop
        .services
        .get_mut(&pod_name("shop/web"))
        .unwrap()
        .cluster_ips;
    own.v6 = None;
    check(&shop, "shop/db", "n1", "198.51.100.7:80", EVERYONE);
    for to in [
        "[2001:db8::7]:80",
        "[fd00:18::2]:30080",
        "[fd00:10:96::a]:80",
    ] {
        check(&shop, "shop/db", "n1", to, "not virtual");
    }
    let headless = shop.services.get_mut(&pod_name("shop/web")).unwrap();
    headless.cluster_ips = Addresses::default();
    for to in [
        VIRTUAL,
        "198.51.100.7:80",
        "172.18.0.2:30080",
        "192.0.2.10:80",
    ] {
        check(&shop, "shop/db", "n1", to, "not virtual");
    }
}

#[test]
fn backends_have_an_address_of_the_family_that_was_asked() {
    let mut shop = shop(&json!({}));
    pod(&mut shop, 1).addresses.v6 = None;
    check_inside(&shop, EVERYONE);
    check(
        &shop,
        "shop/db",
        "n1",
        "[fd00:10:96::a]:80",
        "web-2:8080 web-3:9090",
    );
}

#[test]
fn target_ports_are_numbers_or_each_pods_own_names() {
    let ports = |port: Value| shop(&json!({"ports": [port]}));
    for (target, expected) in [
        (json!(9090), "web-1:9090 web-2:9090 web-3:9090"),
        (json!(null), "web-1:80 web-2:80 web-3:80"),
        (json!("http"), EVERYONE),
        (json!("HTTP"), "no backend of shop/web"),
    ] {
        check_inside(&ports(json!({"port": 80, "targetPort": target})), expected);
    }
    let udp = ports(json!({"port": 80, "targetPort": "http", "protocol": "UDP"}));
    let said = over(&udp, Protocol::Udp, "shop/db", "n1", VIRTUAL);
    assert_eq!(text(&udp, &said), "web-1:53 web-2:53 web-3:53");
    check_inside(&udp, "no port");
    let mut shop = shop(&json!({}));
    pod(&mut shop, 2).ports.clear();
    check_inside(&shop, "web-1:8080 web-3:9090");
}

#[test]
fn one_number_may_be_a_port_of_several_protocols() {
    let ports = json!([
        {"name": "dns", "port": 53, "targetPort": 1053, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "targetPort": 2053},
        {"name": "sctp", "port": 53, "targetPort": 3053, "protocol": "SCTP"},
    ]);
    let shop = shop(&json!({"ports": ports, "selector": {"name": "shop/web-1"}}));
    for (protocol, expected) in [
        (Protocol::Udp, "web-1:1053"),
        (Protocol::Tcp, "web-1:2053"),
        (Protocol::Sctp, "web-1:3053"),
    ] {
        let said = over(&shop, protocol, "shop/db", "n1", "10.96.0.10:53");
        assert_eq!(text(&shop, &said), expected, "{protocol}");
    }
}

#[test]
fn selectors_are_about_pods_of_the_namespace() {
    for (selector, expected) in [
        (json!({"serves": "web", "name": "shop/web-2"}), "web-2:8080"),
        (
            json!({"serves": "web", "name": "shop/web-9"}),
            "no backend of shop/web",
        ),
        (json!({}), "no backend of shop/web"),
        (json!(null), "no backend of shop/web"),
    ] {
        check_inside(&shop(&json!({"selector": selector})), expected);
    }
    let mut shop = shop(&json!({}));
    add_service(
        &mut shop,
        "other/web",
        ([10, 96, 0, 20], "fd00:10:96::14"),
        &json!({}),
    );
    check(
        &shop,
        "shop/db",
        "n1",
        "10.96.0.20:80",
        "no backend of other/web",
    );
}

/// What is said where pods are `r`eady or not and `t`erminating or not: `r`, `-`, `rt`, `-t`.
#[track_caller]
fn check_states(fields: &Value, states: [&str; 3], expected: &str) {
    let mut shop = shop(fields);
    for (number, state) in (1..).zip(states) {
        let pod = pod(&mut shop, number);
        pod.ready = state.contains('r');
        pod.terminating = state.contains('t');
    }
    check_inside(&shop, expected);
}

#[test]
fn who_is_ready_and_stays_takes_new_connections() {
    let none = json!({});
    check_states(&none, ["r", "-", "r"], "web-1:8080 web-3:9090");
    check_states(
        &none,
        ["r", "rt", "r"],
        "web-1:8080 web-3:9090, draining web-2:8080",
    );
    check_states(&none, ["r", "-t", "r"], "web-1:8080 web-3:9090");
    check_states(&none, ["rt", "rt", "-t"], "web-1:8080 web-2:8080");
    check_states(&none, ["rt", "-", "-"], "web-1:8080");
    check_states(&none, ["-t", "-", "-"], "no backend of shop/web");
    let published = json!({"publishNotReadyAddresses": true});
    check_states(&published, ["-", "r", "-"], EVERYONE);
    check_states(&published, ["-", "-t", "r"], EVERYONE);
}

#[test]
fn a_local_policy_counts_ready_ones_of_the_node_alone() {
    let internal = json!({"internalTrafficPolicy": "Local"});
    check_states(&internal, ["r", "r", "r"], "web-1:8080 web-2:8080");
    check_states(&internal, ["rt", "-", "r"], "web-1:8080");
    check_states(&internal, ["-", "-", "r"], "no backend of shop/web");
    check_states(&internal, ["r", "r", "rt"], "web-1:8080 web-2:8080");
}

#[test]
fn traffic_policies_are_each_about_their_own_addresses() {
    let outer = ["192.0.2.10:80", "172.18.0.2:30080"];
    let internal = shop(&json!({"internalTrafficPolicy": "Local"}));
    check(&internal, "node/n2", "n2", VIRTUAL, "web-3:9090");
    check(
        &internal,
        "node/n3",
        "n3",
        VIRTUAL,
        "no backend of shop/web",
    );
    for to in outer {
        check(&internal, "shop/db", "n1", to, EVERYONE);
        check(&internal, "external/client", "n1", to, EVERYONE);
    }
    let external = shop(&json!({"externalTrafficPolicy": "Local"}));
    for to in outer {
        check(&external, "shop/db", "n1", to, EVERYONE);
        check(
            &external,
            "external/client",
            "n1",
            to,
            "web-1:8080 web-2:8080",
        );
    }
    check_inside(&external, EVERYONE);
    check(
        &external,
        "external/client",
        "n3",
        "192.0.2.10:80",
        "none of shop/web here",
    );
    check(
        &external,
        "external/client",
        "n3",
        "172.18.0.4:30080",
        "none of shop/web here",
    );
    check(&external, "node/n3", "n3", "192.0.2.10:80", EVERYONE);
}

#[test]
fn near_ones_are_preferred_where_the_service_says_so() {
    let close = json!({"trafficDistribution": "PreferClose"});
    check_states(&close, ["r", "r", "r"], "web-1:8080 web-2:8080");
    check_states(&close, ["-", "rt", "r"], "web-3:9090, draining web-2:8080");
    check_states(&close, ["-t", "rt", "rt"], "web-2:8080 web-3:9090");
    let close = shop(&close);
    check(&close, "node/n2", "n2", VIRTUAL, "web-3:9090");
    check(&close, "node/n3", "n3", VIRTUAL, EVERYONE);
    check(
        &close,
        "external/client",
        "n2",
        "192.0.2.10:80",
        "web-3:9090",
    );
    let mut same_node = shop(&json!({"trafficDistribution": "PreferSameNode"}));
    pod(&mut same_node, 2).node = "n3".to_owned();
    check_inside(&same_node, "web-1:8080");
    check(&same_node, "node/n3", "n3", VIRTUAL, "web-2:8080");
    pod(&mut same_node, 3).ready = false;
    check(
        &same_node,
        "node/n2",
        "n2",
        VIRTUAL,
        "web-1:8080 web-2:8080",
    );
}

#[test]
fn a_client_stays_for_as_long_as_the_service_says() {
    for (fields, expected) in [
        (json!({"sessionAffinity": "None"}), EVERYONE.to_owned()),
        (
            json!({"sessionAffinity": "ClientIP"}),
            format!("{EVERYONE}, for 10800 s"),
        ),
        (
            json!({"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}}}),
            format!("{EVERYONE}, for 60 s"),
        ),
    ] {
        check_inside(&shop(&fields), &expected);
    }
}
