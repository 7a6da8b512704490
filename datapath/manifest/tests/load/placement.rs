//! Where pods run and which addresses everything has.

use crate::world::{apply, load, nodes, pods, refuse};
use manifest::Cluster;

fn pod(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}\n---\n")
}

fn node(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Node, metadata: {{name: {name}}}}}\n---\n")
}

#[test]
fn without_nodes_there_is_one() {
    let cluster = load(&(pod("web") + &pod("api")));
    assert_eq!(
        nodes(&cluster),
        "node-1 172.18.0.1 fd00:172:18::1 pods 10.244.0.0/24 fd00:10:244::/64\n"
    );
    assert_eq!(
        pods(&cluster),
        "default/api on node-1 10.244.0.3 fd00:10:244::3\ndefault/web on node-1 10.244.0.2 fd00:10:244::2\n"
    );
}

#[test]
fn without_pods_there_is_no_node() {
    let cluster = load("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
    assert_eq!(nodes(&cluster), "");
}

#[test]
fn pods_are_spread_over_the_nodes() {
    let text = node("b") + &node("a") + &pod("p1") + &pod("p2") + &pod("p3");
    let cluster = load(&text);
    assert_eq!(
        nodes(&cluster),
        "a 172.18.0.1 fd00:172:18::1 pods 10.244.0.0/24 fd00:10:244::/64
b 172.18.0.2 fd00:172:18::2 pods 10.244.1.0/24 fd00:10:244:1::/64\n"
    );
    assert_eq!(
        pods(&cluster),
        "default/p1 on a 10.244.0.2 fd00:10:244::2
default/p2 on b 10.244.1.2 fd00:10:244:1::2
default/p3 on a 10.244.0.3 fd00:10:244::3\n"
    );
}

#[test]
fn nothing_moves_when_more_is_applied() {
    let mut cluster = load(&(node("b") + &pod("p1") + &pod("p2")));
    let (nodes_before, pods_before) = (nodes(&cluster), pods(&cluster));
    apply(
        &mut cluster,
        &(node("a") + &node("b") + &pod("p0") + &pod("p2") + &pod("p1")),
    );
    for line in nodes_before.lines() {
        assert!(
            nodes(&cluster).contains(line),
            "{line} moved:\n{}",
            nodes(&cluster)
        );
    }
    for line in pods_before.lines() {
        assert!(
            pods(&cluster).contains(line),
            "{line} moved:\n{}",
            pods(&cluster)
        );
    }
    assert!(pods(&cluster).contains("default/p0 on a 10.244.1.2 fd00:10:244:1::2\n"));
}

#[test]
fn a_freed_address_is_used_again() {
    let mut cluster = load(&(pod("p1") + &pod("p2")));
    cluster.delete(&crate::world::source(&pod("p1"))).unwrap();
    apply(&mut cluster, &pod("p3"));
    assert_eq!(
        pods(&cluster),
        "default/p2 on node-1 10.244.0.3 fd00:10:244::3\ndefault/p3 on node-1 10.244.0.2 fd00:10:244::2\n"
    );
}

#[test]
fn nodes_are_taken_as_they_are_written() {
    let cluster = load(
        "apiVersion: v1
kind: Node
metadata: {name: a, labels: {zone: x}}
spec: {podCIDR: 10.0.1.0/24, podCIDRs: [10.0.1.7/24, 'fd01::/64']}
status:
  addresses:
  - {type: Hostname, address: a}
  - {type: InternalIP, address: 192.0.2.1}
  - {type: InternalIP, address: 192.0.2.2}
  - {type: InternalIP, address: '2001:db8::1'}
---
{apiVersion: v1, kind: Pod, metadata: {name: web}}",
    );
    assert_eq!(
        nodes(&cluster),
        "a 192.0.2.1 2001:db8::1 pods 10.0.1.0/24 fd01::/64\n"
    );
    assert_eq!(pods(&cluster), "default/web on a 10.0.1.2 fd01::2\n");
    assert_eq!(cluster.nodes["a"].labels["zone"], "x");
}

#[test]
fn defaults_keep_clear_of_what_is_written() {
    let cluster = load(
        "{apiVersion: v1, kind: Node, metadata: {name: a}}
---
{apiVersion: v1, kind: Node, metadata: {name: b}, spec: {podCIDR: 10.244.0.0/23}}
---
{apiVersion: plumbline/v1, kind: External, metadata: {name: x}, spec: {addresses: [172.18.0.3]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: written}, spec: {nodeName: a}, status: {podIP: 10.244.3.2}}
---
{apiVersion: v1, kind: Pod, metadata: {name: given}, spec: {nodeName: a}}",
    );
    assert_eq!(
        nodes(&cluster),
        "a 172.18.0.4 fd00:172:18::4 pods 10.244.3.0/24 fd00:10:244:3::/64
b 172.18.0.5 fd00:172:18::5 pods 10.244.0.0/23\n"
    );
    assert!(pods(&cluster).contains("default/given on a 10.244.3.3 fd00:10:244:3::2\n"));
}

#[test]
fn families_are_those_of_the_node() {
    let cluster = load(
        "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web}}",
    );
    assert_eq!(nodes(&cluster), "a 192.0.2.1 pods 10.244.0.0/24\n");
    assert_eq!(pods(&cluster), "default/web on a 10.244.0.2\n");
}

#[test]
fn a_pod_has_the_addresses_that_are_written() {
    let cluster = load(
        "{apiVersion: v1, kind: Pod, metadata: {name: one}, status: {podIP: 10.1.0.9}}
---
{apiVersion: v1, kind: Pod, metadata: {name: both}, status: {podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}, {ip: 'fd01::1'}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pending}, status: {phase: Pending, podIP: ''}}",
    );
    assert_eq!(
        pods(&cluster),
        "default/both on node-1 10.1.0.1 fd01::1
default/one on node-1 10.1.0.9
default/pending on node-1 10.244.0.2 fd00:10:244::2\n"
    );
}

