//! Who is isolated in which direction, how policies add up, and which traffic is exempt.

use crate::world::{cluster, db_ingress, judged, labels, over_ipv6, pod_name, probe, text};
use manifest::{Cluster, IpBlockMode};
use oracle::judge;
use serde_json::{Value, json};

/// Rows of from, to, what is asked, egress side, ingress side.
#[track_caller]
fn check(cluster: &Cluster, rows: &[[&str; 5]]) {
    for row @ [from, to, asked, egress, ingress] in rows {
        let judgement = judged(cluster, from, to, asked);
        let sides = [text(&judgement.egress), text(&judgement.ingress)];
        assert_eq!(sides, [*egress, *ingress], "{row:?}");
    }
}

fn deny_all() -> Value {
    json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
}

#[test]
fn without_policies_nobody_is_isolated() {
    check(
        &cluster(&[]),
        &[
            ["shop/web", "shop/db", "TCP 1", "none", "none"],
            ["external/client", "shop/db", "UDP 1", "none", "none"],
            ["shop/web", "external/client", "ICMP", "none", "none"],
        ],
    );
}

#[test]
fn isolation_covers_every_protocol_and_the_own_namespace_only() {
    check(
        &cluster(&[("shop/p", deny_all())]),
        &[
            ["other/web", "shop/db", "TCP 5432", "none", "deny shop/p"],
            ["other/web", "shop/db", "UDP 5432", "none", "deny shop/p"],
            ["other/web", "shop/db", "SCTP 5432", "none", "deny shop/p"],
            ["other/web", "shop/db", "ICMP", "none", "deny shop/p"],
            [
                "shop/web",
                "shop/db",
                "TCP 5432",
                "deny shop/p",
                "deny shop/p",
            ],
            ["shop/web", "other/web", "TCP 80", "deny shop/p", "none"],
            ["other/api", "other/web", "TCP 80", "none", "none"],
        ],
    );
}

#[test]
fn a_udp_policy_isolates_from_tcp_too() {
    let rule = json!({"ports": [{"protocol": "UDP", "port": 53}]});
    check(
        &cluster(&[("shop/p", db_ingress(&rule))]),
        &[
            ["shop/web", "shop/db", "UDP 53", "none", "allow shop/p"],
            ["shop/web", "shop/db", "TCP 53", "none", "deny shop/p"],
            ["shop/db", "shop/web", "TCP 80", "none", "none"],
        ],
    );
}

/// Whether shop/web is isolated in egress and shop/db in ingress.
#[track_caller]
fn check_types(fields: &Value, egress: bool, ingress: bool) {
    let mut spec = json!({"podSelector": {}});
    spec.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    let cluster = cluster(&[("shop/p", spec)]);
    let leaving = judged(&cluster, "shop/web", "other/web", "TCP 80");
    let coming = judged(&cluster, "other/web", "shop/db", "TCP 80");
    let isolated = [
        text(&leaving.egress) != "none",
        text(&coming.ingress) != "none",
    ];
    assert_eq!(isolated, [egress, ingress], "{fields}");
}

#[test]
fn policy_types_and_their_default() {
    check_types(&json!({}), false, true);
    check_types(&json!({"policyTypes": []}), false, true);
    check_types(&json!({"policyTypes": null, "ingress": [{}]}), false, true);
    check_types(&json!({"egress": []}), false, true);
    check_types(&json!({"egress": [{}]}), true, true);
    check_types(&json!({"policyTypes": ["Ingress"]}), false, true);
    check_types(&json!({"policyTypes": ["Egress"]}), true, false);
    check_types(&json!({"policyTypes": ["Egress", "Ingress"]}), true, true);
}

