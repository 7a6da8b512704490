//! A story as a case file, so that what was found once is tried again ever after.

use conformance::generate::{Round, Story};
use manifest::{
    Addresses, Cluster, ContainerPort, EndpointName, IpBlockMode, ObjectName, Pod, PolicyKind,
    PolicyName,
};
use oracle::{Probe, Side, judge};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Where regressions are kept.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/regressions")
}

/// Writes the story down, with what the witnesses said; what is expected is what the oracle says.
pub(crate) fn write(story: &Story, said: &str) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    said.hash(&mut hasher);
    let id = format!("parted-{:016x}", hasher.finish());
    let file = folder().join(format!("{id}.yaml"));
    let text = serde_saphyr::to_string(&case(story, &id, said)).unwrap();
    std::fs::create_dir_all(folder()).unwrap();
    std::fs::write(&file, text).unwrap();
    file
}

fn case(story: &Story, id: &str, said: &str) -> Value {
    let family = Family::of(story);
    let first = &story.rounds[0].cluster;
    let policies = Policies::of(&story.rounds);
    json!({
        "id": id,
        "title": "the witnesses parted",
        "notes": said,
        "namespaces": list(&first.namespaces, |name, it| json!({"name": name, "labels": it.labels})),
        "nodes": list(&first.nodes, |name, it| {
            json!({"name": name, "ip": family.pick(it.addresses), "labels": it.labels})
        }),
        "externals": list(&first.externals, |name, it| {
            json!({"name": name, "ip": family.pick(it.addresses), "ports": ports(&it.ports)})
        }),
        "pods": list(&first.pods, |name, pod| family.pod(name, pod)),
        "steps": steps(family, &story.rounds, &policies.actions),
        "policies": policies.objects,
        "expect": expectations(&story.rounds),
    })
}

/// A case file names one address an end: that of the family of the first question.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn of(story: &Story) -> Self {
        let mut questions = story.rounds.iter().flat_map(|round| &round.probes);
        match questions.next() {
            Some(probe) if probe.address.is_ipv6() => Self::V6,
            _ => Self::V4,
        }
    }

    fn pick(self, addresses: Addresses) -> Option<IpAddr> {
        match self {
            Self::V4 => addresses.v4.map(IpAddr::V4),
            Self::V6 => addresses.v6.map(IpAddr::V6),
        }
    }

    fn pod(self, name: &ObjectName, pod: &Pod) -> Value {
        json!({
            "namespace": name.namespace,
            "name": name.name,
            "ip": self.pick(pod.addresses),
            "node": pod.node,
            "hostNetwork": pod.host_network,
            "labels": pod.labels,
            "ports": ports(&pod.ports),
        })
    }
}

fn ports(ports: &[ContainerPort]) -> Value {
    ports.iter().map(port).collect()
}

fn port(port: &ContainerPort) -> Value {
    let mut fields = Map::new();
    if let Some(name) = &port.name {
        fields.insert("name".to_owned(), json!(name));
    }
    fields.insert("containerPort".to_owned(), json!(port.port));
    fields.insert("protocol".to_owned(), json!(port.protocol.name()));
    Value::Object(fields)
}

/// The versions of all policies, and what happens to them in each step.
#[derive(Default)]
struct Policies {
    /// By a short name; a policy that changes is another object.
    objects: Map<String, Value>,
    actions: Vec<Vec<Value>>,
}

impl Policies {
    fn of(rounds: &[Round]) -> Self {
        let mut policies = Self::default();
        let mut before = BTreeMap::new();
        for round in rounds {
            let after = objects(&round.cluster);
            policies.step(&before, &after);
            before = after;
        }
        policies
    }

    fn step(&mut self, before: &BTreeMap<PolicyName, Value>, after: &BTreeMap<PolicyName, Value>) {
        let mut actions = Vec::new();
        for (name, policy) in before {
            if !after.contains_key(name) {
                actions.push(json!({"op": "delete", "policy": self.key(policy)}));
            }
        }
        for (name, policy) in after {
            if before.get(name) != Some(policy) {
                actions.push(json!({"op": "apply", "policy": self.key(policy)}));
            }
        }
        self.actions.push(actions);
    }

    /// Names this version of a policy; a version that was there before keeps its name.
    fn key(&mut self, object: &Value) -> String {
        if let Some((key, _)) = self.objects.iter().find(|(_, known)| *known == object) {
            return key.clone();
        }
        let key = format!("p{}", self.objects.len() + 1);
        self.objects.insert(key.clone(), object.clone());
        key
    }
}

/// Every policy as it is written. What a namespace says about audit mode is written on its policies.
fn objects(cluster: &Cluster) -> BTreeMap<PolicyName, Value> {
    let mut objects = BTreeMap::new();
    for (name, policy) in &cluster.policies {
        let by_namespace = cluster.namespaces.get(&name.namespace);
        let audit = policy.audit.or(by_namespace.and_then(|it| it.audit));
        let name = PolicyName::from(name.clone());
        let object = object("networking.k8s.io/v1", &name, audit, &json!(policy.spec));
        objects.insert(name, object);
    }
    for (name, policy) in &cluster.cluster_network_policies {
        let name = PolicyName::cluster(PolicyKind::ClusterNetworkPolicy, name);
        let spec = json!(policy.spec);
        let version = "policy.networking.k8s.io/v1alpha2";
        objects.insert(name.clone(), object(version, &name, policy.audit, &spec));
    }
    let version = "policy.networking.k8s.io/v1alpha1";
    for (name, policy) in &cluster.admin_network_policies {
        let name = PolicyName::cluster(PolicyKind::AdminNetworkPolicy, name);
        let spec = json!(policy.spec);
        objects.insert(name.clone(), object(version, &name, policy.audit, &spec));
    }
    for (name, policy) in &cluster.baseline_admin_network_policies {
        let name = PolicyName::cluster(PolicyKind::BaselineAdminNetworkPolicy, name);
        let spec = json!(policy.spec);
        objects.insert(name.clone(), object(version, &name, policy.audit, &spec));
    }
    for (name, policy) in &cluster.host_policies {
        let name = PolicyName::cluster(PolicyKind::CiliumClusterwideNetworkPolicy, name);
        let mut object = object("cilium.io/v2", &name, policy.audit, &Value::Null);
        object["spec"] = json!(policy.spec);
        object["specs"] = json!(policy.specs);
        objects.insert(name, object);
    }
    objects
}

