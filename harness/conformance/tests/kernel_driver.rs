//! Real packets, judged by the programs in the kernel, against what the API text says. Needs root.

use conformance::driver::{Driver, KernelDriver, OracleDriver, Outcome, Verdict};
use manifest::{
    Addresses, Cluster, ContainerPort, EndpointName, External, IpBlockMode, Namespace,
    NetworkPolicy, Node, ObjectName, Origin, Pod, Protocol,
};
use oracle::{Probe, Side};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

const NODE: &str = "node-1";
const SERVED: [u16; 2] = [80, 81];

fn origin() -> Origin {
    Origin::synthetic("test")
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn dual_stack(number: u8) -> Addresses {
    Addresses {
        v4: format!("10.0.0.{number}").parse().ok(),
        v6: format!("fd00::{number:x}").parse().ok(),
    }
}

fn served() -> Vec<ContainerPort> {
    let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp].into_iter();
    let ports = protocols.flat_map(|protocol| SERVED.map(|port| (protocol, port)));
    ports
        .map(|(protocol, port)| ContainerPort {
            name: None,
            port,
            protocol,
        })
        .collect()
}

fn pod(name: &str, number: u8) -> Pod {
    Pod {
        labels: labels(&[("pod", name)]),
        node: NODE.to_owned(),
        host_network: false,
        addresses: dual_stack(number),
        ports: served(),
        ready: true,
        terminating: false,
        workload: None,
        origin: origin(),
    }
}

/// Nine pods in three namespaces on one node.
fn nine_pods() -> Cluster {
    let mut cluster = Cluster::default();
    let node = Node {
        labels: BTreeMap::new(),
        addresses: dual_stack(200),
        pod_cidrs: Vec::new(),
        origin: origin(),
    };
    cluster.nodes.insert(NODE.to_owned(), node);
    let mut number = 0;
    for namespace in ["x", "y", "z"] {
        let object = Namespace {
            labels: labels(&[("kubernetes.io/metadata.name", namespace)]),
            audit: None,
            logs_denials: false,
            origin: origin(),
        };
        cluster.namespaces.insert(namespace.to_owned(), object);
        for name in ["a", "b", "c"] {
            number += 1;
            let pods = &mut cluster.pods;
            pods.insert(ObjectName::new(namespace, name), pod(name, number));
        }
    }
    cluster
}

/// The nine pods, one on its node's network, and a host outside.
fn every_kind_of_end() -> Cluster {
    let mut cluster = nine_pods();
    let on_the_node = Pod {
        host_network: true,
        addresses: dual_stack(200),
        ..pod("agent", 0)
    };
    let pods = &mut cluster.pods;
    pods.insert(ObjectName::new("x", "agent"), on_the_node);
    let outside = External {
        addresses: dual_stack(250),
        ports: served(),
        origin: origin(),
    };
    cluster.externals.insert("outside".to_owned(), outside);
    cluster
}

fn add_policy(cluster: &mut Cluster, namespace: &str, name: &str, spec: Value) {
    let policy = NetworkPolicy {
        spec: serde_json::from_value(spec).unwrap(),
        audit: None,
        is_logged: false,
        origin: origin(),
    };
    let policies = &mut cluster.policies;
    policies.insert(ObjectName::new(namespace, name), policy);
}

fn ends(cluster: &Cluster) -> Vec<EndpointName> {
    let pods = cluster.pods.keys().cloned().map(EndpointName::Pod);
    let nodes = cluster.nodes.keys().cloned().map(EndpointName::Node);
    let hosts = cluster
        .externals
        .keys()
        .cloned()
        .map(EndpointName::External);
    pods.chain(nodes).chain(hosts).collect()
}

/// Every ordered pair of ends, each address of the destination, each protocol and each of the ports.
fn every_probe(cluster: &Cluster, protocols: &[Protocol], ports: &[u16]) -> Vec<Probe> {
    let mut probes = Vec::new();
    for from in ends(cluster) {
        for to in ends(cluster) {
            for address in cluster.addresses(&to).unwrap().iter() {
                for &protocol in protocols {
                    let ports: Vec<_> = match protocol {
                        Protocol::Icmp => vec![None],
                        _ => ports.iter().copied().map(Some).collect(),
                    };
                    probes.extend(ports.into_iter().map(|port| Probe {
                        from: from.clone(),
                        to: to.clone(),
                        address,
                        protocol,
                        port,
                    }));
                }
            }
        }
    }
    probes
}

