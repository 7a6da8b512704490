//! Why a rule does not match, and which rule came nearest.

use crate::world::{cluster, db_ingress, probe};
use manifest::IpBlockMode;
use oracle::{Explanation, explain};
use serde_json::{Value, json};

fn explained(spec: Value, mode: IpBlockMode, from: &str, asked: &str) -> Explanation {
    let cluster = cluster(&[("shop/p", spec)]);
    explain(&cluster, mode, &probe(&cluster, from, "shop/db", asked)).unwrap()
}

/// The reason why the only rule of shop/db does not let `from` in.
#[track_caller]
fn check_in(mode: IpBlockMode, rule: &Value, from: &str, asked: &str, expected: &str) {
    let explanation = explained(db_ingress(rule), mode, from, asked);
    assert_eq!(explanation.rules.len(), 1);
    let trace = &explanation.rules[0];
    assert_eq!(trace.path, "spec.ingress[0]");
    assert_eq!(
        trace.outcome,
        Err(expected.to_owned()),
        "{rule} {from} {asked}"
    );
}

#[track_caller]
fn check(rule: &Value, from: &str, asked: &str, expected: &str) {
    check_in(IpBlockMode::Any, rule, from, asked, expected);
}

#[test]
fn a_label_that_misses_is_named() {
    let pods = |selector: Value| json!({"from": [{"podSelector": selector}]});
    let expression = |operator, values: &[&str]| {
        pods(json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}))
    };
    let check = |rule: Value, expected| check(&rule, "shop/web", "TCP 80", expected);
    check(
        pods(json!({"matchLabels": {"app": "db"}})),
        "from[0]: pod shop/web has label app=web, wanted app=db",
    );
    check(
        pods(json!({"matchLabels": {"team": "a"}})),
        "from[0]: pod shop/web has no label team, wanted team=a",
    );
    check(
        expression("In", &["db", "api"]),
        "from[0]: pod shop/web has label app=web, wanted app In (db, api)",
    );
    check(
        expression("NotIn", &["web"]),
        "from[0]: pod shop/web has label app=web, wanted app NotIn (web)",
    );
    check(
        expression("DoesNotExist", &[]),
        "from[0]: pod shop/web has label app=web, wanted app DoesNotExist",
    );
}

#[test]
fn a_namespace_that_misses_is_named() {
    let own = json!({"from": [{"podSelector": {}}]});
    check(
        &own,
        "other/web",
        "TCP 80",
        "from[0]: namespace other is not shop, the policy's own",
    );
    let team = json!({"matchLabels": {"team": "a"}});
    check(
        &json!({"from": [{"namespaceSelector": team}]}),
        "other/web",
        "TCP 80",
        "from[0]: namespace other has label team=b, wanted team=a",
    );
    check(
        &json!({"from": [{"namespaceSelector": team, "podSelector": {"matchLabels": {"x": "y"}}}]}),
        "other/web",
        "TCP 80",
        "from[0]: namespace other has label team=b, wanted team=a; pod other/web has no label x, wanted x=y",
    );
}

#[test]
fn ends_that_selectors_cannot_select_are_named() {
    let rule = json!({"from": [{"namespaceSelector": {}}]});
    let check = |from, end: &str| {
        let expected = format!("from[0]: selectors select pods only, {end} is none");
        check(&rule, from, "TCP 80", &expected);
    };
    check("node/n2", "node/n2");
    check("external/client", "external/client");
    check("other/host", "other/host (on the network of node/n2)");
}

#[test]
fn a_block_that_misses_is_named() {
    let block = |cidr: &str, except: &[&str]| json!({"from": [{"ipBlock": {"cidr": cidr, "except": except}}]});
    let client = "external/client";
    check(
        &block("10.0.0.0/8", &[]),
        client,
        "TCP 80",
        "from[0]: 203.0.113.5 is not in 10.0.0.0/8",
    );
    check(
        &block("::/0", &[]),
        client,
        "TCP 80",
        "from[0]: 203.0.113.5 is not in ::/0",
    );
    check(
        &block("203.0.113.0/24", &["203.0.113.128/25", "203.0.113.4/30"]),
        client,
        "TCP 80",
        "from[0]: 203.0.113.5 is in 203.0.113.0/24 and in 203.0.113.4/30, which is excepted",
    );
    check_in(
        IpBlockMode::External,
        &block("0.0.0.0/0", &[]),
        "shop/web",
        "TCP 80",
        "from[0]: 0.0.0.0/0 selects outside addresses only, 10.244.1.1 is of pod shop/web",
    );
}

