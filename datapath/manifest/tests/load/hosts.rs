//! Host policies: what is kept of them.

use crate::world::load;
use manifest::cilium::LabelKey;
use manifest::{Cluster, FailsafePort, ObjectRef, PolicyKind, PolicyName, Protocol};

const POLICY: &str = r#"
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: lock-down, uid: 1-2, annotations: {plumbline/audit: "true"}}
spec:
  description: What may reach our nodes
  nodeSelector: {matchLabels: {kubernetes.io/os: linux}}
  enableDefaultDeny: {egress: false}
  ingress:
  - {}
  - fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": shop, "any:app": web}}]
    toPorts: [{ports: [{port: "80", endPort: 90, protocol: TCP}, {port: "0"}]}]
  egress:
  - toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]
specs:
- {nodeSelector: {}, egress: [{toEntities: [remote-node]}]}
status: {conditions: [{type: Valid, status: "True"}]}
"#;

#[test]
fn host_policies_are_kept_as_written() {
    let cluster = load(POLICY);
    let policy = &cluster.host_policies["lock-down"];
    assert_eq!(policy.audit, Some(true));
    let paths: Vec<_> = policy.rules().map(|(path, _)| path).collect();
    assert_eq!(paths, ["spec", "specs[0]"]);
    let spec = policy.spec.as_ref().unwrap();
    let ingress = spec.ingress.as_ref().unwrap();
    assert_eq!(ingress[0], manifest::cilium::IngressRule::default());
    let ports = &ingress[1].to_ports.as_ref().unwrap()[0].ports;
    assert_eq!(
        (ports[0].port.as_str(), ports[0].end_port),
        ("80", Some(90))
    );
    let place = policy.origin.locate("specs[0].egress[0].toEntities[0]");
    assert_eq!((place.line, place.column), (16, 45));
}

#[test]
fn a_host_policy_is_found_by_its_name_and_deleted_by_its_kind() {
    let mut cluster = load(POLICY);
    let kind = PolicyKind::CiliumClusterwideNetworkPolicy;
    let name = PolicyName::cluster(kind, "lock-down");
    assert!(cluster.policy_names().eq([name.clone()]));
    assert!(cluster.policy_origin(&name).is_some());
    let object = ObjectRef {
        kind: kind.to_string(),
        namespace: None,
        name: "lock-down".to_owned(),
    };
    assert!(cluster.remove(&object));
    assert!(!cluster.remove(&object));
    assert!(cluster.policy_origin(&name).is_none());
}

#[test]
fn keys_of_labels_say_what_they_are_about() {
    for (text, expected) in [
        ("app", Some(LabelKey::Pod("app"))),
        ("k8s:app", Some(LabelKey::Pod("app"))),
        (
            "any:example.org/app",
            Some(LabelKey::Pod("example.org/app")),
        ),
        ("io.kubernetes.pod.namespace", Some(LabelKey::NamespaceName)),
        (
            "k8s:io.cilium.k8s.namespace.labels.team",
            Some(LabelKey::NamespaceLabel("team")),
        ),
        ("reserved:host", None),
        ("io.cilium.k8s.policy.serviceaccount", None),
    ] {
        assert_eq!(LabelKey::parse(text), expected, "{text}");
    }
}

#[test]
fn what_keeps_a_node_alive_is_there_without_being_asked_for() {
    let failsafe = Cluster::default().failsafe_ports;
    let ssh = FailsafePort::single(Protocol::Tcp, 22);
    assert!(failsafe.inbound.contains(&ssh) && !failsafe.outbound.contains(&ssh));
    let dns = FailsafePort::single(Protocol::Udp, 53);
    assert!(failsafe.outbound.contains(&dns) && !failsafe.inbound.contains(&dns));
}
