//! Whom a rule selects: selectors, both selectors, `ipBlock` in both modes, and no peers at all.

use crate::world::{cluster, db_ingress, judged, over_ipv6, probe};
use manifest::IpBlockMode;
use oracle::judge;
use serde_json::{Value, json};

const ENDS: [&str; 7] = [
    "shop/web",
    "other/web",
    "other/api",
    "node/n1",
    "node/n2",
    "other/host",
    "external/client",
];

/// Who reaches shop/db, over IPv4 and over IPv6, when its only ingress rule is this. Its own node always does.
fn reaching(rule: &Value, mode: IpBlockMode, ipv6: bool) -> Vec<&'static str> {
    let cluster = cluster(&[("shop/p", db_ingress(rule))]);
    let is_allowed = |from: &&str| {
        let probe = probe(&cluster, from, "shop/db", "TCP 5432");
        let probe = if ipv6 {
            over_ipv6(&cluster, probe)
        } else {
            probe
        };
        judge(&cluster, mode, &probe).unwrap().is_allowed()
    };
    ENDS.into_iter().filter(is_allowed).collect()
}

#[track_caller]
fn check_rule(rule: &Value, expected: &[&str]) {
    for mode in [IpBlockMode::Any, IpBlockMode::External] {
        for ipv6 in [false, true] {
            assert_eq!(
                reaching(rule, mode, ipv6),
                expected,
                "{rule} {mode:?} IPv6: {ipv6}"
            );
        }
    }
}

/// The peers are the `from` of the only rule.
#[track_caller]
fn check(peers: &Value, expected: &[&str]) {
    check_rule(&json!({"from": peers}), expected);
}

#[test]
fn no_peers_is_everybody() {
    for rule in [json!({}), json!({"from": null}), json!({"from": []})] {
        check_rule(&rule, &ENDS);
    }
}

#[test]
fn a_pod_selector_alone_selects_in_the_own_namespace() {
    check(&json!([{"podSelector": {}}]), &["shop/web", "node/n1"]);
    let web = json!([{"podSelector": {"matchLabels": {"app": "web"}}}]);
    check(&web, &["shop/web", "node/n1"]);
    let api = json!([{"podSelector": {"matchLabels": {"app": "api"}}}]);
    check(&api, &["node/n1"]);
}

#[test]
fn a_namespace_selector_alone_selects_every_pod_in_it() {
    let pods = ["shop/web", "other/web", "other/api", "node/n1"];
    check(&json!([{"namespaceSelector": {}}]), &pods);
    let team = json!([{"namespaceSelector": {"matchLabels": {"team": "b"}}}]);
    check(&team, &["other/web", "other/api", "node/n1"]);
    let name = json!({"matchLabels": {"kubernetes.io/metadata.name": "other"}});
    check(
        &json!([{"namespaceSelector": name}]),
        &["other/web", "other/api", "node/n1"],
    );
}

#[test]
fn both_selectors_are_and_two_peers_are_or() {
    let team = json!({"matchLabels": {"team": "b"}});
    let api = json!({"matchLabels": {"app": "api"}});
    let db = json!({"matchLabels": {"app": "db"}});
    check(
        &json!([{"namespaceSelector": team, "podSelector": api}]),
        &["other/api", "node/n1"],
    );
    check(
        &json!([{"namespaceSelector": team, "podSelector": db}]),
        &["node/n1"],
    );
    check(
        &json!([{"namespaceSelector": team, "podSelector": {}}]),
        &["other/web", "other/api", "node/n1"],
    );
    check(
        &json!([{"namespaceSelector": {}, "podSelector": api}]),
        &["other/api", "node/n1"],
    );
    check(
        &json!([{"namespaceSelector": team}, {"podSelector": {}}]),
        &["shop/web", "other/web", "other/api", "node/n1"],
    );
}

#[test]
fn absent_and_null_selectors_are_not_empty_ones() {
    check(
        &json!([{"podSelector": {}, "namespaceSelector": null}]),
        &["shop/web", "node/n1"],
    );
    check(
        &json!([{"podSelector": null, "namespaceSelector": null}]),
        &["node/n1"],
    );
}

#[test]
fn expressions() {
    let selected = |requirements: Value| {
        let rule = json!({"from": [{
            "namespaceSelector": {},
            "podSelector": {"matchExpressions": requirements},
        }]});
        let mut ends = reaching(&rule, IpBlockMode::Any, false);
        ends.retain(|end| *end != "node/n1");
        ends
    };
    let one = |key, operator, values: &[&str]| {
        selected(json!([{"key": key, "operator": operator, "values": values}]))
    };
    let (shop_web, other_web, api) = ("shop/web", "other/web", "other/api");
    assert_eq!(one("app", "In", &["web", "db"]), [shop_web, other_web]);
    assert_eq!(one("app", "In", &["api"]), [api]);
    assert_eq!(one("app", "NotIn", &["api", "db"]), [shop_web, other_web]);
    assert_eq!(one("env", "In", &["prod"]), [other_web]);
    assert_eq!(
        one("env", "NotIn", &["prod"]),
        [shop_web, api],
        "holds where the key is missing"
    );
    assert_eq!(one("env", "Exists", &[]), [other_web]);
    assert_eq!(one("env", "DoesNotExist", &[]), [shop_web, api]);
    assert_eq!(
        one("stage", "In", &[""]),
        [shop_web],
        "an empty value is a value"
    );
    assert_eq!(one("stage", "Exists", &[]), [shop_web]);
    assert_eq!(one("stage", "NotIn", &[""]), [other_web, api]);
    let both = selected(json!([
        {"key": "app", "operator": "In", "values": ["web"]},
        {"key": "env", "operator": "DoesNotExist"},
    ]));
    assert_eq!(both, [shop_web]);
}

