//! Host policies: the tables of nodes.

use crate::cluster::{Sketch, shop};
use crate::verdict::{Packet, judge};
use abi::protocol::{TCP, UDP};
use manifest::{FailsafePort, FailsafePorts, IpBlockMode, Protocol};
use policy::{Compiler, Desired};
use std::net::IpAddr;

const CLIENT: &str = "203.0.113.5";
const EDGE: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";
const WEB: &str = "10.0.0.1";

fn compile(sketch: &Sketch, mode: IpBlockMode) -> Desired {
    Compiler::new(mode).compile(&sketch.0)
}

/// `shop` with a host policy for node-1, which has `role=edge`.
fn guarded(specs: &str) -> Sketch {
    let sketch = shop().node_labels("node-1", "role=edge");
    sketch.host_policy("edge", specs)
}

#[track_caller]
fn check(sketch: &Sketch, ends: [&str; 2], (protocol, port): (u8, u16), expected: &str) {
    let [source, destination] = ends.map(|end| end.parse().unwrap());
    let packet = Packet {
        source,
        destination,
        protocol,
        port,
    };
    for mode in [IpBlockMode::Any, IpBlockMode::External] {
        let said = judge(&compile(sketch, mode), packet);
        let said = said.replace("CiliumClusterwideNetworkPolicy/", "");
        assert_eq!(said, expected, "{ends:?} {protocol} {port}");
    }
}

#[test]
fn a_node_has_a_table_in_each_direction_that_a_host_policy_speaks_of() {
    let sketch = guarded(
        "[{nodeSelector: {matchLabels: {role: edge}}, ingress: [
             {fromEndpoints: [{matchLabels: {'k8s:app': web, io.kubernetes.pod.namespace: shop}}]},
             {fromCIDRSet: [{cidr: 203.0.113.0/24, except: [203.0.113.9/32]}], toPorts: [{ports: [{port: '80', endPort: 90}]}]}]},
          {nodeSelector: {}, egress: [{toEntities: [remote-node]}]}]",
    );
    insta::assert_snapshot!(compile(&sketch, IpBlockMode::Any).to_string());
    check(
        &sketch,
        [CLIENT, EDGE],
        (TCP, 85),
        "egress open; ingress edge[1]",
    );
    check(
        &sketch,
        [CLIENT, EDGE],
        (TCP, 91),
        "egress open; ingress denied by edge",
    );
    check(
        &sketch,
        ["203.0.113.9", EDGE],
        (TCP, 85),
        "egress open; ingress denied by edge",
    );
    check(
        &sketch,
        [CLIENT, OTHER],
        (TCP, 91),
        "egress open; ingress open",
    );
    check(
        &sketch,
        [WEB, EDGE],
        (UDP, 91),
        "egress open; ingress edge[0]",
    );
    check(
        &sketch,
        ["10.0.1.1", EDGE],
        (UDP, 91),
        "egress open; ingress denied by edge",
    );
    check(
        &sketch,
        [EDGE, OTHER],
        (TCP, 1),
        "egress edge[1][0]; ingress open",
    );
    check(&sketch, [OTHER, CLIENT], (TCP, 1), "egress denied by edge");
}

#[test]
fn entities_are_the_world_the_cluster_other_nodes_and_everyone() {
    for (entity, expected) in [
        ("world", [true, false, false]),
        ("cluster", [false, true, true]),
        ("remote-node", [false, false, true]),
        ("host", [false; 3]),
        ("all", [true; 3]),
    ] {
        let sketch = guarded(&format!(
            "[{{nodeSelector: {{}}, ingress: [{{fromEntities: [{entity}]}}, {{fromCIDR: [10.0.0.0/8], toPorts: [{{ports: [{{port: '1'}}]}}]}}]}}]"
        ));
        for (from, is_allowed) in [CLIENT, WEB, OTHER].into_iter().zip(expected) {
            let said = if is_allowed {
                "edge[0]"
            } else {
                "denied by edge"
            };
            let said = format!("egress open; ingress {said}");
            check(&sketch, [from, EDGE], (TCP, 80), &said);
        }
    }
}

#[test]
fn what_keeps_a_node_alive_nobody_decides() {
    let mut sketch = guarded("[{nodeSelector: {}, ingress: [{}], egress: [{}]}]");
    check(&sketch, [CLIENT, EDGE], (TCP, 22), "egress open; ingress ");
    check(
        &sketch,
        [CLIENT, EDGE],
        (UDP, 22),
        "egress open; ingress denied by edge",
    );
    check(&sketch, [EDGE, CLIENT], (UDP, 53), "egress ; ingress open");
    check(&sketch, [EDGE, CLIENT], (TCP, 53), "egress denied by edge");
    sketch.0.failsafe_ports = FailsafePorts {
        inbound: vec![FailsafePort::single(Protocol::Udp, 22)],
        outbound: vec![],
    };
    check(
        &sketch,
        [CLIENT, EDGE],
        (TCP, 22),
        "egress open; ingress denied by edge",
    );
    check(&sketch, [CLIENT, EDGE], (UDP, 22), "egress open; ingress ");
    check(&sketch, [EDGE, CLIENT], (UDP, 53), "egress denied by edge");
}

#[test]
fn a_nodes_tables_are_its_own_business() {
    let desired = compile(
        &guarded("[{nodeSelector: {}, ingress: [{}]}]"),
        IpBlockMode::Any,
    );
    let has_table = |node: &str, address: &str| {
        let address: IpAddr = address.parse().unwrap();
        desired.for_node(node).endpoints[&address].ingress.is_some()
    };
    assert!(has_table("node-1", EDGE) && has_table("node-2", OTHER));
    assert!(!has_table("node-1", OTHER) && !has_table("node-2", EDGE));
}

#[test]
fn nobody_has_a_table_where_no_host_policy_applies() {
    let sketch = guarded(
        "[{nodeSelector: {matchLabels: {role: none}}, ingress: [{}]}, {nodeSelector: {}, egress: []}]",
    );
    let desired = compile(&sketch, IpBlockMode::Any);
    let rows = desired.endpoints.values();
    assert!(
        rows.into_iter()
            .all(|row| row.egress.is_none() && row.ingress.is_none())
    );
}
