//! Pod CIDRs and addresses of nodes and pods that do not fit together, over several inputs.

use crate::world::{apply, load, nodes, pods, refuse, source};
use manifest::{Cluster, Diagnostic};

/// A node with these fields in its `spec` and this address, if there is one.
fn node(name: &str, spec: &str, address: Option<&str>) -> String {
    let address = address.map(|address| format!("{{type: InternalIP, address: '{address}'}}"));
    let addresses = address.unwrap_or_default();
    format!(
        "{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}, spec: {{{spec}}}, status: {{addresses: [{addresses}]}}}}\n---\n"
    )
}

/// A pod on a node, with an address.
fn pod(name: &str, node: &str, address: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{nodeName: {node}}}, status: {{podIP: '{address}'}}}}\n---\n"
    )
}

/// The first line of each.
fn headlines(diagnostics: &[Diagnostic]) -> Vec<String> {
    let headline = |diagnostic: &Diagnostic| {
        let text = diagnostic.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    };
    diagnostics.iter().map(headline).collect()
}

/// What applying `second` to a cluster with `first` says, as an error.
fn later(first: &str, second: &str) -> Vec<String> {
    let mut cluster = load(first);
    let before = cluster.clone();
    let errors = cluster.apply(&source(second)).unwrap_err();
    assert_eq!(cluster, before);
    headlines(&errors.0)
}

#[test]
fn what_is_applied_later_is_held_against_what_is_there() {
    let wide = node("a", "podCIDR: 10.0.0.0/8", None);
    let narrow = node("b", "podCIDR: 10.1.0.0/16", None);
    let inside = node("b", "podCIDR: 10.1.0.0/16", Some("10.2.0.1"));
    let cases = [
        (
            &wide,
            &narrow,
            "Node b: spec.podCIDR: 10.1.0.0/16 overlaps with 10.0.0.0/8, a pod CIDR of Node a (cluster.yaml:1:67)",
        ),
        (
            &narrow,
            &wide,
            "Node a: spec.podCIDR: 10.0.0.0/8 overlaps with 10.1.0.0/16, a pod CIDR of Node b (cluster.yaml:1:67)",
        ),
        (
            &inside,
            &node("a", "podCIDR: 10.2.0.0/16", None),
            "Node a: spec.podCIDR: 10.2.0.0/16 contains 10.2.0.1, an address of Node b (cluster.yaml:1:101)",
        ),
        (
            &node("a", "podCIDR: 10.2.0.0/16", None),
            &inside,
            "Node b: status.addresses: 10.2.0.1 lies in 10.2.0.0/16, a pod CIDR of Node a (cluster.yaml:1:67)",
        ),
    ];
    for (first, second, expected) in cases {
        assert_eq!(later(first, second), [format!("error: {expected}")]);
    }
}

#[test]
fn a_pod_cidr_that_was_given_is_as_good_as_a_written_one() {
    let first = "{apiVersion: v1, kind: Pod, metadata: {name: web}}";
    assert_eq!(
        later(first, &node("b", "podCIDR: 10.244.0.0/16", None)),
        [
            "error: Node b: spec.podCIDR: 10.244.0.0/16 overlaps with 10.244.0.0/24, a pod CIDR of Node node-1 \
             (a node for pods that name none)"
        ]
    );
}

#[test]
fn a_node_may_change_its_pod_cidrs() {
    let mut cluster = load(&node("a", "podCIDR: 10.1.0.0/16", None));
    apply(&mut cluster, &node("a", "podCIDR: 10.1.0.0/24", None));
    apply(&mut cluster, &node("b", "podCIDR: 10.1.1.0/24", None));
    assert_eq!(
        nodes(&cluster),
        "a 172.18.0.1 fd00:172:18::1 pods 10.1.0.0/24\nb 172.18.0.2 fd00:172:18::2 pods 10.1.1.0/24\n"
    );
}

