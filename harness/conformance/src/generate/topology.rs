//! Namespaces, nodes, pods and outside hosts. Every address follows from a pod's, node's or host's number.

use super::annotations::{Annotations, annotations, logging};
use super::hosts::host_policies;
use super::labels::{NAMESPACE_NAME, labels};
use super::policies::specs;
use super::tiers::tier_policies;
use super::{choose, one_of};
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use manifest::{
    Addresses, Cluster, ContainerPort, External, Namespace, NetworkPolicy, Node, ObjectName,
    Origin, Pod, Protocol,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names that ports have, or that policies only hope for.
pub(super) const PORT_NAMES: &[&str] = &["http", "dns", "nobody"];
/// Ports that pods and outside hosts serve.
const SERVED: &[u16] = &[80, 81, 53, 8080];
const PROTOCOLS: &[Protocol] = &[Protocol::Tcp, Protocol::Udp, Protocol::Sctp];

/// Namespaces of pods and policies: most are together in the first.
const NAMESPACES: &[usize] = &[0, 0, 0, 1, 2];

/// The address families of a cluster.
#[derive(Clone, Copy, Debug)]
enum Stack {
    V4,
    V6,
    Dual,
}

/// A pod before it has a name.
#[derive(Clone, Debug)]
pub(super) struct PodSketch {
    namespace: usize,
    node: usize,
    labels: BTreeMap<String, String>,
    ports: Vec<ContainerPort>,
    wants_host_network: bool,
}

/// A policy before it has a name.
#[derive(Clone, Debug)]
pub(super) struct PolicySketch {
    namespace: usize,
    spec: NetworkPolicySpec,
    annotations: Annotations,
}

impl PolicySketch {
    /// The policy that selects every pod of a namespace and allows nothing.
    pub(super) fn closed(namespace: usize) -> Self {
        Self {
            namespace,
            spec: NetworkPolicySpec {
                pod_selector: None,
                policy_types: None,
                ingress: Some(Vec::new()),
                egress: Some(Vec::new()),
            },
            annotations: Annotations {
                audit: None,
                logs: false,
            },
        }
    }
}

/// One to three namespaces, one or two nodes, one to eight pods, up to two outside hosts, one to five network policies,
/// up to three policies of the other tiers, two times of three one or two host policies, and perhaps what is logged of all
/// that.
pub(super) fn clusters() -> BoxedStrategy<Cluster> {
    let namespaces = vec((labels(), annotations()), 1..=3);
    let nodes = vec(labels(), 1..=2);
    let hosts = vec(ports(), 0..=2);
    let pods = vec(pods(), 1..=8);
    let of_hosts = prop_oneof![1 => Just(Vec::new()), 2 => vec(host_policies(), 1..=2)];
    let policies = (
        vec(policies(), 1..=5),
        vec(tier_policies(), 0..=3),
        of_hosts,
        option::of(logging()),
    );
    let stack = one_of(&[Stack::V4, Stack::V6, Stack::Dual]);
    (stack, policies, pods, hosts, nodes, namespaces)
        .prop_map(|(stack, policies, pods, hosts, nodes, namespaces)| {
            let mut cluster = Cluster::default();
            for (labels, annotations) in namespaces {
                let name = format!("ns-{}", cluster.namespaces.len());
                set_namespace_labels(&mut cluster, &name, labels);
                annotate_namespace(&mut cluster, &name, annotations);
            }
            for (number, labels) in (0..).zip(nodes) {
                add_node(&mut cluster, stack, number, labels);
            }
            for ports in hosts {
                add_external(&mut cluster, stack, ports);
            }
            for pod in pods {
                add_pod(&mut cluster, pod);
            }
            for policy in policies.0 {
                add_policy(&mut cluster, policy);
            }
            for policy in policies.1 {
                policy.enter(&mut cluster);
            }
            for policy in policies.2 {
                policy.enter(&mut cluster);
            }
            cluster.network_logging = policies.3;
            cluster
        })
        .boxed()
}

/// A pod for any cluster.
pub(super) fn pods() -> BoxedStrategy<PodSketch> {
    let host_network = prop::bool::weighted(0.2);
    (
        one_of(NAMESPACES),
        0..2usize,
        labels(),
        ports(),
        host_network,
    )
        .prop_map(
            |(namespace, node, labels, ports, wants_host_network)| PodSketch {
                namespace,
                node,
                labels,
                ports,
                wants_host_network,
            },
        )
        .boxed()
}

/// A policy for any cluster.
pub(super) fn policies() -> BoxedStrategy<PolicySketch> {
    (one_of(NAMESPACES), specs(), annotations())
        .prop_map(|(namespace, spec, annotations)| PolicySketch {
            namespace,
            spec,
            annotations,
        })
        .boxed()
}

/// Ports that a host or pod serves. A name may stand for several: containers of a pod can share it.
fn ports() -> BoxedStrategy<Vec<ContainerPort>> {
    let port = (
        option::of(one_of(&["http", "dns"])),
        one_of(SERVED),
        one_of(PROTOCOLS),
    );
    vec(port, 0..=3)
        .prop_map(|drawn| {
            let mut ports: Vec<ContainerPort> = Vec::new();
            for (name, port, protocol) in drawn {
                let is_taken =
                    |other: &ContainerPort| (other.port, other.protocol) == (port, protocol);
                if !ports.iter().any(is_taken) {
                    ports.push(ContainerPort {
                        name: name.map(str::to_owned),
                        port,
                        protocol,
                    });
                }
            }
            ports
        })
        .boxed()
}

/// Gives a namespace, new or old, these labels and the one of its name.
pub(super) fn set_namespace_labels(
    cluster: &mut Cluster,
    name: &str,
    mut labels: BTreeMap<String, String>,
) {
    labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
    let namespaces = &mut cluster.namespaces;
    let namespace = namespaces.entry(name.to_owned());
    let namespace = namespace.or_insert_with(|| Namespace {
        labels: BTreeMap::new(),
        audit: None,
        logs_denials: false,
        origin: origin(),
    });
    namespace.labels = labels;
}

/// Gives a namespace these annotations.
pub(super) fn annotate_namespace(cluster: &mut Cluster, name: &str, annotations: Annotations) {
    if let Some(namespace) = cluster.namespaces.get_mut(name) {
        namespace.audit = annotations.audit;
        namespace.logs_denials = annotations.logs;
    }
}

/// Adds a pod under the first free number, so that the number and address of a deleted pod come back.
///
/// One pod a node at most is on the node's network, as two could ask for the same port; pod 0 never is.
pub(super) fn add_pod(cluster: &mut Cluster, sketch: PodSketch) {
    let is_taken = |number: &u8| cluster.pods.keys().any(|pod| pod.name == pod_name(*number));
    let Some(number) = (0..200).find(|number| !is_taken(number)) else {
        return;
    };
    let Some((namespace, (node, own))) = choose(cluster.namespaces.keys(), sketch.namespace)
        .zip(choose(&cluster.nodes, sketch.node))
    else {
        return;
    };
    let mut pods = cluster.pods.values();
    let is_node_shared = pods.any(|pod| pod.host_network && pod.node == *node);
    let host_network = sketch.wants_host_network && number > 0 && !is_node_shared;
    let pod = Pod {
        labels: sketch.labels,
        node: node.clone(),
        host_network,
        addresses: if host_network {
            own.addresses
        } else {
            pod_addresses(own, number)
        },
        ports: sketch.ports,
        ready: true,
        terminating: false,
        workload: None,
        origin: origin(),
    };
    let name = ObjectName::new(namespace, pod_name(number));
    cluster.pods.insert(name, pod);
}

/// Adds a policy. After others went, its name may be one that is there: then it takes its place, as an update does.
pub(super) fn add_policy(cluster: &mut Cluster, sketch: PolicySketch) {
    let Some(namespace) = choose(cluster.namespaces.keys(), sketch.namespace) else {
        return;
    };
    let number = cluster.policies.len();
    let policy = NetworkPolicy {
        spec: sketch.spec,
        audit: sketch.annotations.audit,
        is_logged: sketch.annotations.logs,
        origin: origin(),
    };
    let name = ObjectName::new(namespace, format!("policy-{number}"));
    cluster.policies.insert(name, policy);
}

fn add_node(cluster: &mut Cluster, stack: Stack, number: u8, labels: BTreeMap<String, String>) {
    let pods_v4 = Ipv4Addr::new(10, 244, number, 0);
    let pods_v6 = Ipv6Addr::new(0xfd00, 0x10, 0, number.into(), 0, 0, 0, 0);
    let pods = stack.addresses(pods_v4, pods_v6);
    let node = Node {
        labels,
        addresses: stack.addresses(
            Ipv4Addr::new(172, 18, 0, 2 + number),
            Ipv6Addr::new(0xfd00, 0x18, 0, 0, 0, 0, 0, 2 + u16::from(number)),
        ),
        pod_cidrs: pods.iter().map(pod_cidr).collect(),
        origin: origin(),
    };
    cluster.nodes.insert(format!("node-{number}"), node);
}

fn add_external(cluster: &mut Cluster, stack: Stack, ports: Vec<ContainerPort>) {
    let number = u8::from(!cluster.externals.is_empty());
    let host = External {
        addresses: stack.addresses(
            Ipv4Addr::new(203, 0, 113, 5 + number),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 5 + u16::from(number)),
        ),
        ports,
        origin: origin(),
    };
    cluster.externals.insert(format!("host-{number}"), host);
}

