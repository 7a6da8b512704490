//! Applying and deleting, as `kubectl` does.

use crate::world::{apply, load, pods, source};
use manifest::{Cluster, ObjectName, ObjectRef};

const NETWORK_POLICY: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop, annotations: {audit: 'true'}}
spec: {podSelector: {matchLabels: {app: web}}}
";

const SHOP: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: other}}
---
{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {ports: [{port: 80, targetPort: http}]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-1, namespace: shop}, addressType: IPv4, endpoints: []}
---
{apiVersion: plumbline/v1, kind: External, metadata: {name: partner}, spec: {addresses: [203.0.113.10, '2001:db8::10'], ports: [{containerPort: 443}]}}
---";

fn shop() -> Cluster {
    load(&(SHOP.to_owned() + NETWORK_POLICY))
}

#[test]
fn every_kind_comes_in() {
    let cluster = shop();
    let name = ObjectName::new("shop", "web");
    assert_eq!(
        cluster.namespaces.keys().collect::<Vec<_>>(),
        ["other", "shop"]
    );
    assert_eq!(
        cluster.namespaces["shop"].labels["kubernetes.io/metadata.name"],
        "shop"
    );
    assert_eq!(cluster.namespaces["shop"].labels["team"], "a");
    assert_eq!(
        cluster.namespaces["other"].labels["kubernetes.io/metadata.name"],
        "other"
    );
    assert!(
        cluster.policies[&name].spec.policy_types.is_none(),
        "defaults are not filled in"
    );
    assert!(cluster.services[&name].object.spec.is_some());
    assert_eq!(
        cluster.services[&name].object.metadata.name.as_deref(),
        Some("web")
    );
    assert_eq!(cluster.endpoint_slices.len(), 1);
    assert_eq!(cluster.externals["partner"].addresses.iter().count(), 2);
    assert_eq!(cluster.externals["partner"].ports[0].port, 443);
}

#[test]
fn an_object_that_is_applied_again_is_replaced() {
    let mut cluster = shop();
    let applied = apply(
        &mut cluster,
        &NETWORK_POLICY.replace("app: web", "app: api"),
    );
    assert_eq!(applied.objects[0].to_string(), "NetworkPolicy shop/web");
    let spec = &cluster.policies[&ObjectName::new("shop", "web")].spec;
    let labels = spec
        .pod_selector
        .as_ref()
        .unwrap()
        .match_labels
        .as_ref()
        .unwrap();
    assert_eq!(labels["app"], "api");
}

#[test]
fn relabelling_keeps_the_address() {
    let mut cluster = shop();
    let before = pods(&cluster);
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}}",
    );
    assert_eq!(pods(&cluster), before);
    assert_eq!(
        cluster.pods[&ObjectName::new("shop", "web")].labels["app"],
        "web"
    );
}

#[test]
fn applying_twice_changes_nothing() {
    let once = shop();
    let mut twice = once.clone();
    apply(&mut twice, &(SHOP.to_owned() + NETWORK_POLICY));
    assert_eq!(twice, once);
}

#[test]
fn what_is_left_out_is_counted() {
    let kinds = [
        "ConfigMap",
        "Ingress",
        "ConfigMap",
        "Ingress",
        "HTTPProxyPolicy",
        "CiliumNetworkPolicy",
        "Endpoints",
    ];
    let other = kinds
        .map(|kind| format!("{{apiVersion: x/v1, kind: {kind}, metadata: {{name: x}}}}\n---\n"))
        .concat();
    let finished =
        "{apiVersion: v1, kind: Pod, metadata: {name: done}, status: {phase: Succeeded}}\n---\n";
    let elsewhere = "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: x}, spec: {template: {}}}";
    let mut cluster = Cluster::default();
    let applied = apply(&mut cluster, &(other + finished + elsewhere));
    assert_eq!(
        applied.skipped_line().as_deref(),
        Some(
            "skipped 1 CiliumNetworkPolicy, 2 ConfigMaps, 1 Endpoints, 1 HTTPProxyPolicy, 2 Ingresses, 1 Service, \
             1 finished Pod"
        )
    );
    assert!(cluster.pods.is_empty());
    assert_eq!(apply(&mut cluster, SHOP).skipped_line(), None);
}