/// Tries every probe in the kernel and demands what the API text says; returns the outcomes.
fn assert_as_written(
    kernel: &mut KernelDriver,
    cluster: &Cluster,
    probes: &[Probe],
) -> Vec<Outcome> {
    let generation = kernel.apply(cluster).unwrap();
    let mut oracle = OracleDriver::new(IpBlockMode::Any);
    oracle.apply(cluster).unwrap();
    let expected = oracle.probe(probes).unwrap();
    let start = Instant::now();
    let outcomes = kernel.probe(probes).unwrap();
    println!("{} probes in {:?}", probes.len(), start.elapsed());
    let differing: Vec<String> = probes
        .iter()
        .zip(expected.into_iter().zip(&outcomes))
        .map(|(probe, (expected, outcome))| {
            let expected = Outcome {
                generation,
                ..expected
            };
            (probe, expected, outcome)
        })
        .filter(|(_, expected, outcome)| expected != *outcome)
        .map(|(probe, expected, outcome)| {
            format!("{probe:?}\n  expected {expected:?}\n  got      {outcome:?}")
        })
        .collect();
    let count = differing.len();
    let first: Vec<_> = differing.into_iter().take(5).collect();
    assert_eq!(count, 0, "of {}:\n{}", probes.len(), first.join("\n"));
    outcomes
}

fn open() -> KernelDriver {
    KernelDriver::open(IpBlockMode::Any).unwrap()
}

#[test]
fn without_policies_everything_is_allowed() {
    let cluster = nine_pods();
    let probes = every_probe(&cluster, &Protocol::ALL, &SERVED);
    let outcomes = assert_as_written(&mut open(), &cluster, &probes);
    // A node serves nothing here but answers echo requests.
    let to_a_port_of_the_node =
        |probe: &Probe| matches!(probe.to, EndpointName::Node(_)) && probe.port.is_some();
    for (probe, outcome) in probes.iter().zip(outcomes) {
        let expected = if to_a_port_of_the_node(probe) {
            Verdict::Refused
        } else {
            Verdict::Allowed
        };
        assert_eq!(outcome.verdict, expected, "{probe:?}");
    }
}

#[test]
fn what_nobody_serves_is_refused() {
    let cluster = every_kind_of_end();
    let protocols = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
    let probes = every_probe(&cluster, &protocols, &[82]);
    let outcomes = assert_as_written(&mut open(), &cluster, &probes);
    let refused = outcomes.iter().filter(|o| o.verdict == Verdict::Refused);
    assert_eq!(refused.count(), probes.len());
}

#[test]
fn default_deny_is_proven_on_both_sides() {
    let mut cluster = every_kind_of_end();
    for namespace in ["x", "y", "z"] {
        let ingress = json!({"podSelector": {}, "policyTypes": ["Ingress"]});
        add_policy(&mut cluster, namespace, "deny-ingress", ingress);
    }
    let egress = json!({"podSelector": {}, "policyTypes": ["Egress"]});
    add_policy(&mut cluster, "x", "deny-egress", egress);
    let probes = every_probe(&cluster, &Protocol::ALL, &SERVED);
    let outcomes = assert_as_written(&mut open(), &cluster, &probes);
    let denied_by = |policy: ObjectName| Some(Side::Denied(vec![policy.into()]));
    let by_egress = denied_by(ObjectName::new("x", "deny-egress"));
    let by_ingress = denied_by(ObjectName::new("y", "deny-ingress"));
    assert!(outcomes.iter().any(|o| o.egress == by_egress));
    assert!(outcomes.iter().any(|o| o.ingress == by_ingress));
    assert!(outcomes.iter().any(|o| o.verdict == Verdict::Allowed));
}

#[test]
fn policies_pods_and_addresses_change_under_the_driver() {
    let mut kernel = open();
    let mut cluster = every_kind_of_end();
    let mut check = |cluster: &Cluster| {
        let probes = every_probe(cluster, &[Protocol::Tcp, Protocol::Sctp], &[80]);
        assert_as_written(&mut kernel, cluster, &probes);
    };
    check(&cluster);
    let from_b = json!({
        "podSelector": {"matchLabels": {"pod": "a"}},
        "ingress": [{"from": [{"podSelector": {"matchLabels": {"pod": "b"}}}]}],
    });
    add_policy(&mut cluster, "x", "a-from-b", from_b);
    check(&cluster);
    // A pod leaves, and another gets its addresses.
    let left = cluster.pods.remove(&ObjectName::new("x", "b")).unwrap();
    check(&cluster);
    let newcomer = Pod {
        addresses: left.addresses,
        ..pod("b", 0)
    };
    let pods = &mut cluster.pods;
    pods.insert(ObjectName::new("x", "newcomer"), newcomer);
    check(&cluster);
    // The same pod with another address.
    let moved = cluster.pods.get_mut(&ObjectName::new("y", "c")).unwrap();
    moved.addresses = dual_stack(100);
    moved.labels = labels(&[("pod", "a")]);
    check(&cluster);
    cluster.policies.clear();
    check(&cluster);
}

#[test]
fn a_probe_that_cannot_be_tried_is_an_error() {
    let mut kernel = open();
    let cluster = nine_pods();
    kernel.apply(&cluster).unwrap();
    let mut probe = every_probe(&cluster, &[Protocol::Tcp], &[80]).remove(0);
    probe.to = EndpointName::pod("x", "nobody");
    let error = kernel.probe(&[probe]).unwrap_err();
    assert!(error.to_string().contains("x/nobody"), "{error}");
}