#[test]
fn a_pod_on_the_host_network_has_the_addresses_of_its_node() {
    let mut cluster = load(
        "{apiVersion: v1, kind: Pod, metadata: {name: agent}, spec: {hostNetwork: true, nodeName: a}}
---
{apiVersion: v1, kind: Pod, metadata: {name: proxy}, spec: {hostNetwork: true, nodeName: a}}",
    );
    let shared = "default/agent on a 172.18.0.1 fd00:172:18::1\ndefault/proxy on a 172.18.0.1 fd00:172:18::1\n";
    assert_eq!(pods(&cluster), shared);
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}",
    );
    assert_eq!(
        pods(&cluster),
        "default/agent on a 192.0.2.1\ndefault/proxy on a 192.0.2.1\n"
    );
}

#[test]
fn a_node_that_only_pods_name_has_the_address_they_know() {
    let cluster = load(
        "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: a}, status: {hostIP: 192.0.2.7, podIP: 10.0.0.1}}",
    );
    assert_eq!(nodes(&cluster), "a 192.0.2.7 pods 10.244.0.0/24\n");
}

#[test]
fn an_address_that_is_in_use_is_refused_later_too() {
    let mut cluster = load(&pod("web"));
    let before = cluster.clone();
    let text = "{apiVersion: v1, kind: Pod, metadata: {name: api}, status: {podIP: 10.244.0.2}}";
    let errors = cluster.apply(&crate::world::source(text)).unwrap_err();
    assert_eq!(cluster, before);
    let said = errors.to_string();
    assert!(
        said.contains("Pod default/api: 10.244.0.2 is already the address of Pod default/web"),
        "{said}"
    );
}

#[test]
fn small_prefixes_run_out() {
    let with_pods = |prefix: &str, count: usize| {
        format!(
            "{{apiVersion: v1, kind: Node, metadata: {{name: a}}, spec: {{podCIDR: '{prefix}'}}}}\n---\n\
             {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}, spec: {{replicas: {count}}}}}"
        )
    };
    for (prefix, room) in [("10.0.0.0/29", 5), ("10.0.0.0/30", 1), ("fd00::/126", 2)] {
        assert_eq!(load(&with_pods(prefix, room)).pods.len(), room, "{prefix}");
        let said = refuse(&with_pods(prefix, room + 1)).to_string();
        assert!(
            said.contains(&format!("node a has no address left in {prefix}")),
            "{said}"
        );
    }
    for prefix in [
        "10.0.0.0/31",
        "10.0.0.0/32",
        "255.255.255.255/32",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128",
    ] {
        refuse(&with_pods(prefix, 1));
    }
}

#[test]
fn a_thousand_pods_find_room_on_ten_nodes() {
    let mut text: String = (0..10).map(|number| node(&format!("n{number}"))).collect();
    text +=
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1000}}";
    let cluster: Cluster = load(&text);
    let mut addresses: Vec<_> = cluster.pods.values().map(|pod| pod.addresses).collect();
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 1000);
    for name in cluster.nodes.keys() {
        let here = cluster.pods.values().filter(|pod| pod.node == *name);
        assert_eq!(here.count(), 100, "{name}");
    }
}
