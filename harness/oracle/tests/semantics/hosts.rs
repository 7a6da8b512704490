//! Host policies, as the documentation of Cilium reads.

use crate::world::{cluster, judged, labels, over_ipv6, probe, text};
use manifest::{Cluster, FailsafePort, HostPolicy, IpBlockMode, Origin, Protocol};
use oracle::{Side, explain, judge};
use serde_json::{Value, json};

/// The cluster in which n1 has `role=edge`, with these host policies: name and `specs`.
fn guarded(policies: &[(&str, Value)]) -> Cluster {
    let mut cluster = cluster(&[]);
    let edge = cluster.nodes.get_mut("n1").unwrap();
    edge.labels.extend(labels(&[("role", "edge")]));
    for (name, specs) in policies {
        let policy = HostPolicy {
            spec: None,
            specs: serde_json::from_value(specs.clone()).unwrap(),
            audit: name.starts_with("audit").then_some(true),
            is_logged: false,
            origin: Origin::synthetic("test"),
        };
        cluster.host_policies.insert((*name).to_owned(), policy);
    }
    cluster
}

/// The cluster in which n1 has these ingress rules.
fn with_ingress(rules: &Value) -> Cluster {
    let selector = json!({"matchLabels": {"role": "edge"}});
    guarded(&[("p", json!([{"nodeSelector": selector, "ingress": rules}]))])
}

/// What n1 says to TCP 80, or what is asked.
#[track_caller]
fn check(rules: &Value, from: &str, asked: &str, expected: &str) {
    let cluster = with_ingress(rules);
    let said = judged(&cluster, from, "node/n1", asked);
    let said = text(&said.ingress).replace(" CiliumClusterwideNetworkPolicy/p", "");
    assert_eq!(said, expected, "{rules} {from} {asked}");
}

const ENDS: [&str; 5] = [
    "shop/web",
    "other/web",
    "node/n2",
    "other/host",
    "external/client",
];

/// Who of [`ENDS`] may come in by this rule.
#[track_caller]
fn check_peers(rule: &Value, expected: &[&str]) {
    for from in ENDS {
        let said = if expected.contains(&from) {
            "allow"
        } else {
            "deny"
        };
        check(&json!([rule]), from, "TCP 80", said);
    }
}

#[test]
fn a_direction_with_rules_is_closed_but_for_what_they_allow() {
    check(&json!([{}]), "external/client", "TCP 80", "deny");
    check(&json!([{}]), "external/client", "ICMP", "deny");
    check(&json!([]), "external/client", "TCP 80", "none");
    let cluster = with_ingress(&json!([{}]));
    assert_eq!(
        text(&judged(&cluster, "node/n1", "external/client", "TCP 80").egress),
        "none"
    );
    assert_eq!(
        text(&judged(&cluster, "external/client", "node/n2", "TCP 80").ingress),
        "none"
    );
    assert_eq!(
        text(&judged(&cluster, "external/client", "shop/db", "TCP 80").ingress),
        "none"
    );
}

#[test]
fn pods_on_the_network_of_a_node_are_the_node() {
    let cluster = with_ingress(&json!([{}]));
    let said = judged(&cluster, "external/client", "shop/agent", "TCP 80");
    assert_eq!(text(&said.ingress), "deny CiliumClusterwideNetworkPolicy/p");
}

#[test]
fn entities_are_groups_of_peers() {
    check_peers(&json!({"fromEntities": ["all"]}), &ENDS);
    check_peers(&json!({"fromEntities": ["world"]}), &["external/client"]);
    check_peers(&json!({"fromEntities": ["cluster"]}), &ENDS[..4]);
    check_peers(
        &json!({"fromEntities": ["remote-node"]}),
        &["node/n2", "other/host"],
    );
    check_peers(&json!({"fromEntities": ["host"]}), &[]);
    check_peers(&json!({"fromEntities": []}), &[]);
}

