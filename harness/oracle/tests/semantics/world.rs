//! The cluster that all questions are about, and short ways to ask them.
//!
//! ```text
//! shop  team=a   web (n1) app=web, stage=   db (n1) app=db   agent (hostNetwork on n1) app=web
//! other team=b   web (n2) app=web, env=prod   api (n2) app=api   host (hostNetwork on n2) app=web
//! outside        client 203.0.113.5 2001:db8::5
//! ```

use manifest::{
    Addresses, Cluster, ContainerPort, EndpointName, External, IpBlockMode, Namespace,
    NetworkPolicy, Node, ObjectName, Origin, Pod, PolicyName, Protocol,
};
use oracle::{Judgement, Probe, Side, judge};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The cluster above, with these policies: name and `spec`.
pub(crate) fn cluster(policies: &[(&str, Value)]) -> Cluster {
    let mut cluster = Cluster::default();
    add_namespaces_and_nodes(&mut cluster);
    add_pods(&mut cluster);
    cluster.externals.insert(
        "client".to_owned(),
        External {
            addresses: addresses([203, 0, 113, 5], "2001:db8::5"),
            ports: vec![],
            origin: origin(),
        },
    );
    for (name, spec) in policies {
        add_policy(&mut cluster, name, spec);
    }
    cluster
}

/// What is said about `asked`, for example `TCP 80` or `ICMP`, over IPv4.
pub(crate) fn judged(cluster: &Cluster, from: &str, to: &str, asked: &str) -> Judgement {
    judge(cluster, IpBlockMode::Any, &probe(cluster, from, to, asked)).unwrap()
}

/// A probe over IPv4.
pub(crate) fn probe(cluster: &Cluster, from: &str, to: &str, asked: &str) -> Probe {
    let to: EndpointName = to.parse().unwrap();
    let (protocol, port) = match asked.split_once(' ') {
        Some((protocol, port)) => (protocol, Some(port.parse().unwrap())),
        None => (asked, None),
    };
    Probe {
        from: from.parse().unwrap(),
        address: cluster.addresses(&to).unwrap().v4.unwrap().into(),
        to,
        protocol: protocol.parse().unwrap(),
        port,
    }
}

/// The same probe over IPv6.
pub(crate) fn over_ipv6(cluster: &Cluster, probe: Probe) -> Probe {
    let address = cluster.addresses(&probe.to).unwrap().v6.unwrap().into();
    Probe { address, ..probe }
}

/// A side in one word and its policies: `none`, `allow shop/p`, `deny shop/p shop/q`.
pub(crate) fn text(side: &Side) -> String {
    let (word, policies): (_, &[PolicyName]) = match side {
        Side::NotIsolated => ("none", &[]),
        Side::Allowed(policies) => ("allow", policies),
        Side::Denied(policies) => ("deny", policies),
        Side::Audited(policies) => ("audit", policies),
    };
    let names = policies.iter().map(|name| format!(" {name}"));
    names.fold(word.to_owned(), |text, name| text + &name)
}

/// A spec that isolates shop/db in ingress and has this one rule.
pub(crate) fn db_ingress(rule: &Value) -> Value {
    json!({"podSelector": {"matchLabels": {"app": "db"}}, "ingress": [rule]})
}

pub(crate) fn pod_name(name: &str) -> ObjectName {
    let (namespace, name) = name.split_once('/').unwrap();
    ObjectName::new(namespace, name)
}

pub(crate) fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
    pairs.iter().map(owned).collect()
}

fn add_namespaces_and_nodes(cluster: &mut Cluster) {
    for (name, team) in [("shop", "a"), ("other", "b")] {
        let namespace = Namespace {
            labels: labels(&[("kubernetes.io/metadata.name", name), ("team", team)]),
            audit: None,
            logs_denials: false,
            origin: origin(),
        };
        cluster.namespaces.insert(name.to_owned(), namespace);
    }
    for (name, addresses) in [("n1", node_addresses(2)), ("n2", node_addresses(3))] {
        let node = Node {
            labels: labels(&[("app", "web")]),
            addresses,
            pod_cidrs: vec![],
            origin: origin(),
        };
        cluster.nodes.insert(name.to_owned(), node);
    }
}

fn add_pods(cluster: &mut Cluster) {
    let web = [port("http", 80, Protocol::Tcp)];
    let db = [
        port("sql", 5432, Protocol::Tcp),
        port("http", 8080, Protocol::Tcp),
        port("dns", 53, Protocol::Udp),
    ];
    let api = [port("http", 9090, Protocol::Tcp)];
    add_pod(
        cluster,
        "shop/web",
        "n1",
        &[("app", "web"), ("stage", "")],
        &web,
    );
    add_pod(cluster, "shop/db", "n1", &[("app", "db")], &db);
    add_pod(
        cluster,
        "other/web",
        "n2",
        &[("app", "web"), ("env", "prod")],
        &web,
    );
    add_pod(cluster, "other/api", "n2", &[("app", "api")], &api);
    for (name, node) in [("shop/agent", "n1"), ("other/host", "n2")] {
        add_pod(cluster, name, node, &[("app", "web")], &web);
        let pod = cluster.pods.get_mut(&pod_name(name)).unwrap();
        pod.host_network = true;
        pod.addresses = cluster.nodes[node].addresses;
    }
}

pub(crate) fn add_pod(
    cluster: &mut Cluster,
    name: &str,
    node: &str,
    pairs: &[(&str, &str)],
    ports: &[ContainerPort],
) {
    let number = u8::try_from(cluster.pods.len()).unwrap() + 1;
    let pod = Pod {
        labels: labels(pairs),
        node: node.to_owned(),
        host_network: false,
        addresses: addresses([10, 244, 1, number], &format!("fd00:10::{number}")),
        ports: ports.to_vec(),
        ready: true,
        terminating: false,
        workload: None,
        origin: origin(),
    };
    cluster.pods.insert(pod_name(name), pod);
}

fn add_policy(cluster: &mut Cluster, name: &str, spec: &Value) {
    let policy = NetworkPolicy {
        spec: serde_json::from_value(spec.clone()).unwrap(),
        audit: None,
        is_logged: false,
        origin: origin(),
    };
    cluster.policies.insert(pod_name(name), policy);
}

pub(crate) fn port(name: &str, port: u16, protocol: Protocol) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        port,
        protocol,
    }
}

fn node_addresses(number: u8) -> Addresses {
    addresses([172, 18, 0, number], &format!("fd00:18::{number}"))
}

pub(crate) fn addresses(v4: [u8; 4], v6: &str) -> Addresses {
    Addresses {
        v4: Some(Ipv4Addr::from(v4)),
        v6: Some(v6.parse::<Ipv6Addr>().unwrap()),
    }
}

fn origin() -> Origin {
    Origin::synthetic("test")
}