#[test]
fn labels_and_expressions_must_both_hold() {
    let selector = |value| {
        json!([{"namespaceSelector": {}, "podSelector": {
            "matchLabels": {"app": value},
            "matchExpressions": [{"key": "env", "operator": "Exists"}],
        }}])
    };
    check(&selector("web"), &["other/web", "node/n1"]);
    check(&selector("api"), &["node/n1"]);
    check(
        &json!([{"namespaceSelector": {}, "podSelector": {"matchLabels": {"stage": ""}}}]),
        &["shop/web", "node/n1"],
    );
}

#[test]
fn blocks_select_by_address_in_any_mode() {
    let check = |blocks: Value, expected: &[&str]| {
        let rule = json!({"from": blocks});
        assert_eq!(reaching(&rule, IpBlockMode::Any, false), expected, "{rule}");
    };
    check(json!([{"ipBlock": {"cidr": "0.0.0.0/0"}}]), &ENDS);
    check(
        json!([{"ipBlock": {"cidr": "10.244.1.0/24"}}]),
        &["shop/web", "other/web", "other/api", "node/n1"],
    );
    check(
        json!([{"ipBlock": {"cidr": "10.244.1.3/32"}}]),
        &["other/web", "node/n1"],
    );
    check(
        json!([{"ipBlock": {"cidr": "172.18.0.3/32"}}]),
        &["node/n1", "node/n2", "other/host"],
    );
    check(
        json!([{"ipBlock": {"cidr": "203.0.113.4/31"}}]),
        &["node/n1", "external/client"],
    );
    check(
        json!([{"ipBlock": {"cidr": "203.0.113.6/31"}}]),
        &["node/n1"],
    );
    check(
        json!([{"ipBlock": {"cidr": "203.99.99.99/8"}}]),
        &["node/n1", "external/client"],
    );
    check(json!([{"ipBlock": {"cidr": "::/0"}}]), &["node/n1"]);
}

#[test]
fn blocks_select_outside_addresses_only_in_external_mode() {
    let outside = ["node/n1", "external/client"];
    for (cidr, ipv6) in [
        ("0.0.0.0/0", false),
        ("::/0", true),
        ("2001:db8::/127", true),
    ] {
        let rule = json!({"from": [{"ipBlock": {"cidr": cidr}}]});
        let expected = if cidr.ends_with("127") {
            &outside[..1]
        } else {
            &outside
        };
        assert_eq!(
            reaching(&rule, IpBlockMode::External, ipv6),
            expected,
            "{cidr}"
        );
    }
    let pods = json!({"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]});
    assert_eq!(reaching(&pods, IpBlockMode::External, false), ["node/n1"]);
}

#[test]
fn a_block_is_of_one_family() {
    let rule = json!({"from": [{"ipBlock": {"cidr": "2001:db8::4/126"}}]});
    assert_eq!(reaching(&rule, IpBlockMode::Any, false), ["node/n1"]);
    assert_eq!(
        reaching(&rule, IpBlockMode::Any, true),
        ["node/n1", "external/client"]
    );
    let rule =
        json!({"from": [{"ipBlock": {"cidr": "fd00:10::/64", "except": ["fd00:10::1/128"]}}]});
    assert_eq!(
        reaching(&rule, IpBlockMode::Any, true),
        ["other/web", "other/api", "node/n1"]
    );
}

#[test]
fn excepts_leave_out_but_do_not_deny() {
    let check = |blocks: Value, expected: &[&str]| {
        let rule = json!({"from": blocks});
        assert_eq!(reaching(&rule, IpBlockMode::Any, false), expected, "{rule}");
    };
    let block =
        json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.244.1.1/32", "10.244.1.4/32"]}});
    check(json!([block]), &["other/web", "node/n1"]);
    check(
        json!([block, {"podSelector": {"matchLabels": {"app": "web"}}}]),
        &["shop/web", "other/web", "node/n1"],
    );
    check(
        json!([block, {"ipBlock": {"cidr": "10.244.1.4/32"}}]),
        &["other/web", "other/api", "node/n1"],
    );
}

#[test]
fn egress_peers_are_the_destination() {
    let to = |peer: Value| {
        let spec =
            json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [peer]}]});
        let cluster = cluster(&[("shop/p", spec)]);
        let is_allowed = |to: &&str| judged(&cluster, "shop/web", to, "TCP 80").is_allowed();
        let ends = [
            "shop/db",
            "other/web",
            "node/n1",
            "shop/agent",
            "external/client",
        ];
        ends.into_iter().filter(is_allowed).collect::<Vec<_>>()
    };
    assert_eq!(to(json!({"podSelector": {}})), ["shop/db"]);
    assert_eq!(
        to(json!({"namespaceSelector": {}})),
        ["shop/db", "other/web"]
    );
    assert_eq!(
        to(json!({"ipBlock": {"cidr": "172.18.0.0/16"}})),
        ["node/n1", "shop/agent"]
    );
    assert_eq!(
        to(json!({"ipBlock": {"cidr": "203.0.113.0/24"}})),
        ["external/client"]
    );
}