#[test]
fn rules_of_a_direction_that_is_not_in_policy_types_do_nothing() {
    check_types(
        &json!({"policyTypes": ["Ingress"], "egress": [{}]}),
        false,
        true,
    );
    check_types(
        &json!({"policyTypes": ["Egress"], "ingress": [{}]}),
        true,
        false,
    );
    let only_ingress_rules = json!({"podSelector": {}, "policyTypes": ["Egress"], "ingress": [{}]});
    check(
        &cluster(&[("shop/p", only_ingress_rules), ("shop/q", deny_all())]),
        &[["other/web", "shop/db", "TCP 80", "none", "deny shop/q"]],
    );
}

#[test]
fn the_pod_selector_chooses_who_is_isolated() {
    let isolated = |spec: Value| {
        let cluster = cluster(&[("shop/p", spec)]);
        let is_isolated =
            |to: &&str| text(&judged(&cluster, "other/api", to, "TCP 80").ingress) != "none";
        ["shop/web", "shop/db", "other/web"]
            .into_iter()
            .filter(is_isolated)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        isolated(json!({"podSelector": {}})),
        ["shop/web", "shop/db"]
    );
    assert_eq!(
        isolated(json!({"podSelector": null})),
        ["shop/web", "shop/db"]
    );
    assert_eq!(isolated(json!({})), ["shop/web", "shop/db"]);
    assert_eq!(
        isolated(json!({"podSelector": {"matchLabels": {"app": "db"}}})),
        ["shop/db"]
    );
    assert_eq!(
        isolated(json!({"podSelector": {"matchLabels": {"app": "api"}}})),
        [""; 0]
    );
    let expression = json!({"key": "stage", "operator": "DoesNotExist"});
    assert_eq!(
        isolated(json!({"podSelector": {"matchExpressions": [expression]}})),
        ["shop/db"]
    );
}

#[test]
fn policies_add_up_and_all_that_allow_are_named() {
    let tcp = db_ingress(&json!({"ports": [{"protocol": "TCP"}]}));
    let web = db_ingress(&json!({"from": [{"podSelector": {"matchLabels": {"app": "web"}}}]}));
    let policies = [
        ("shop/z-tcp", tcp),
        ("shop/a-web", web),
        ("shop/deny", deny_all()),
    ];
    check(
        &cluster(&policies),
        &[
            [
                "other/web",
                "shop/db",
                "TCP 5432",
                "none",
                "allow shop/z-tcp",
            ],
            [
                "other/web",
                "shop/db",
                "UDP 53",
                "none",
                "deny shop/a-web shop/deny shop/z-tcp",
            ],
            [
                "shop/web",
                "shop/db",
                "TCP 5432",
                "deny shop/deny",
                "allow shop/a-web shop/z-tcp",
            ],
            [
                "shop/web",
                "shop/db",
                "UDP 53",
                "deny shop/deny",
                "allow shop/a-web",
            ],
        ],
    );
}

#[test]
fn both_ends_must_allow() {
    let egress = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]});
    let cluster = cluster(&[("shop/e", egress), ("other/i", json!({"podSelector": {}}))]);
    check(
        &cluster,
        &[[
            "shop/web",
            "other/web",
            "TCP 80",
            "allow shop/e",
            "deny other/i",
        ]],
    );
    assert!(!judged(&cluster, "shop/web", "other/web", "TCP 80").is_allowed());
    assert!(judged(&cluster, "shop/web", "shop/db", "TCP 80").is_allowed());
}

#[test]
fn no_rule_denies_and_an_empty_rule_allows_everything() {
    for rules in [json!(null), json!([])] {
        let spec = json!({"podSelector": {}, "ingress": rules});
        check(
            &cluster(&[("shop/p", spec)]),
            &[["node/n2", "shop/db", "ICMP", "none", "deny shop/p"]],
        );
    }
    let all = json!({"podSelector": {}, "ingress": [{}], "egress": [{}]});
    check(
        &cluster(&[("shop/p", all)]),
        &[
            [
                "external/client",
                "shop/db",
                "TCP 5432",
                "none",
                "allow shop/p",
            ],
            ["node/n2", "shop/db", "UDP 53", "none", "allow shop/p"],
            ["other/host", "shop/db", "SCTP 53", "none", "allow shop/p"],
            [
                "shop/web",
                "shop/db",
                "ICMP",
                "allow shop/p",
                "allow shop/p",
            ],
            ["shop/web", "node/n2", "TCP 22", "allow shop/p", "none"],
            [
                "shop/web",
                "external/client",
                "ICMP",
                "allow shop/p",
                "none",
            ],
        ],
    );
}

