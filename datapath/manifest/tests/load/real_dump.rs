//! What `kubectl get -A -o yaml` gives: owners and the pods they own, status and all.

use crate::world::{apply, nodes, pods};
use manifest::Cluster;

#[test]
fn a_dump_of_a_cluster_is_that_cluster() {
    let mut cluster = Cluster::default();
    let applied = apply(&mut cluster, include_str!("good/dump.yaml"));
    assert_eq!(
        nodes(&cluster),
        "kind-control-plane 172.19.0.2 fc00:f853:ccd:e793::2 pods 10.244.0.0/24 fd00:10:244::/64\n"
    );
    assert_eq!(
        pods(&cluster),
        "kube-system/etcd-kind-control-plane on kind-control-plane 172.19.0.2 fc00:f853:ccd:e793::2
kube-system/kindnet-7xk2p on kind-control-plane 172.19.0.2 fc00:f853:ccd:e793::2 of DaemonSet kindnet
shop/web-6d4b75cb6d-hx8kz on kind-control-plane 10.244.0.7 fd00:10:244::7 of Deployment web\n"
    );
    assert_eq!(
        applied.skipped_line().as_deref(),
        Some("skipped 1 ConfigMap, 1 finished Pod")
    );
    assert!(applied.warnings.is_empty(), "{:?}", applied.warnings);
    assert_eq!(cluster.services.len(), 1);
    assert_eq!(cluster.endpoint_slices.len(), 1);
    assert_eq!(cluster.policies.len(), 1);
}

#[test]
fn the_same_dump_without_pods_expands_each_workload_once() {
    let dump = include_str!("good/dump.yaml");
    let without_pods = dump.replace("  kind: Pod\n", "  kind: Skipped\n");
    let mut cluster = Cluster::default();
    apply(&mut cluster, &without_pods);
    assert_eq!(
        pods(&cluster),
        "kube-system/kindnet on kind-control-plane 172.19.0.2 fc00:f853:ccd:e793::2 of DaemonSet kindnet
shop/backup on kind-control-plane 10.244.0.3 fd00:10:244::3 of CronJob backup
shop/web on kind-control-plane 10.244.0.2 fd00:10:244::2 of Deployment web\n"
    );
}