fn object(version: &str, name: &PolicyName, audit: Option<bool>, spec: &Value) -> Value {
    let mut object = json!({
        "apiVersion": version,
        "kind": name.kind.name(),
        "metadata": {"name": name.name},
        "spec": spec,
    });
    if let Some(namespace) = &name.namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    if let Some(audit) = audit {
        object["metadata"]["annotations"] = json!({"plumbline/audit": audit.to_string()});
    }
    object
}

/// The first step applies the policies, each later one what changed.
fn steps(family: Family, rounds: &[Round], policy_actions: &[Vec<Value>]) -> Value {
    let states = rounds.iter().map(|round| &round.cluster);
    let before = std::iter::once(&rounds[0].cluster).chain(states.clone());
    let steps = before.zip(states).zip(policy_actions);
    let steps = steps.map(|((before, after), policy_actions)| {
        let mut actions = policy_actions.clone();
        actions.extend(label_actions(before, after));
        actions.extend(pod_actions(family, before, after));
        json!({"actions": actions, "probes_from_expect": true})
    });
    steps.collect()
}

fn label_actions(before: &Cluster, after: &Cluster) -> Vec<Value> {
    let namespaces = after.namespaces.iter();
    let relabelled = namespaces.filter(|(name, it)| before.namespaces.get(*name) != Some(it));
    let relabelled = relabelled.map(
        |(name, it)| json!({"op": "set-namespace-labels", "namespace": name, "labels": it.labels}),
    );
    relabelled.collect()
}

/// A pod of which more than the labels changed is another pod.
fn pod_actions(family: Family, before: &Cluster, after: &Cluster) -> Vec<Value> {
    let mut actions = Vec::new();
    for (name, old) in &before.pods {
        if after
            .pods
            .get(name)
            .is_none_or(|new| !is_same_pod(old, new))
        {
            actions.push(json!({"op": "delete-pod", "pod": name.to_string()}));
        }
    }
    for (name, new) in &after.pods {
        match before.pods.get(name) {
            Some(old) if is_same_pod(old, new) && old.labels == new.labels => {}
            Some(old) if is_same_pod(old, new) => actions.push(json!({
                "op": "set-pod-labels", "pod": name.to_string(), "labels": new.labels,
            })),
            _ => actions.push(json!({"op": "create-pod", "pod": family.pod(name, new)})),
        }
    }
    actions
}

fn is_same_pod(old: &Pod, new: &Pod) -> bool {
    let relabelled = Pod {
        labels: new.labels.clone(),
        ..old.clone()
    };
    relabelled == *new
}

fn expectations(rounds: &[Round]) -> Value {
    let steps = rounds.iter().enumerate();
    let expectations = steps.flat_map(|(step, round)| {
        let probes = round.probes.iter();
        probes.map(move |probe| expectation(step, &round.cluster, probe))
    });
    expectations.collect()
}

fn expectation(step: usize, cluster: &Cluster, probe: &Probe) -> Value {
    let [any, external] =
        [IpBlockMode::Any, IpBlockMode::External].map(|mode| judge(cluster, mode, probe).unwrap());
    let mut fields = json!({
        "step": step + 1,
        "from": end(&probe.from),
        "to": end(&probe.to),
        "protocol": probe.protocol.name(),
    });
    if let Some(port) = probe.port {
        fields["port"] = json!(port);
    }
    fields["verdict"] = json!(verdict(any.is_allowed()));
    fields["egress"] = json!(side(&any.egress));
    fields["ingress"] = json!(side(&any.ingress));
    if external.is_allowed() != any.is_allowed() {
        fields["verdict_cilium"] = json!(verdict(external.is_allowed()));
    }
    fields
}

fn end(name: &EndpointName) -> String {
    match name {
        EndpointName::Pod(name) => name.to_string(),
        EndpointName::Node(name) => format!("node:{name}"),
        EndpointName::External(name) => format!("ext:{name}"),
        EndpointName::Service(name) => format!("svc:{name}"),
    }
}

fn verdict(is_allowed: bool) -> &'static str {
    if is_allowed { "allow" } else { "deny" }
}

fn side(side: &Side) -> &'static str {
    match side {
        Side::NotIsolated => "none",
        Side::Allowed(_) => "allow",
        Side::Denied(_) => "deny",
        Side::Audited(_) => "audit",
    }
}

fn list<K, V>(objects: &BTreeMap<K, V>, write: impl Fn(&K, &V) -> Value) -> Vec<Value> {
    objects
        .iter()
        .map(|(name, object)| write(name, object))
        .collect()
}
