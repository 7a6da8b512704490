//! What compiled tables say to packets, point by point of the API text.

use crate::cluster::{Sketch, shop};
use crate::verdict::{Packet, judge};
use manifest::IpBlockMode;
use policy::Compiler;

const WEB: &str = "10.0.0.1";
const DB: &str = "10.0.0.2";
const OTHER_WEB: &str = "10.0.1.1";
const OTHER_DNS: &str = "10.0.1.2";
const NODE_1: &str = "192.0.2.1";
const NODE_2: &str = "192.0.2.2";
const OUTSIDE: &str = "203.0.113.5";

/// Checks lines of `source destination protocol/port: what both ends say`; `_` stands for the address before.
fn check(sketch: &Sketch, mode: IpBlockMode, packets: &[(&str, &str, &str, &str)]) {
    let desired = Compiler::new(mode).compile(&sketch.0);
    for (source, destination, what, expected) in packets {
        let (protocol, port) = what.split_once('/').unwrap();
        let packet = Packet {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            protocol: match protocol {
                "TCP" => 6,
                "UDP" => 17,
                "SCTP" => 132,
                _ => 1,
            },
            port: port.parse().unwrap(),
        };
        let actual = judge(&desired, packet);
        assert_eq!(
            actual, *expected,
            "{source} → {destination} {what}\n{desired}"
        );
    }
}

fn check_any(sketch: &Sketch, packets: &[(&str, &str, &str, &str)]) {
    check(sketch, IpBlockMode::Any, packets);
}

#[test]
fn without_policies_everything_is_open() {
    let open = "egress open; ingress open";
    check_any(
        &shop(),
        &[
            (WEB, DB, "TCP/5432", open),
            (OUTSIDE, DB, "ICMP/0", open),
            (NODE_2, DB, "SCTP/1", open),
        ],
    );
}

#[test]
fn isolation_covers_every_protocol_and_the_own_node_is_exempt() {
    let sketch = shop().policy(
        "shop/deny",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{protocol: UDP, port: 53}]}]}",
    );
    let denied = "egress open; ingress denied by shop/deny";
    check_any(
        &sketch,
        &[
            (WEB, DB, "TCP/53", denied),
            (WEB, DB, "UDP/54", denied),
            (WEB, DB, "ICMP/0", denied),
            (WEB, DB, "UDP/53", "egress open; ingress shop/deny[0]"),
            (NODE_2, DB, "TCP/53", denied),
            (NODE_1, DB, "TCP/53", "egress open; ingress own node"),
            (
                "2001:db8::1",
                "fd00::2",
                "TCP/53",
                "egress open; ingress own node",
            ),
            ("2001:db8::2", "fd00::2", "TCP/53", denied),
            (DB, WEB, "TCP/53", "egress open; ingress open"),
        ],
    );
}

#[test]
fn selectors_in_one_peer_are_and_two_peers_are_or() {
    let sketch = shop().policy(
        "shop/and",
        "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}, podSelector: {matchLabels: {app: web}}}]}]}",
    ).policy(
        "shop/or",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: b}}}, {podSelector: {matchLabels: {app: web}}}]}]}",
    );
    check_any(
        &sketch,
        &[
            (OTHER_WEB, WEB, "TCP/80", "egress open; ingress shop/and[0]"),
            (
                OTHER_DNS,
                WEB,
                "TCP/80",
                "egress open; ingress denied by shop/and",
            ),
            (DB, WEB, "TCP/80", "egress open; ingress denied by shop/and"),
            (OTHER_DNS, DB, "TCP/80", "egress open; ingress shop/or[0]"),
            (WEB, DB, "ICMP/0", "egress open; ingress shop/or[0]"),
            (
                OUTSIDE,
                DB,
                "TCP/80",
                "egress open; ingress denied by shop/or",
            ),
            (
                NODE_2,
                DB,
                "TCP/80",
                "egress open; ingress denied by shop/or",
            ),
        ],
    );
}

#[test]
fn policies_add_up_and_every_rule_that_allows_is_named() {
    let sketch = shop()
        .policy("shop/a", "{podSelector: {}, ingress: [{ports: [{port: 80}]}, {from: [{podSelector: {}}]}]}")
        .policy("shop/b", "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 1, endPort: 100}, {port: 80}]}]}")
        .policy("shop/c", "{podSelector: {}, ingress: []}");
    check_any(
        &sketch,
        &[
            (
                WEB,
                DB,
                "TCP/80",
                "egress open; ingress shop/a[0] shop/a[1] shop/b[0]",
            ),
            (
                WEB,
                DB,
                "TCP/100",
                "egress open; ingress shop/a[1] shop/b[0]",
            ),
            (WEB, DB, "TCP/101", "egress open; ingress shop/a[1]"),
            (WEB, DB, "ICMP/0", "egress open; ingress shop/a[1]"),
            (OUTSIDE, DB, "TCP/80", "egress open; ingress shop/a[0]"),
            (
                OUTSIDE,
                DB,
                "TCP/81",
                "egress open; ingress denied by shop/a shop/b shop/c",
            ),
        ],
    );
}

#[test]
fn a_rule_without_peers_and_ports_allows_everything_and_no_rule_nothing() {
    let sketch = shop()
        .policy(
            "shop/all",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{}], egress: [{}]}",
        )
        .policy(
            "shop/none",
            "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], ingress: [{}]}",
        );
    check_any(
        &sketch,
        &[
            (OUTSIDE, WEB, "TCP/1", "egress open; ingress shop/all[0]"),
            (WEB, OUTSIDE, "ICMP/0", "egress shop/all[0]; ingress open"),
            (DB, WEB, "TCP/1", "egress denied by shop/none"),
            (WEB, DB, "TCP/1", "egress shop/all[0]; ingress open"),
        ],
    );
}

