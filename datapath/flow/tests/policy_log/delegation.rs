//! The switches of `NetworkLogging`, and the annotations that they delegate to.

use crate::world::{DB, NODE, OUTSIDE, WEB, flow, records, says, snapshot};
use abi::Occasion;
use flow::log::{Record, Settings, Shape};

/// A record in a line: `egress deny shop/a`.
fn line(record: &Record) -> String {
    let value = serde_json::to_value(record).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let policies = record.policies.iter().map(|policy| {
        let namespace = policy.namespace.as_deref().unwrap_or_default();
        format!(" {namespace}/{}", policy.name)
    });
    let head = format!(
        "{} {}",
        text(&value["connection"]["direction"]),
        text(&value["disposition"])
    );
    policies.fold(head, |line, policy| line + &policy)
}

/// What is logged of a connection from web to db about which both sides say this.
#[track_caller]
fn check(switches: &str, [egress, ingress]: [&str; 2], expected: &[&str]) {
    let snapshot = snapshot(switches);
    let mut flow = flow(&snapshot, WEB, DB);
    if !egress.is_empty() {
        flow.egress = says(egress);
    }
    if !ingress.is_empty() {
        flow.ingress = says(ingress);
    }
    let records = records(Settings::default(), &flow, &snapshot);
    let lines: Vec<String> = records.iter().map(line).collect();
    assert_eq!(lines, expected, "{switches}");
}

const ALLOW: &str = "allow: {log: true}";
const ALLOW_DELEGATED: &str = "allow: {log: true, delegate: true}";
const DENY: &str = "deny: {log: true}";
const DENY_DELEGATED: &str = "deny: {log: true, delegate: true}";

#[test]
fn all_policies_that_allow_are_named_on_each_side_that_has_any() {
    let both = ["allow loud/a", "allow shop/loud shop/quiet"];
    check(
        ALLOW,
        both,
        &["egress allow loud/a", "ingress allow shop/loud shop/quiet"],
    );
    check(
        ALLOW,
        ["", both[1]],
        &["ingress allow shop/loud shop/quiet"],
    );
    check(ALLOW, ["", ""], &[]);
    check(DENY, both, &[]);
    check("", both, &[]);
}

#[test]
fn where_it_is_delegated_only_annotated_policies_count_and_are_named() {
    check(
        ALLOW_DELEGATED,
        ["", "allow shop/loud shop/quiet"],
        &["ingress allow shop/loud"],
    );
    check(ALLOW_DELEGATED, ["", "allow shop/quiet"], &[]);
}

#[test]
fn denials_are_delegated_to_the_namespace_of_the_pod_that_enforces() {
    check(DENY, ["deny loud/a", ""], &["egress deny loud/a"]);
    check(DENY, ["", "deny shop/a"], &["ingress deny shop/a"]);
    check(DENY_DELEGATED, ["deny loud/a", ""], &["egress deny loud/a"]);
    check(DENY_DELEGATED, ["", "deny shop/a"], &[]);
    check(ALLOW, ["deny loud/a", ""], &[]);
}

#[test]
fn what_audit_mode_lets_through_is_switched_as_denials_are() {
    let audited = ["audit loud/a", "allow shop/quiet"];
    check(DENY, audited, &["egress audit loud/a"]);
    check(DENY_DELEGATED, audited, &["egress audit loud/a"]);
    check(DENY_DELEGATED, ["", "audit shop/a"], &[]);
    check(ALLOW, audited, &["ingress allow shop/quiet"]);
}

#[test]
fn a_connection_is_logged_when_it_is_opened_and_not_when_other_policies_allow_it_later() {
    let snapshot = snapshot("allow: {log: true}, deny: {log: true}");
    let mut flow = flow(&snapshot, WEB, DB);
    flow.occasion = Some(Occasion::Continues);
    flow.ingress = says("allow shop/quiet");
    assert!(records(Settings::default(), &flow, &snapshot).is_empty());
    flow.ingress = says("deny shop/quiet");
    assert_eq!(records(Settings::default(), &flow, &snapshot).len(), 1);
}

#[test]
fn the_exact_shape_names_nobody_who_denies_and_knows_no_audit() {
    let exact = Settings {
        shape: Shape::Exact,
        ..Settings::default()
    };
    let snapshot = snapshot("allow: {log: true}, deny: {log: true}");
    let mut flow = flow(&snapshot, WEB, DB);
    flow.ingress = says("deny shop/quiet");
    let denied = records(exact, &flow, &snapshot);
    assert_eq!(
        denied.iter().map(line).collect::<Vec<_>>(),
        ["ingress deny"]
    );
    flow.ingress = says("audit shop/quiet");
    assert!(records(exact, &flow, &snapshot).is_empty());
}

#[test]
fn ends_that_are_no_pods_have_a_shape_of_their_own() {
    let snapshot = snapshot("allow: {log: true}, deny: {log: true}");
    let who = |from: &str| {
        let mut flow = flow(&snapshot, from, DB);
        flow.ingress = says("allow shop/quiet");
        let records = records(Settings::default(), &flow, &snapshot);
        let value = serde_json::to_value(&records[0]).unwrap();
        format!("{} policies: {}", value["src"], value["policies"])
    };
    assert_eq!(
        who(NODE),
        r#"{"node_name":"node-1","workload_kind":"Node"} policies: null"#
    );
    assert_eq!(
        who(OUTSIDE),
        r#"{"instance":"203.0.113.9"} policies: [{"kind":"NetworkPolicy","name":"quiet","namespace":"shop"}]"#
    );
}
