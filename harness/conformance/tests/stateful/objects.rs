//! Objects of a cluster as manifests.

use manifest::{
    Addresses, Cluster, ContainerPort, External, Namespace, Node, ObjectName, Pod, PolicyKind,
    PolicyName,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ALPHA1: &str = "policy.networking.k8s.io/v1alpha1";
const ALPHA2: &str = "policy.networking.k8s.io/v1alpha2";

/// Everything in a cluster as it is written, by what a sentence calls it: `pod shop/web`.
pub(crate) fn objects(cluster: &Cluster) -> BTreeMap<String, Value> {
    let namespaces = cluster.namespaces.iter();
    let namespaces =
        namespaces.map(|(name, it)| (format!("namespace {name}"), namespace(name, it)));
    let nodes = cluster.nodes.iter();
    let nodes = nodes.map(|(name, it)| (format!("node {name}"), node(name, it)));
    let hosts = cluster.externals.iter();
    let hosts = hosts.map(|(name, it)| (format!("outside host {name}"), host(name, it)));
    let pods = cluster.pods.iter();
    let pods = pods.map(|(name, it)| (format!("pod {name}"), pod(name, it)));
    let objects = namespaces.chain(nodes).chain(hosts).chain(pods);
    objects.chain(policies(cluster)).collect()
}

fn policies(cluster: &Cluster) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    let mut add = |name: PolicyName, version: &str, audit: Option<bool>, spec: Value| {
        let object = policy(&name, version, audit, &spec);
        objects.push((format!("policy {name}"), object));
    };
    for (name, it) in &cluster.policies {
        let name = PolicyName::from(name.clone());
        add(name, "networking.k8s.io/v1", it.audit, json!(it.spec));
    }
    for (name, it) in &cluster.cluster_network_policies {
        let name = PolicyName::cluster(PolicyKind::ClusterNetworkPolicy, name);
        add(name, ALPHA2, it.audit, json!(it.spec));
    }
    for (name, it) in &cluster.admin_network_policies {
        let name = PolicyName::cluster(PolicyKind::AdminNetworkPolicy, name);
        add(name, ALPHA1, it.audit, json!(it.spec));
    }
    for (name, it) in &cluster.baseline_admin_network_policies {
        let name = PolicyName::cluster(PolicyKind::BaselineAdminNetworkPolicy, name);
        add(name, ALPHA1, it.audit, json!(it.spec));
    }
    for (name, it) in &cluster.host_policies {
        let name = PolicyName::cluster(PolicyKind::CiliumClusterwideNetworkPolicy, name);
        let mut object = policy(&name, "cilium.io/v2", it.audit, &json!(it.spec));
        object["specs"] = json!(it.specs);
        objects.push((format!("policy {name}"), object));
    }
    objects
}

fn policy(name: &PolicyName, version: &str, audit: Option<bool>, spec: &Value) -> Value {
    let mut metadata = json!({"name": name.name});
    if let Some(namespace) = &name.namespace {
        metadata["namespace"] = json!(namespace);
    }
    annotate(&mut metadata, audit);
    json!({"apiVersion": version, "kind": name.kind.name(), "metadata": metadata, "spec": spec})
}

fn annotate(metadata: &mut Value, audit: Option<bool>) {
    if let Some(audit) = audit {
        metadata["annotations"] = json!({"plumbline/audit": audit.to_string()});
    }
}

fn namespace(name: &str, it: &Namespace) -> Value {
    let mut metadata = json!({"name": name, "labels": it.labels});
    annotate(&mut metadata, it.audit);
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
}

fn node(name: &str, it: &Node) -> Value {
    let address = |address| json!({"type": "InternalIP", "address": address});
    let addresses: Vec<Value> = it.addresses.iter().map(address).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": it.labels},
        "status": {"addresses": addresses},
    })
}

fn host(name: &str, it: &External) -> Value {
    json!({
        "apiVersion": "plumbline/v1",
        "kind": "External",
        "metadata": {"name": name},
        "spec": {"addresses": addresses(it.addresses), "ports": ports(&it.ports)},
    })
}

fn pod(name: &ObjectName, it: &Pod) -> Value {
    let ips: Vec<Value> = it.addresses.iter().map(|ip| json!({"ip": ip})).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": name.namespace, "name": name.name, "labels": it.labels},
        "spec": {
            "nodeName": it.node,
            "hostNetwork": it.host_network,
            "containers": [{"name": "c", "ports": ports(&it.ports)}],
        },
        "status": {"podIPs": ips},
    })
}

fn addresses(addresses: Addresses) -> Vec<Value> {
    addresses.iter().map(|address| json!(address)).collect()
}

fn ports(ports: &[ContainerPort]) -> Vec<Value> {
    let port = |port: &ContainerPort| {
        let mut object = json!({"containerPort": port.port, "protocol": port.protocol.name()});
        if let Some(name) = &port.name {
            object["name"] = json!(name);
        }
        object
    };
    ports.iter().map(port).collect()
}