#[test]
fn a_port_that_misses_is_named() {
    let ports = json!([
        {"port": 80},
        {"protocol": "UDP"},
        {"protocol": "SCTP", "port": 90, "endPort": 99},
        {"port": "sql"},
        {"port": "web"},
        {"protocol": "UDP", "port": "dns"},
    ]);
    let opened = "TCP 80, every UDP port, SCTP 90–99, TCP `sql` (5432 on shop/db), TCP `web` (no port of shop/db), UDP `dns` (another protocol)";
    let rule = json!({"ports": ports});
    check(
        &rule,
        "shop/web",
        "TCP 443",
        &format!("ports: TCP 443 is not among {opened}"),
    );
    check(
        &json!({"ports": [{"port": 80}]}),
        "shop/web",
        "ICMP",
        "ports: ICMP has none, and the rule is about TCP 80",
    );
}

#[test]
fn both_parts_and_the_nearest_peer_are_told() {
    let rule = json!({
        "from": [
            {"ipBlock": {"cidr": "::/0"}},
            {"namespaceSelector": {"matchLabels": {"team": "x"}}, "podSelector": {"matchLabels": {"app": "web"}}},
            {"namespaceSelector": {"matchLabels": {"team": "x"}}, "podSelector": {"matchLabels": {"app": "x"}}},
        ],
        "ports": [{"port": 80}],
    });
    check(
        &rule,
        "other/web",
        "UDP 53",
        "from[1]: namespace other has label team=b, wanted team=x (the nearest of 3 peers); \
         ports: UDP 53 is not among TCP 80",
    );
}

#[test]
fn nearer_rules_sort_later() {
    let rules = json!([
        {"from": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"protocol": "UDP"}]},
        {"from": [{"ipBlock": {"cidr": "::/0"}}], "ports": [{"port": 81}]},
        {"from": [{"ipBlock": {"cidr": "::/0"}}]},
        {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
        {"from": [{"podSelector": {}}]},
        {"ports": [{"protocol": "UDP"}]},
        {"ports": [{"port": 81}]},
        {"ports": [{"port": 80}]},
    ]);
    let spec = json!({"podSelector": {}, "ingress": rules});
    let explanation = explained(spec, IpBlockMode::Any, "other/web", "TCP 80");
    let nearness: Vec<_> = explanation.rules.iter().map(|rule| rule.nearness).collect();
    assert!(
        nearness.is_sorted_by(|left, right| left < right),
        "{nearness:?}"
    );
    assert_eq!(explanation.rules[7].outcome, Ok(()));
    assert!(explanation.judgement.is_allowed());
}

#[test]
fn egress_rules_come_first_and_exempt_traffic_has_none() {
    let spec = json!({"podSelector": {}, "ingress": [{}, {}], "egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]});
    let both = explained(spec.clone(), IpBlockMode::Any, "shop/web", "TCP 80");
    let paths: Vec<_> = both.rules.iter().map(|rule| rule.path.as_str()).collect();
    assert_eq!(
        paths,
        ["spec.egress[0]", "spec.ingress[0]", "spec.ingress[1]"]
    );
    assert_eq!(
        both.rules[0].outcome,
        Err("to[0]: 10.244.1.2 is not in ::/0".to_owned())
    );
    for exempt in ["shop/db", "node/n1", "shop/agent"] {
        let explanation = explained(spec.clone(), IpBlockMode::Any, exempt, "TCP 80");
        assert!(
            explanation.rules.is_empty() && explanation.judgement.is_allowed(),
            "{exempt}"
        );
    }
}
