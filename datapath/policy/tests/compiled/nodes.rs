//! What each node of a cluster gets of its tables.

use crate::cluster::Sketch;
use manifest::IpBlockMode;
use policy::{Compiler, Desired, DesiredNode, EndpointRow, Planner};
use std::collections::BTreeSet;
use std::net::IpAddr;

const DENY: &str = "{podSelector: {}, policyTypes: [Ingress, Egress]}";

/// A pod on each of two nodes, both isolated; a block is listed around the IPv4 address of the first node.
fn two_nodes() -> Sketch {
    Sketch::default()
        .node("node-1", "192.0.2.1 2001:db8::1")
        .node("node-2", "192.0.2.2 2001:db8::2")
        .namespace("shop", "")
        .pod("shop/web", "10.0.1.1 fd00:1::1", "app=web", "")
        .pod("shop/db", "10.0.2.1 fd00:2::1", "app=db", "")
        .on_node("shop/db", "node-2")
        .policy("shop/deny", DENY)
        .policy(
            "shop/near",
            "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.1/32}}]}]}",
        )
}

fn compile(sketch: &Sketch) -> Desired {
    Compiler::new(IpBlockMode::Any).compile(&sketch.0)
}

fn row<'a>(desired: &'a Desired, address: &str) -> &'a EndpointRow {
    &desired.endpoints[&address.parse::<IpAddr>().unwrap()]
}

#[test]
fn a_node_gets_everybodys_identity_and_the_tables_of_its_own_pods() {
    let desired = compile(&two_nodes());
    for (node, own, other) in [
        (
            "node-1",
            ["10.0.1.1", "fd00:1::1"],
            ["10.0.2.1", "fd00:2::1"],
        ),
        (
            "node-2",
            ["10.0.2.1", "fd00:2::1"],
            ["10.0.1.1", "fd00:1::1"],
        ),
    ] {
        let part = desired.for_node(node);
        assert_eq!(part.cidrs, desired.cidrs);
        for address in own {
            assert_eq!(
                row(&part, address),
                row(&desired, address),
                "{address} on {node}"
            );
            assert!(row(&part, address).egress.is_some());
        }
        for address in other {
            let (here, there) = (row(&part, address), row(&desired, address));
            assert_eq!((here.identity, here.node), (there.identity, there.node));
            assert_eq!(
                (&here.egress, &here.ingress),
                (&None, &None),
                "{address} on {node}"
            );
        }
    }
}

#[test]
fn a_node_is_known_by_every_identity_that_its_pods_see() {
    let desired = compile(&two_nodes());
    let numbers: BTreeSet<u32> = desired.nodes.values().map(|node| node.number).collect();
    assert_eq!(numbers, BTreeSet::from([1, 2]));
    let identities = |name: &str| {
        let DesiredNode { identities, .. } = &desired.nodes[name];
        identities.clone()
    };
    let seen = |addresses: &[&str]| {
        let rows = addresses.iter().map(|address| row(&desired, address).node);
        rows.collect::<BTreeSet<_>>()
    };
    // The listed block tells the two families of node-1 apart.
    assert_eq!(identities("node-1"), seen(&["192.0.2.1", "fd00:1::1"]));
    assert_eq!(identities("node-1").len(), 2);
    assert_eq!(
        identities("node-2"),
        seen(&["192.0.2.2", "10.0.2.1", "fd00:2::1"])
    );
    assert_eq!(identities("node-2").len(), 1);
}

#[test]
fn a_change_elsewhere_writes_no_tables_here() {
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let states = [
        two_nodes(),
        two_nodes().policy(
            "shop/more",
            "{podSelector: {matchLabels: {app: db}}, egress: [{ports: [{port: 80}]}]}",
        ),
    ];
    let desired = states.map(|state| compiler.compile(&state.0));
    let writes = |node: &str| {
        let mut planner = Planner::new();
        let plans = desired
            .each_ref()
            .map(|state| planner.plan(&state.for_node(node)));
        plans[1].writes.len()
    };
    assert_eq!(writes("node-1"), 0);
    assert!(writes("node-2") > 0);
}
