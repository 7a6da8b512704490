//! Policies for the whole cluster, and audit mode: what is kept of them.

use crate::world::{apply, load};
use manifest::{ObjectRef, PolicyKind, PolicyName};

/// As a cluster prints it: with status and metadata of the server.
const POLICIES: &str = r#"
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard, uid: 1-2, annotations: {plumbline/audit: "true"}}
spec:
  tier: Admin
  priority: 0
  subject: {pods: {podSelector: {matchLabels: {app: db}}}}
  ingress:
  - name: from-web
    action: Accept
    from: [{namespaces: {}}]
    protocols: [{tcp: {destinationPort: {range: {start: 80, end: 90}}}}, {destinationNamedPort: sql}]
status: {conditions: [{type: Accepted, status: "True"}]}
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: AdminNetworkPolicy
metadata: {name: guard}
spec:
  priority: 1000
  subject: {pods: {namespaceSelector: {}, podSelector: {}}}
  egress:
  - action: Pass
    to: [{nodes: {}}, {networks: [10.0.0.0/8, "fd00::/8"]}]
    ports: [{portNumber: {port: 53, protocol: UDP}}, {portRange: {start: 1, end: 65535}}]
---
apiVersion: policy.networking.k8s.io/v1alpha1
kind: BaselineAdminNetworkPolicy
metadata: {name: default}
spec: {subject: {namespaces: {}}, ingress: [{action: Deny, from: [{namespaces: {}}]}]}
"#;

#[test]
fn policies_for_the_whole_cluster_are_kept_as_written() {
    let cluster = load(POLICIES);
    let guard = &cluster.cluster_network_policies["guard"];
    assert_eq!((guard.spec.priority, guard.audit), (Some(0), Some(true)));
    let rule = &guard.spec.ingress[0];
    assert_eq!(rule.action, "Accept");
    let protocols = rule.protocols.as_ref().unwrap();
    assert_eq!(protocols[1].destination_named_port.as_deref(), Some("sql"));
    let guard = &cluster.admin_network_policies["guard"];
    assert_eq!(guard.audit, None);
    assert_eq!(
        guard.spec.egress[0].to[1].networks.as_ref().unwrap().len(),
        2
    );
    let place = guard.origin.locate("spec.egress[0].to[1].networks[1]");
    assert_eq!((place.line, place.column), (24, 47));
    let base = &cluster.baseline_admin_network_policies["default"];
    assert_eq!(base.spec.ingress[0].action, "Deny");
}

#[test]
fn every_policy_is_found_by_its_name_and_deleted_by_its_kind() {
    let mut cluster = load(POLICIES);
    for (kind, name) in [
        (PolicyKind::ClusterNetworkPolicy, "guard"),
        (PolicyKind::AdminNetworkPolicy, "guard"),
        (PolicyKind::BaselineAdminNetworkPolicy, "default"),
    ] {
        let policy = PolicyName::cluster(kind, name);
        assert!(cluster.policy_origin(&policy).is_some(), "{policy}");
        let object = ObjectRef {
            kind: kind.to_string(),
            namespace: None,
            name: name.to_owned(),
        };
        assert!(cluster.remove(&object), "{policy}");
        assert!(!cluster.remove(&object), "{policy}");
        assert!(cluster.policy_origin(&policy).is_none(), "{policy}");
    }
}

#[test]
fn audit_mode_is_read_from_namespaces_and_policies() {
    let mut cluster = load(
        r#"
apiVersion: v1
kind: Namespace
metadata: {name: shop, annotations: {plumbline/audit: "true"}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop, annotations: {plumbline/audit: "false"}}
spec: {podSelector: {}}
"#,
    );
    assert_eq!(cluster.namespaces["shop"].audit, Some(true));
    assert_eq!(cluster.policies.values().next().unwrap().audit, Some(false));
    apply(
        &mut cluster,
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    assert_eq!(cluster.namespaces["shop"].audit, None);
}

#[test]
fn a_priority_is_shared_with_what_was_there_before() {
    let mut cluster = load(POLICIES);
    let applied = apply(
        &mut cluster,
        "{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: late}, \
         spec: {priority: 0, subject: {namespaces: {}}}}",
    );
    let [warning] = applied.warnings.as_slice() else {
        panic!("{:?}", applied.warnings);
    };
    assert_eq!(
        warning.message,
        "0 is the priority of ClusterNetworkPolicy/guard in the same tier as well"
    );
}