impl Stack {
    fn addresses(self, v4: Ipv4Addr, v6: Ipv6Addr) -> Addresses {
        Addresses {
            v4: (!matches!(self, Self::V6)).then_some(v4),
            v6: (!matches!(self, Self::V4)).then_some(v6),
        }
    }
}

fn pod_cidr(network: IpAddr) -> IpNet {
    let length = if network.is_ipv4() { 24 } else { 64 };
    IpNet::new_assert(network, length)
}

/// The addresses of pod `number` in the prefixes of its node: all but the first few, which networks use themselves.
fn pod_addresses(node: &Node, number: u8) -> Addresses {
    let mut addresses = Addresses::default();
    for cidr in &node.pod_cidrs {
        match cidr {
            IpNet::V4(cidr) => {
                let bits = cidr.network().to_bits() | (8 + u32::from(number));
                addresses.v4 = Some(Ipv4Addr::from_bits(bits));
            }
            IpNet::V6(cidr) => {
                let bits = cidr.network().to_bits() | (8 + u128::from(number));
                addresses.v6 = Some(Ipv6Addr::from_bits(bits));
            }
        }
    }
    addresses
}

fn pod_name(number: u8) -> String {
    format!("pod-{number}")
}

pub(super) fn origin() -> Origin {
    Origin::synthetic("generated")
}
