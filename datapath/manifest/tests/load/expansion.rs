//! Which pods a workload stands for.

use crate::world::{apply, load, pods};
use manifest::{Cluster, Protocol};

/// A workload of `kind` called `web` whose `spec` begins with `spec`.
fn workload(kind: &str, spec: &str) -> String {
    let group = if kind.ends_with("Job") {
        "batch/v1"
    } else {
        "apps/v1"
    };
    let group = if kind == "ReplicationController" {
        "v1"
    } else {
        group
    };
    format!(
        "{{apiVersion: {group}, kind: {kind}, metadata: {{name: web}}, spec: {{{spec} \
         template: {{metadata: {{labels: {{app: web}}}}}}}}}}\n---\n"
    )
}

fn names(text: &str) -> Vec<String> {
    load(text)
        .pods
        .keys()
        .map(|name| name.name.clone())
        .collect()
}

#[test]
fn every_kind_names_its_pods() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("Deployment", "", &["web"]),
        ("Deployment", "replicas: 1,", &["web"]),
        ("Deployment", "replicas: 3,", &["web-0", "web-1", "web-2"]),
        ("Deployment", "replicas: 0,", &[]),
        ("ReplicaSet", "replicas: 2,", &["web-0", "web-1"]),
        ("ReplicationController", "replicas: 2,", &["web-0", "web-1"]),
        ("StatefulSet", "", &["web-0"]),
        ("StatefulSet", "replicas: 2,", &["web-0", "web-1"]),
        ("DaemonSet", "", &["web"]),
        ("Job", "", &["web"]),
        ("Job", "parallelism: 2,", &["web-0", "web-1"]),
        ("Job", "parallelism: 0,", &[]),
    ];
    for (kind, spec, expected) in cases {
        assert_eq!(names(&workload(kind, spec)), expected, "{kind} {spec}");
    }
}

#[test]
fn a_cron_job_has_the_pods_of_one_job() {
    let cluster = load(
        "apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {jobTemplate: {spec: {parallelism: 2, template: {metadata: {labels: {app: nightly}}}}}}",
    );
    assert_eq!(
        pods(&cluster),
        "default/nightly-0 on node-1 10.244.0.2 fd00:10:244::2 of CronJob nightly
default/nightly-1 on node-1 10.244.0.3 fd00:10:244::3 of CronJob nightly\n"
    );
    assert!(
        cluster
            .pods
            .values()
            .all(|pod| pod.labels["app"] == "nightly")
    );
}

#[test]
fn a_finished_job_has_no_pods() {
    let text = "{apiVersion: batch/v1, kind: Job, metadata: {name: web}, status: {completionTime: \"2024-01-01T00:00:00Z\"}}";
    assert_eq!(load(text).pods.len(), 0);
}

#[test]
fn a_daemon_set_has_a_pod_on_every_node() {
    let nodes = "{apiVersion: v1, kind: Node, metadata: {name: b}}\n---\n{apiVersion: v1, kind: Node, metadata: {name: a}}\n---\n";
    let cluster = load(&(nodes.to_owned() + &workload("DaemonSet", "")));
    assert_eq!(
        pods(&cluster),
        "default/web-a on a 10.244.0.2 fd00:10:244::2 of DaemonSet web
default/web-b on b 10.244.1.2 fd00:10:244:1::2 of DaemonSet web\n"
    );
}

#[test]
fn pods_have_the_ports_of_all_containers_that_keep_running() {
    let cluster = load(
        "apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - ports: [{containerPort: 80, name: http, hostPort: 8080}]
  - ports: [{containerPort: 53, protocol: UDP}]
  initContainers:
  - {restartPolicy: Always, ports: [{containerPort: 9090, protocol: SCTP}]}
  - ports: [{containerPort: 1}]",
    );
    let (_, pod) = cluster.pods.first_key_value().unwrap();
    let ports: Vec<_> = pod
        .ports
        .iter()
        .map(|port| (port.name.as_deref(), port.port, port.protocol))
        .collect();
    let expected = [
        (Some("http"), 80, Protocol::Tcp),
        (None, 53, Protocol::Udp),
        (None, 9090, Protocol::Sctp),
    ];
    assert_eq!(ports, expected);
}

#[test]
fn pods_of_one_name_keep_apart() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web}}\n---\n";
    let text = pod.to_owned() + &workload("Deployment", "") + &workload("Job", "");
    let once = load(&text);
    assert_eq!(
        pods(&once),
        "default/web on node-1 10.244.0.2 fd00:10:244::2
default/web-deployment on node-1 10.244.0.3 fd00:10:244::3 of Deployment web
default/web-job on node-1 10.244.0.4 fd00:10:244::4 of Job web\n"
    );
    let mut again = once.clone();
    apply(&mut again, &workload("Job", ""));
    assert_eq!(pods(&again), pods(&once));
}

#[test]
fn a_workload_that_changes_has_its_new_pods_only() {
    let mut cluster = Cluster::default();
    apply(&mut cluster, &workload("StatefulSet", "replicas: 3,"));
    apply(&mut cluster, &workload("Deployment", "replicas: 1,"));
    apply(&mut cluster, &workload("StatefulSet", "replicas: 2,"));
    assert_eq!(
        pods(&cluster),
        "default/web on node-1 10.244.0.5 fd00:10:244::5 of Deployment web
default/web-0 on node-1 10.244.0.2 fd00:10:244::2 of StatefulSet web
default/web-1 on node-1 10.244.0.3 fd00:10:244::3 of StatefulSet web\n"
    );
}
