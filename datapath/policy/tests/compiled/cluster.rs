//! Clusters in a few words.

use manifest::{
    Addresses, Cluster, ContainerPort, HostPolicy, Namespace, NetworkPolicy, Node, ObjectName,
    Origin, Pod, Service, TierPolicy,
};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A cluster that grows word by word. Texts are as in the methods' examples; a wrong one panics.
#[derive(Clone, Default)]
pub(crate) struct Sketch(pub(crate) Cluster);

impl Sketch {
    /// Adds a namespace: `shop`, `team=a env=prod`.
    pub(crate) fn namespace(mut self, name: &str, with: &str) -> Self {
        let mut labels = labels(with);
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        let namespace = Namespace {
            labels,
            audit: None,
            logs_denials: false,
            origin: origin(),
        };
        self.0.namespaces.insert(name.to_owned(), namespace);
        self
    }

    /// Adds a node: `node-1`, `192.0.2.1 2001:db8::1`.
    pub(crate) fn node(mut self, name: &str, at: &str) -> Self {
        let node = Node {
            labels: BTreeMap::new(),
            addresses: addresses(at),
            pod_cidrs: Vec::new(),
            origin: origin(),
        };
        self.0.nodes.insert(name.to_owned(), node);
        self
    }

    /// Adds a pod on `node-1`: `shop/web`, `10.0.0.1 fd00::1`, `app=web`, `http:80/TCP :9090/UDP`.
    pub(crate) fn pod(mut self, name: &str, at: &str, with: &str, ports: &str) -> Self {
        let pod = Pod {
            labels: labels(with),
            node: "node-1".to_owned(),
            host_network: false,
            addresses: addresses(at),
            ports: ports.split_whitespace().map(port).collect(),
            ready: true,
            terminating: false,
            workload: None,
            origin: origin(),
        };
        self.0.pods.insert(object(name), pod);
        self
    }

    /// Moves a pod to another node.
    pub(crate) fn on_node(mut self, name: &str, node: &str) -> Self {
        let pod = self.0.pods.get_mut(&object(name)).expect("a pod");
        node.clone_into(&mut pod.node);
        self
    }

    /// Puts a pod on its node's network, at the node's addresses.
    pub(crate) fn on_host_network(mut self, name: &str) -> Self {
        let pod = self.0.pods.get_mut(&object(name)).expect("a pod");
        pod.host_network = true;
        pod.addresses = self.0.nodes[&pod.node].addresses;
        self
    }

    /// Adds a service: `shop/web`, `10.96.0.1`, `selector: {app: web}, ports: [{port: 80}]`.
    pub(crate) fn service(mut self, name: &str, at: &str, spec: &str) -> Self {
        let name = object(name);
        let service = Service {
            object: serde_saphyr::from_str(&format!("{{metadata: {{}}, spec: {{{spec}}}}}"))
                .expect(spec),
            cluster_ips: addresses(at),
            node_ports: Vec::new(),
            load_balancer_ips: Vec::new(),
            health_check_node_port: None,
            origin: origin(),
        };
        self.0.services.insert(name, service);
        self
    }

    /// Adds a policy: `shop/default-deny`, `podSelector: {}`.
    pub(crate) fn policy(mut self, name: &str, spec: &str) -> Self {
        let policy = NetworkPolicy {
            spec: serde_saphyr::from_str(spec).expect(spec),
            audit: None,
            is_logged: false,
            origin: origin(),
        };
        self.0.policies.insert(object(name), policy);
        self
    }

    /// Adds a host policy: `edge`, `[{nodeSelector: {}, ingress: [{}]}]`.
    pub(crate) fn host_policy(mut self, name: &str, specs: &str) -> Self {
        let policy = HostPolicy {
            spec: None,
            specs: serde_saphyr::from_str(specs).expect(specs),
            audit: None,
            is_logged: false,
            origin: origin(),
        };
        self.0.host_policies.insert(name.to_owned(), policy);
        self
    }

    /// Gives a node labels: `node-1`, `role=edge`.
    pub(crate) fn node_labels(mut self, name: &str, with: &str) -> Self {
        self.0.nodes.get_mut(name).expect("a node").labels = labels(with);
        self
    }

    /// Adds a `ClusterNetworkPolicy`: `guard`, `{tier: Admin, priority: 1, subject: {namespaces: {}}}`.
    pub(crate) fn cluster_network_policy(mut self, name: &str, spec: &str) -> Self {
        let policy = TierPolicy {
            spec: serde_saphyr::from_str(spec).expect(spec),
            audit: None,
            is_logged: false,
            origin: origin(),
        };
        let policies = &mut self.0.cluster_network_policies;
        policies.insert(name.to_owned(), policy);
        self
    }
}

/// Two namespaces, two nodes, and pods with both address families on the first.
pub(crate) fn shop() -> Sketch {
    Sketch::default()
        .namespace("shop", "team=a")
        .namespace("other", "team=b")
        .node("node-1", "192.0.2.1 2001:db8::1")
        .node("node-2", "192.0.2.2 2001:db8::2")
        .pod("shop/web", "10.0.0.1 fd00::1", "app=web", "http:80/TCP")
        .pod("shop/db", "10.0.0.2 fd00::2", "app=db", "sql:5432/TCP")
        .pod(
            "other/web",
            "10.0.1.1 fd00:1::1",
            "app=web",
            "http:8080/TCP",
        )
        .pod(
            "other/dns",
            "10.0.1.2 fd00:1::2",
            "app=dns",
            "dns:53/UDP dns:5353/TCP",
        )
}

pub(crate) fn object(name: &str) -> ObjectName {
    let (namespace, name) = name.split_once('/').expect(name);
    ObjectName::new(namespace, name)
}

fn addresses(text: &str) -> Addresses {
    let mut addresses = Addresses::default();
    for word in text.split_whitespace() {
        match word.parse().expect(word) {
            IpAddr::V4(v4) => addresses.v4 = Some(v4),
            IpAddr::V6(v6) => addresses.v6 = Some(v6),
        }
    }
    addresses
}

fn labels(text: &str) -> BTreeMap<String, String> {
    let words = text.split_whitespace();
    let pairs = words.map(|word| word.split_once('=').expect(word));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

fn port(text: &str) -> ContainerPort {
    let (name, rest) = text.split_once(':').expect(text);
    let (port, protocol) = rest.split_once('/').expect(text);
    ContainerPort {
        name: (!name.is_empty()).then(|| name.to_owned()),
        port: port.parse().expect(text),
        protocol: protocol.parse().expect(text),
    }
}

fn origin() -> Origin {
    Origin::synthetic("test")
}
