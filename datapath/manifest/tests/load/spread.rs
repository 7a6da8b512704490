//! Clusters that were asked for as many nodes, beside those that manifests name.

use crate::world::{apply, load, nodes, pods};
use manifest::Cluster;

fn pod(name: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}\n---\n")
}

fn pods_named(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(|number| pod(&format!("p{number}"))).collect()
}

/// The names of the nodes with how many pods each runs.
fn loads(cluster: &Cluster) -> String {
    let count = |node: &String| {
        cluster
            .pods
            .values()
            .filter(|pod| pod.node == *node)
            .count()
    };
    let loads = cluster
        .nodes
        .keys()
        .map(|node| format!("{node} {}", count(node)));
    loads.collect::<Vec<_>>().join(", ")
}

#[test]
fn nodes_that_are_asked_for_come_with_the_first_pod() {
    let mut cluster = Cluster::spread(3);
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Node, metadata: {name: a}}",
    );
    assert_eq!(loads(&cluster), "a 0");
    apply(&mut cluster, &pods_named(1..=4));
    assert_eq!(
        nodes(&cluster),
        "a 172.18.0.1 fd00:172:18::1 pods 10.244.0.0/24 fd00:10:244::/64
node-1 172.18.0.2 fd00:172:18::2 pods 10.244.1.0/24 fd00:10:244:1::/64
node-2 172.18.0.3 fd00:172:18::3 pods 10.244.2.0/24 fd00:10:244:2::/64
node-3 172.18.0.4 fd00:172:18::4 pods 10.244.3.0/24 fd00:10:244:3::/64\n"
    );
    assert_eq!(loads(&cluster), "a 1, node-1 1, node-2 1, node-3 1");
}

#[test]
fn one_node_that_is_asked_for_is_the_one_that_comes_anyway() {
    let mut spread = Cluster::spread(1);
    apply(&mut spread, &pods_named(1..=2));
    assert_eq!(spread, load(&pods_named(1..=2)));
}

#[test]
fn pods_that_come_later_are_spread_as_well() {
    let mut cluster = Cluster::spread(2);
    apply(&mut cluster, &pods_named(1..=3));
    let before = pods(&cluster);
    assert_eq!(
        before,
        "default/p1 on node-1 10.244.0.2 fd00:10:244::2
default/p2 on node-2 10.244.1.2 fd00:10:244:1::2
default/p3 on node-1 10.244.0.3 fd00:10:244::3\n"
    );
    apply(&mut cluster, &pods_named(1..=5));
    assert_eq!(
        pods(&cluster),
        before
            + "default/p4 on node-2 10.244.1.3 fd00:10:244:1::3
default/p5 on node-1 10.244.0.4 fd00:10:244::4\n"
    );
}

#[test]
fn pods_that_name_their_node_stay_and_the_others_make_up_for_it() {
    let on_first = ["z1", "z2", "z3"].map(|name| {
        format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{nodeName: node-1}}}}\n---\n")
    });
    let mut cluster = Cluster::spread(3);
    apply(&mut cluster, &(pods_named(1..=6) + &on_first.concat()));
    assert_eq!(loads(&cluster), "node-1 3, node-2 3, node-3 3");
    assert!(pods(&cluster).contains("default/z3 on node-1 "));
}

#[test]
fn a_daemon_set_has_a_pod_on_each_node_that_is_asked_for() {
    let mut cluster = Cluster::spread(2);
    apply(
        &mut cluster,
        "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: agent}}",
    );
    assert_eq!(
        pods(&cluster),
        "default/agent-node-1 on node-1 10.244.0.2 fd00:10:244::2 of DaemonSet agent
default/agent-node-2 on node-2 10.244.1.2 fd00:10:244:1::2 of DaemonSet agent\n"
    );
}

#[test]
fn a_node_that_is_asked_for_can_be_described_and_deleted() {
    let described = "{apiVersion: v1, kind: Node, metadata: {name: node-2}, spec: {podCIDR: 10.9.0.0/24}, \
                     status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}}";
    let mut cluster = Cluster::spread(3);
    apply(
        &mut cluster,
        &(described.to_owned() + "\n---\n" + &pods_named(1..=3)),
    );
    assert!(nodes(&cluster).contains("node-2 192.0.2.2 pods 10.9.0.0/24\n"));
    cluster.delete(&crate::world::source(described)).unwrap();
    apply(&mut cluster, &pods_named(4..=9));
    assert_eq!(loads(&cluster), "node-1 4, node-3 4");
}

#[test]
fn a_refused_first_pod_brings_no_nodes() {
    let mut cluster = Cluster::spread(2);
    let text = pods_named(1..=1) + "{apiVersion: v1, kind: Pod, metadata: {name: A}}";
    cluster.apply(&crate::world::source(&text)).unwrap_err();
    assert_eq!(cluster, Cluster::spread(2));
}

#[test]
fn a_node_has_the_same_addresses_however_many_there_are() {
    let line = |count: u16| {
        let mut cluster = Cluster::spread(count);
        apply(&mut cluster, &pods_named(1..=2));
        let nodes = nodes(&cluster);
        nodes
            .lines()
            .find(|line| line.starts_with("node-2 "))
            .map(str::to_owned)
    };
    assert!(line(2).is_some());
    assert_eq!(line(2), line(12));
}

#[test]
fn pods_take_the_nodes_in_the_order_of_their_numbers() {
    let mut cluster = Cluster::spread(11);
    apply(&mut cluster, &pods_named(1..=2));
    let homes: Vec<_> = cluster.pods.values().map(|pod| pod.node.as_str()).collect();
    assert_eq!(homes, ["node-1", "node-2"]);
}