#[test]
fn endpoints_are_pods_by_labels_of_their_own_and_of_their_namespaces() {
    let endpoints = |labels: Value| json!({"fromEndpoints": [{"matchLabels": labels}]});
    check_peers(&endpoints(json!({})), &["shop/web", "other/web"]);
    check_peers(
        &endpoints(json!({"k8s:app": "web"})),
        &["shop/web", "other/web"],
    );
    check_peers(&endpoints(json!({"any:env": "prod"})), &["other/web"]);
    check_peers(
        &endpoints(json!({"io.kubernetes.pod.namespace": "shop"})),
        &["shop/web"],
    );
    let team = json!({"k8s:io.cilium.k8s.namespace.labels.team": "b", "app": "web"});
    check_peers(&endpoints(team), &["other/web"]);
    let others =
        json!({"key": "k8s:io.kubernetes.pod.namespace", "operator": "NotIn", "values": ["shop"]});
    check_peers(
        &json!({"fromEndpoints": [{"matchExpressions": [others]}]}),
        &["other/web"],
    );
}

#[test]
fn nodes_are_selected_by_their_labels() {
    check_peers(&json!({"fromNodes": [{}]}), &["node/n2", "other/host"]);
    check_peers(&json!({"fromNodes": [{"matchLabels": {"app": "db"}}]}), &[]);
}

#[test]
fn blocks_are_outside_addresses_whatever_the_mode() {
    check_peers(&json!({"fromCIDR": ["0.0.0.0/0"]}), &["external/client"]);
    check_peers(&json!({"fromCIDR": ["::/0"]}), &[]);
    let except =
        |except: &str| json!({"fromCIDRSet": [{"cidr": "203.0.0.0/8", "except": [except]}]});
    check_peers(&except("203.0.113.0/24"), &[]);
    check_peers(&except("203.0.114.0/24"), &["external/client"]);
    let cluster = with_ingress(&json!([{"fromCIDR": ["::/0"]}]));
    let asked = probe(&cluster, "external/client", "node/n1", "TCP 80");
    let said = judge(&cluster, IpBlockMode::Any, &over_ipv6(&cluster, asked)).unwrap();
    assert!(matches!(said.ingress, Side::Allowed(_)));
}

#[test]
fn ports_are_of_one_protocol_or_of_any() {
    let ports = |port: Value| json!([{"toPorts": [{"ports": [port]}]}]);
    let client = "external/client";
    for (asked, expected) in [
        ("TCP 80", "allow"),
        ("UDP 80", "allow"),
        ("SCTP 80", "allow"),
        ("TCP 81", "deny"),
        ("ICMP", "deny"),
    ] {
        check(&ports(json!({"port": "80"})), client, asked, expected);
        check(
            &ports(json!({"port": "80", "protocol": "ANY"})),
            client,
            asked,
            expected,
        );
    }
    let range = ports(json!({"port": "80", "endPort": 90, "protocol": "UDP"}));
    check(&range, client, "UDP 90", "allow");
    check(&range, client, "UDP 91", "deny");
    check(&range, client, "TCP 85", "deny");
    let every = ports(json!({"port": "0", "protocol": "TCP"}));
    check(&every, client, "TCP 9", "allow");
    check(&every, client, "UDP 9", "deny");
    let from_nobody = json!([{"fromEndpoints": [], "toPorts": [{"ports": [{"port": "80"}]}]}]);
    check(&from_nobody, client, "TCP 80", "deny");
}

#[test]
fn what_keeps_a_node_alive_is_open() {
    for asked in [
        "TCP 22",
        "UDP 68",
        "TCP 179",
        "TCP 2379",
        "TCP 2380",
        "TCP 6443",
        "TCP 10250",
    ] {
        check(&json!([{}]), "external/client", asked, "none");
    }
    for asked in ["UDP 22", "UDP 53", "UDP 67", "TCP 2381"] {
        check(&json!([{}]), "external/client", asked, "deny");
    }
    let mut cluster = guarded(&[("p", json!([{"nodeSelector": {}, "egress": [{}]}]))]);
    let out = |cluster: &Cluster, asked| {
        text(&judged(cluster, "node/n1", "external/client", asked).egress)
    };
    for asked in [
        "UDP 53", "UDP 67", "TCP 179", "TCP 2379", "TCP 2380", "TCP 6443",
    ] {
        assert_eq!(out(&cluster, asked), "none", "{asked}");
    }
    assert_eq!(
        out(&cluster, "TCP 22"),
        "deny CiliumClusterwideNetworkPolicy/p"
    );
    cluster.failsafe_ports.outbound = vec![FailsafePort::single(Protocol::Tcp, 22)];
    assert_eq!(out(&cluster, "TCP 22"), "none");
    assert_eq!(
        out(&cluster, "UDP 53"),
        "deny CiliumClusterwideNetworkPolicy/p"
    );
}

