//! Whole compiled clusters as text.

use crate::cluster::shop;
use manifest::{Cluster, IpBlockMode};
use policy::Compiler;
use std::sync::Arc;

fn compiled(cluster: &Cluster) -> String {
    Compiler::new(IpBlockMode::Any).compile(cluster).to_string()
}

#[test]
fn default_deny_and_an_exception() {
    let sketch = shop()
        .policy("shop/default-deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
        .policy("shop/web-to-db", "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}");
    insta::assert_snapshot!(compiled(&sketch.0));
}

#[test]
fn ports_of_overlapping_rules() {
    let sketch = shop().policy(
        "shop/ports",
        "{podSelector: {matchLabels: {app: web}}, ingress: [
            {ports: [{port: 80}, {protocol: SCTP}]},
            {from: [{podSelector: {}}], ports: [{port: 64, endPort: 127}, {protocol: UDP, port: 65535}]},
            {from: [{namespaceSelector: {}}]}]}",
    );
    insta::assert_snapshot!(compiled(&sketch.0));
}

#[test]
fn blocks_with_exceptions() {
    let sketch = shop().policy(
        "shop/blocks",
        "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [
            {to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.1.0/24, 10.9.0.0/16]}}]},
            {to: [{ipBlock: {cidr: 'fd00::/16', except: ['fd00:1::/32']}}], ports: [{port: 443}]}]}",
    );
    insta::assert_snapshot!(compiled(&sketch.0));
}

#[test]
fn names_of_ports() {
    let sketch = shop()
        .policy(
            "shop/in",
            "{podSelector: {}, ingress: [{ports: [{port: http}]}]}",
        )
        .policy(
            "other/out",
            "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}",
        );
    insta::assert_snapshot!(compiled(&sketch.0));
}

#[test]
fn tiers_around_a_network_policy() {
    let sketch = shop()
        .policy(
            "shop/web",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}]}]}",
        )
        .cluster_network_policy(
            "guard",
            "{tier: Admin, priority: 5, subject: {namespaces: {}}, ingress: [
                {action: Accept, from: [{namespaces: {matchLabels: {team: b}}}], protocols: [{tcp: {destinationPort: {range: {start: 8000, end: 8007}}}}]},
                {action: Pass, from: [{namespaces: {matchLabels: {team: b}}}], protocols: [{tcp: {destinationPort: {number: 80}}}]},
                {action: Deny, from: [{namespaces: {}}]}]}",
        )
        .cluster_network_policy(
            "base",
            "{tier: Baseline, priority: 0, subject: {namespaces: {}}, egress: [
                {action: Deny, to: [{networks: [10.0.0.0/8]}]}]}",
        );
    insta::assert_snapshot!(compiled(&sketch.0));
}

#[test]
fn endpoints_under_the_same_policies_share_their_tables() {
    let sketch = shop().policy("other/deny", "podSelector: {}");
    let desired = Compiler::new(IpBlockMode::Any).compile(&sketch.0);
    let tables: Vec<_> = desired
        .endpoints
        .values()
        .filter_map(|row| row.ingress.as_ref())
        .collect();
    assert_eq!(tables.len(), 4);
    assert!(tables.iter().all(|table| Arc::ptr_eq(table, tables[0])));
}

#[test]
fn tables_and_identities_survive_changes_there_and_back() {
    let before = shop().policy("shop/deny", "podSelector: {}");
    let after = before
        .clone()
        .pod("shop/web", "10.0.0.1 fd00::1", "app=cache", "");
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let first = compiler.compile(&before.0);
    let again = compiler.compile(&before.0);
    for (address, row) in &first.endpoints {
        let same = row.ingress.as_ref().map(Arc::as_ptr);
        assert_eq!(
            again.endpoints[address].ingress.as_ref().map(Arc::as_ptr),
            same
        );
    }
    assert_ne!(compiler.compile(&after.0), first);
    assert_eq!(compiler.compile(&before.0), first);
}
