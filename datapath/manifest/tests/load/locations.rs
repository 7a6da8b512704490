//! Every field knows where it is written.

use crate::world::load;
use manifest::{Cluster, Location, ObjectName};

const TEXT: &str = "\
# a comment
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: web
  namespace: shop
spec:
  podSelector:
    matchLabels: {app.kubernetes.io/name: web}
  ingress:
  - from:
    - podSelector: {}
      namespaceSelector:
        matchLabels:
          team: \"a\"
    - ipBlock:
        cidr: 10.0.0.0/8
        except: [10.1.0.0/16, 10.2.0.0/16]
    ports:
    - port: 80
      endPort: 90
  - {}
";

fn locate(cluster: &Cluster, path: &str) -> Location {
    cluster.policies[&ObjectName::new("shop", "web")]
        .origin
        .locate(path)
}

#[test]
fn fields_are_found_by_their_paths() {
    let cluster = load(TEXT);
    let cases = [
        ("", "6:1"),
        ("spec", "12:3"),
        ("metadata.name", "9:9"),
        (
            "spec.podSelector.matchLabels[app.kubernetes.io/name]",
            "13:43",
        ),
        ("spec.ingress", "15:5"),
        ("spec.ingress[0]", "15:5"),
        ("spec.ingress[0].from[0]", "16:7"),
        ("spec.ingress[0].from[0].podSelector", "16:20"),
        (
            "spec.ingress[0].from[0].namespaceSelector.matchLabels[team]",
            "19:17",
        ),
        ("spec.ingress[0].from[1].ipBlock.cidr", "21:15"),
        ("spec.ingress[0].from[1].ipBlock.except[1]", "22:31"),
        ("spec.ingress[0].ports[0].port", "24:13"),
        ("spec.ingress[0].ports[0].endPort", "25:16"),
        ("spec.ingress[1]", "26:5"),
    ];
    for (path, place) in cases {
        assert_eq!(
            locate(&cluster, path).to_string(),
            format!("cluster.yaml:{place}"),
            "{path}"
        );
    }
}

#[test]
fn what_is_not_written_is_found_at_its_parent() {
    let cluster = load(TEXT);
    let cases = [
        ("spec.ingress[0].ports[0].protocol", "24:7"),
        ("spec.ingress[1].from[3].podSelector", "26:5"),
        ("spec.policyTypes", "12:3"),
        ("status.conditions", "6:1"),
    ];
    for (path, place) in cases {
        assert_eq!(
            locate(&cluster, path).to_string(),
            format!("cluster.yaml:{place}"),
            "{path}"
        );
    }
}

#[test]
fn pods_point_at_their_workload() {
    let cluster = load(&format!(
        "{TEXT}---\n{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: web}}}}\n"
    ));
    let pod = &cluster.pods[&ObjectName::new("default", "web")];
    assert_eq!(pod.origin.location.to_string(), "cluster.yaml:28:1");
    assert_eq!(cluster.namespaces["shop"].origin.location.line, 2);
    assert_eq!(
        cluster.namespaces["default"].origin.location.to_string(),
        "the namespace of Pod default/web"
    );
}

#[test]
fn an_alias_points_at_what_it_stands_for() {
    let cluster = load(
        "labels: &labels {app: web}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop, labels: *labels}
spec: {podSelector: {matchLabels: *labels}}
"
        .replace("labels: &labels {app: web}\n", "")
        .replace("labels: *labels}", "labels: &labels {app: web}}")
        .as_str(),
    );
    assert_eq!(
        locate(&cluster, "spec.podSelector.matchLabels[app]").to_string(),
        "cluster.yaml:3:62"
    );
}