#[test]
fn a_peer_that_selects_nobody_allows_nobody() {
    let sketch = shop().policy(
        "shop/nobody",
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: ghost}}}]}]}",
    );
    let denied = "egress open; ingress denied by shop/nobody";
    check_any(
        &sketch,
        &[(WEB, DB, "TCP/1", denied), (OUTSIDE, DB, "TCP/1", denied)],
    );
}

#[test]
fn named_ports_are_the_destinations_own() {
    let sketch = shop()
        .policy("shop/in", "{podSelector: {}, ingress: [{ports: [{port: http}, {port: dns, protocol: UDP}]}]}")
        .policy("other/out", "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}, {port: dns, protocol: UDP}]}]}");
    check_any(
        &sketch,
        &[
            (OUTSIDE, WEB, "TCP/80", "egress open; ingress shop/in[0]"),
            (
                OUTSIDE,
                WEB,
                "UDP/80",
                "egress open; ingress denied by shop/in",
            ),
            (
                OUTSIDE,
                DB,
                "TCP/80",
                "egress open; ingress denied by shop/in",
            ),
            (
                OTHER_DNS,
                OTHER_WEB,
                "TCP/8080",
                "egress other/out[0]; ingress open",
            ),
            (OTHER_DNS, OTHER_WEB, "TCP/80", "egress denied by other/out"),
            (
                OTHER_DNS,
                WEB,
                "TCP/80",
                "egress other/out[0]; ingress shop/in[0]",
            ),
            (
                OTHER_WEB,
                OTHER_DNS,
                "UDP/53",
                "egress other/out[0]; ingress open",
            ),
            (OTHER_WEB, OTHER_DNS, "TCP/53", "egress denied by other/out"),
            (
                OTHER_WEB,
                OTHER_DNS,
                "UDP/5353",
                "egress denied by other/out",
            ),
            (OTHER_WEB, OUTSIDE, "TCP/80", "egress denied by other/out"),
        ],
    );
}

const BLOCKS: &str = "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8, except: [10.0.1.0/24]}}, {ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}, {to: [{ipBlock: {cidr: 10.0.1.2/32}}]}]}";

#[test]
fn an_ip_block_holds_for_every_address_or_only_for_those_outside() {
    let sketch = shop().policy("shop/out", BLOCKS);
    check_any(
        &sketch,
        &[
            (WEB, DB, "TCP/1", "egress shop/out[0]; ingress open"),
            (WEB, OTHER_WEB, "TCP/1", "egress denied by shop/out"),
            (WEB, OTHER_DNS, "TCP/1", "egress shop/out[1]; ingress open"),
            (WEB, NODE_2, "TCP/1", "egress shop/out[0]; ingress open"),
            (WEB, OUTSIDE, "TCP/1", "egress shop/out[0]; ingress open"),
            (WEB, "10.0.1.77", "TCP/1", "egress denied by shop/out"),
            ("fd00::1", "fd00::2", "TCP/1", "egress denied by shop/out"),
            (
                "fd00::1",
                "2001:db8:9::1",
                "TCP/1",
                "egress denied by shop/out",
            ),
        ],
    );
    check(
        &sketch,
        IpBlockMode::External,
        &[
            (WEB, DB, "TCP/1", "egress denied by shop/out"),
            (WEB, OTHER_DNS, "TCP/1", "egress denied by shop/out"),
            (WEB, NODE_2, "TCP/1", "egress denied by shop/out"),
            (WEB, OUTSIDE, "TCP/1", "egress shop/out[0]; ingress open"),
            (WEB, "10.0.1.77", "TCP/1", "egress denied by shop/out"),
        ],
    );
}

#[test]
fn a_node_is_exempt_by_each_of_its_addresses() {
    let sketch = shop().policy(
        "shop/db",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}",
    );
    check_any(
        &sketch,
        &[
            (NODE_1, DB, "TCP/1", "egress open; ingress own node"),
            (
                "2001:db8::1",
                "fd00::2",
                "TCP/1",
                "egress open; ingress own node",
            ),
            (NODE_2, DB, "TCP/1", "egress open; ingress shop/db[0]"),
        ],
    );
}

#[test]
fn an_ipv6_block_of_everything_holds_no_ipv4_address() {
    let sketch = shop().policy(
        "shop/six",
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: '::/0'}}]}]}",
    );
    check_any(
        &sketch,
        &[
            (WEB, OUTSIDE, "TCP/1", "egress denied by shop/six"),
            (
                "fd00::1",
                "2001:db8:9::1",
                "TCP/1",
                "egress shop/six[0]; ingress open",
            ),
        ],
    );
}

#[test]
fn host_network_pods_are_their_node() {
    let sketch = shop()
        .pod("shop/agent", "", "app=agent", "http:99/TCP")
        .on_host_network("shop/agent")
        .policy("shop/web", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: agent}}}]}]}")
        .policy("other/web", "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: http}]}]}")
        .policy("shop/agent", "{podSelector: {matchLabels: {app: agent}}, policyTypes: [Ingress, Egress]}");
    check_any(
        &sketch,
        &[
            (NODE_1, WEB, "TCP/80", "egress open; ingress own node"),
            (
                NODE_2,
                WEB,
                "TCP/80",
                "egress open; ingress denied by shop/web",
            ),
            (DB, NODE_1, "TCP/99", "egress open; ingress open"),
            (OTHER_WEB, NODE_1, "TCP/99", "egress denied by other/web"),
        ],
    );
}