#[test]
fn what_is_given_keeps_clear_of_node_addresses_and_prefixes() {
    let text = node("a", "podCIDR: 172.18.0.0/30", None)
        + &node("b", "", Some("10.244.4.1"))
        + &node("c", "podCIDRs: ['fd00:10:244:5::/96']", None)
        + "{apiVersion: plumbline/v1, kind: External, metadata: {name: x}, spec: {addresses: [10.244.6.9]}}";
    assert_eq!(
        nodes(&load(&text)),
        "a 172.18.0.4 fd00:172:18::4 pods 172.18.0.0/30
b 10.244.4.1 pods 10.244.7.0/24
c 172.18.0.9 fd00:172:18::9 pods fd00:10:244:5::/96\n"
    );
}

#[test]
fn a_pod_elsewhere_keeps_its_address_and_only_its_own_input_warns() {
    let mut cluster = load(&node("a", "podCIDR: 10.0.1.0/24", None));
    let applied = apply(&mut cluster, &pod("web", "a", "10.9.0.1"));
    assert_eq!(
        headlines(&applied.warnings),
        [
            "warning: Pod default/web: 10.9.0.1 is outside the pod CIDRs of Node a, 10.0.1.0/24 (cluster.yaml:1:67)"
        ]
    );
    assert_eq!(pods(&cluster), "default/web on a 10.9.0.1\n");
    let applied = apply(&mut cluster, &pod("api", "a", "10.0.1.9"));
    assert_eq!(headlines(&applied.warnings), [""; 0]);
}

#[test]
fn an_unknown_node_is_a_warning_only_beside_known_ones() {
    let lost = pod("web", "n9", "10.9.0.1");
    let warned = |mut cluster: Cluster| headlines(&apply(&mut cluster, &lost).warnings);
    assert_eq!(warned(Cluster::default()), [""; 0]);
    assert_eq!(warned(Cluster::spread(2)), [""; 0]);
    assert_eq!(warned(load(&node("n9", "", None))), [""; 0]);
    assert_eq!(
        warned(load(&node("n1", "", None))),
        ["warning: Pod default/web: spec.nodeName: there is no manifest of Node n9"]
    );
}

#[test]
fn nodes_that_are_asked_for_are_no_unknown_ones() {
    let mut cluster = Cluster::spread(2);
    let text = node("a", "", None) + &pod("web", "node-2", "10.9.0.1");
    assert_eq!(headlines(&apply(&mut cluster, &text).warnings), [""; 0]);
    assert!(cluster.nodes.contains_key("node-1"));
}

#[test]
fn a_dump_takes_more_nodes_without_a_word() {
    let mut cluster = Cluster::spread(2);
    let applied = apply(&mut cluster, include_str!("good/dump.yaml"));
    assert_eq!(headlines(&applied.warnings), [""; 0]);
    assert_eq!(
        nodes(&cluster),
        "kind-control-plane 172.19.0.2 fc00:f853:ccd:e793::2 pods 10.244.0.0/24 fd00:10:244::/64
node-1 172.18.0.2 fd00:172:18::2 pods 10.244.1.0/24 fd00:10:244:1::/64
node-2 172.18.0.3 fd00:172:18::3 pods 10.244.2.0/24 fd00:10:244:2::/64\n"
    );
}

#[test]
fn nodes_without_any_pod_cidr_are_nothing_to_warn_of() {
    let mut cluster = Cluster::default();
    let text = node("a", "", None) + &node("b", "", Some("192.0.2.1"));
    assert_eq!(headlines(&apply(&mut cluster, &text).warnings), [""; 0]);
}

#[test]
fn a_prefix_around_everything_is_refused_at_once() {
    for everything in ["0.0.0.0/0", "::/0"] {
        let text = node("a", &format!("podCIDR: '{everything}'"), None) + &node("b", "", None);
        let said = headlines(&refuse(&text).0);
        assert!(
            said[0].contains("no addresses are left to give"),
            "{everything}: {said:?}"
        );
    }
}