#[test]
fn a_node_always_reaches_its_own_pods_and_itself() {
    let cluster = guarded(&[(
        "p",
        json!([{"nodeSelector": {}, "egress": [{}], "ingress": [{}]}]),
    )]);
    for (from, to) in [
        ("node/n1", "shop/web"),
        ("shop/agent", "shop/db"),
        ("node/n1", "shop/agent"),
    ] {
        let said = judged(&cluster, from, to, "TCP 80");
        assert_eq!(
            [text(&said.egress), text(&said.ingress)],
            ["none", "none"],
            "{from} → {to}"
        );
    }
    assert!(matches!(
        judged(&cluster, "node/n2", "shop/web", "TCP 80").egress,
        Side::Denied(_)
    ));
    assert!(matches!(
        judged(&cluster, "shop/web", "node/n1", "TCP 80").ingress,
        Side::Denied(_)
    ));
}

#[test]
fn default_deny_is_as_it_is_written() {
    let rules = |deny: Value| json!([{"nodeSelector": {}, "enableDefaultDeny": deny, "ingress": [{"fromEntities": ["world"]}], "egress": []}]);
    let cluster = guarded(&[("p", rules(json!({"ingress": false, "egress": true})))]);
    assert_eq!(
        text(&judged(&cluster, "shop/web", "node/n1", "TCP 80").ingress),
        "none"
    );
    assert!(matches!(
        judged(&cluster, "external/client", "node/n1", "TCP 80").ingress,
        Side::Allowed(_)
    ));
    assert!(matches!(
        judged(&cluster, "node/n1", "external/client", "TCP 80").egress,
        Side::Denied(_)
    ));
}

#[test]
fn policies_and_their_parts_add_up_and_are_named_once() {
    let web = json!({"nodeSelector": {}, "ingress": [{"fromEndpoints": [{"matchLabels": {"app": "web"}}]}]});
    let shop = json!({"nodeSelector": {}, "ingress": [{"fromEndpoints": [{"matchLabels": {"io.kubernetes.pod.namespace": "shop"}}]}]});
    let cluster = guarded(&[
        ("a", json!([web, shop])),
        ("b", json!([shop])),
        ("audit", json!([{"nodeSelector": {}, "ingress": [{}]}])),
    ]);
    let said = |from| {
        text(&judged(&cluster, from, "node/n1", "TCP 80").ingress)
            .replace("CiliumClusterwideNetworkPolicy/", "")
    };
    assert_eq!(said("shop/web"), "allow a b");
    assert_eq!(said("other/web"), "allow a");
    assert_eq!(said("other/api"), "deny a b");
}

#[test]
fn in_audit_mode_a_denial_is_only_told() {
    let cluster = guarded(&[("audit", json!([{"nodeSelector": {}, "ingress": [{}]}]))]);
    let said = judged(&cluster, "shop/web", "node/n1", "TCP 80");
    assert_eq!(
        text(&said.ingress),
        "audit CiliumClusterwideNetworkPolicy/audit"
    );
}

#[test]
fn a_rule_that_does_not_match_says_why() {
    let cluster = guarded(&[(
        "p",
        json!([
            {"nodeSelector": {"matchLabels": {"role": "none"}}, "ingress": [{}]},
            {"nodeSelector": {}, "ingress": [{}, {"fromEntities": ["world"]}, {"fromCIDR": ["10.0.0.0/8"]}]},
        ]),
    )]);
    let asked = probe(&cluster, "shop/web", "node/n1", "TCP 80");
    let rules = explain(&cluster, IpBlockMode::Any, &asked).unwrap().rules;
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| (rule.path.as_str(), rule.outcome.clone().unwrap_err()))
        .collect();
    let because = |reason: &str| reason.to_owned();
    assert_eq!(
        rules,
        [
            (
                "specs[1].ingress[0]",
                because("a rule without peers and ports is about nobody")
            ),
            (
                "specs[1].ingress[1]",
                because("fromEntities[0]: pod shop/web is not of world")
            ),
            (
                "specs[1].ingress[2]",
                because(
                    "fromCIDR[0]: 10.0.0.0/8 selects outside addresses only, 10.244.1.1 is of pod shop/web"
                )
            ),
        ]
    );
}