#[test]
fn a_pod_that_has_finished_goes() {
    let mut cluster = shop();
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, status: {phase: Failed}}",
    );
    assert_eq!(pods(&cluster).lines().count(), 1);
}

#[test]
fn deleting_takes_what_depends_on_it() {
    let cases: [(&str, &str); 4] = [
        (
            "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
            "Pod other/web, External partner, Node node-1, Namespace other",
        ),
        (
            "{apiVersion: v1, kind: Node, metadata: {name: node-1}}",
            "NetworkPolicy shop/web, External partner, Namespace other, Namespace shop, Service shop/web, EndpointSlice shop/web-1",
        ),
        (
            "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}}",
            "NetworkPolicy shop/web, Pod other/web, Pod shop/web, External partner, Node node-1, Namespace other, Namespace shop, EndpointSlice shop/web-1",
        ),
        (
            NETWORK_POLICY,
            "Pod other/web, Pod shop/web, External partner, Node node-1, Namespace other, Namespace shop, Service shop/web, EndpointSlice shop/web-1",
        ),
    ];
    for (text, left) in cases {
        let mut cluster = shop();
        let deleted = cluster.delete(&source(text)).unwrap();
        assert_eq!(deleted.len(), 1);
        assert_eq!(everything(&cluster), left, "after deleting {}", deleted[0]);
    }
}

fn everything(cluster: &Cluster) -> String {
    let named = |kind: &str, name: &dyn std::fmt::Display| format!("{kind} {name}");
    let policies = cluster
        .policies
        .keys()
        .map(|name| named("NetworkPolicy", name));
    let pods = cluster.pods.keys().map(|name| named("Pod", name));
    let externals = cluster.externals.keys().map(|name| named("External", name));
    let nodes = cluster.nodes.keys().map(|name| named("Node", name));
    let namespaces = cluster
        .namespaces
        .keys()
        .map(|name| named("Namespace", name));
    let services = cluster.services.keys().map(|name| named("Service", name));
    let slices = cluster
        .endpoint_slices
        .keys()
        .map(|name| named("EndpointSlice", name));
    let all: Vec<_> = policies
        .chain(pods)
        .chain(externals)
        .chain(nodes)
        .chain(namespaces)
        .chain(services)
        .chain(slices)
        .collect();
    all.join(", ")
}

#[test]
fn deleting_a_workload_takes_its_pods() {
    let text =
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2}}";
    let mut cluster = load(text);
    assert_eq!(cluster.pods.len(), 2);
    cluster.delete(&source(text)).unwrap();
    assert_eq!(cluster.pods.len(), 0);
}

#[test]
fn deleting_what_is_not_there_changes_nothing() {
    let mut cluster = shop();
    let before = cluster.clone();
    let text =
        NETWORK_POLICY.to_owned() + "---\n{apiVersion: v1, kind: Pod, metadata: {name: api}}";
    let errors = cluster.delete(&source(&text)).unwrap_err();
    assert_eq!(cluster, before);
    assert_eq!(
        errors.to_string(),
        "error: Pod default/api: cannot be deleted: it is not there\n --> cluster.yaml:7:1\n  |\n\
         7 | {apiVersion: v1, kind: Pod, metadata: {name: api}}\n  | ^"
    );
}

#[test]
fn objects_can_be_removed_by_name() {
    let mut cluster = shop();
    let external = ObjectRef {
        kind: "External".to_owned(),
        namespace: None,
        name: "partner".to_owned(),
    };
    assert!(cluster.remove(&external));
    assert!(!cluster.remove(&external));
}