#[test]
fn the_own_node_is_exempt_on_ingress_only() {
    check(
        &cluster(&[("shop/p", deny_all())]),
        &[
            ["node/n1", "shop/db", "TCP 5432", "none", "none"],
            ["shop/agent", "shop/db", "ICMP", "none", "none"],
            ["node/n2", "shop/db", "TCP 5432", "none", "deny shop/p"],
            ["other/host", "shop/db", "TCP 5432", "none", "deny shop/p"],
            ["shop/db", "node/n1", "TCP 10250", "deny shop/p", "none"],
            ["shop/db", "shop/agent", "TCP 80", "deny shop/p", "none"],
        ],
    );
}

#[test]
fn policies_do_not_apply_to_host_network_pods_nodes_and_outside_hosts() {
    check(
        &cluster(&[("shop/p", deny_all())]),
        &[
            ["shop/agent", "other/web", "TCP 80", "none", "none"],
            ["other/web", "shop/agent", "TCP 80", "none", "none"],
            ["node/n1", "external/client", "TCP 80", "none", "none"],
            ["external/client", "node/n1", "TCP 80", "none", "none"],
        ],
    );
}

#[test]
fn a_pod_always_reaches_itself() {
    let mut cluster = cluster(&[("shop/p", deny_all())]);
    check(
        &cluster,
        &[["shop/db", "shop/db", "TCP 5432", "none", "none"]],
    );
    let own = over_ipv6(&cluster, probe(&cluster, "shop/db", "shop/db", "ICMP"));
    let judgement = judge(&cluster, IpBlockMode::Any, &own).unwrap();
    assert_eq!(text(&judgement.egress), "none");
    let shared = cluster.pods[&pod_name("shop/db")].addresses;
    cluster
        .pods
        .get_mut(&pod_name("shop/web"))
        .unwrap()
        .addresses = shared;
    check(
        &cluster,
        &[["shop/web", "shop/db", "TCP 5432", "none", "none"]],
    );
}

#[test]
fn labels_count_as_they_are_now() {
    let from_team_b = json!({"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]});
    let mut cluster = cluster(&[("shop/p", db_ingress(&from_team_b))]);
    check(
        &cluster,
        &[["other/web", "shop/db", "TCP 1", "none", "allow shop/p"]],
    );
    cluster.namespaces.get_mut("other").unwrap().labels = labels(&[("team", "c")]);
    check(
        &cluster,
        &[["other/web", "shop/db", "TCP 1", "none", "deny shop/p"]],
    );
    cluster.pods.get_mut(&pod_name("shop/db")).unwrap().labels = labels(&[]);
    check(
        &cluster,
        &[["other/web", "shop/db", "TCP 1", "none", "none"]],
    );
}

#[test]
fn each_family_is_judged_by_its_own_addresses() {
    let rule = json!({"from": [{"ipBlock": {"cidr": "2001:db8::/32"}}]});
    let cluster = cluster(&[("shop/p", db_ingress(&rule))]);
    let v4 = probe(&cluster, "external/client", "shop/db", "TCP 5432");
    let v6 = over_ipv6(&cluster, v4.clone());
    assert!(!judge(&cluster, IpBlockMode::Any, &v4).unwrap().is_allowed());
    assert!(judge(&cluster, IpBlockMode::Any, &v6).unwrap().is_allowed());
}
