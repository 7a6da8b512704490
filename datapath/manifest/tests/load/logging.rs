//! `NetworkLogging` and the annotations that it delegates to.

use crate::world::{apply, load, refuse, source};
use manifest::{Cluster, ObjectName};

/// The object with this name and these switches.
fn logging(name: &str, cluster: &str) -> String {
    format!(
        "apiVersion: networking.gke.io/v1alpha1
kind: NetworkLogging
metadata: {{name: {name}}}
spec:
  cluster:
    {cluster}
"
    )
}

/// Allow and deny, each `(log, delegate)`; none if nothing is configured.
fn switches(cluster: &Cluster) -> Option<[(bool, bool); 2]> {
    let logging = cluster.network_logging.as_ref()?;
    Some([logging.allow, logging.deny].map(|switch| (switch.log, switch.delegate)))
}

#[test]
fn what_is_not_written_is_off() {
    let both = load(&logging(
        "default",
        "{allow: {log: true, delegate: true}, deny: {log: true}}",
    ));
    assert_eq!(switches(&both), Some([(true, true), (true, false)]));
    let none = load(&logging("default", "{}"));
    assert_eq!(switches(&none), Some([(false, false); 2]));
    assert_eq!(
        switches(&load("{apiVersion: v1, kind: Pod, metadata: {name: web}}")),
        None
    );
}

#[test]
fn a_new_object_takes_the_place_of_the_old_and_deleting_it_turns_logging_off() {
    let mut cluster = load(&logging("default", "{allow: {log: true}}"));
    apply(&mut cluster, &logging("default", "{deny: {log: true}}"));
    assert_eq!(switches(&cluster), Some([(false, false), (true, false)]));
    let text = logging("default", "{}");
    cluster.delete(&source(&text)).unwrap();
    assert_eq!(switches(&cluster), None);
    assert!(cluster.delete(&source(&text)).is_err(), "it is not there");
}

#[test]
fn a_manifest_with_an_object_that_changed_nothing_can_be_deleted() {
    let partner = "---\n{apiVersion: plumbline/v1, kind: External, metadata: {name: partner}, \
                   spec: {addresses: [203.0.113.10]}}\n";
    let text = logging("other", "{deny: {log: true}}") + partner;
    let mut cluster = load(&text);
    assert!(cluster.externals.contains_key("partner"));
    cluster.delete(&source(&text)).unwrap();
    assert_eq!(cluster, Cluster::default());
}

#[test]
fn deleting_goes_by_the_name_whatever_else_is_written() {
    let in_force = load(&logging("default", "{deny: {log: true}}"));
    let mut cluster = in_force.clone();
    let other = logging("other", "{}");
    cluster.delete(&source(&other)).unwrap();
    assert_eq!(cluster, in_force);
    let invalid = logging("default", "{deny: {delegate: true}}");
    cluster.delete(&source(&invalid)).unwrap();
    assert_eq!(switches(&cluster), None);
}

#[track_caller]
fn check_ignored(text: &str, warning: &str) {
    let mut cluster = load(&logging("default", "{allow: {log: true}}"));
    let applied = apply(&mut cluster, text);
    assert_eq!(
        switches(&cluster),
        Some([(true, false), (false, false)]),
        "what was in force stays"
    );
    let warnings: Vec<String> = applied.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with(warning), "{}", warnings[0]);
}

#[test]
fn an_object_that_is_not_valid_changes_nothing_and_says_why() {
    check_ignored(
        &logging("default", "{deny: {log: false, delegate: true}}"),
        "warning: NetworkLogging default: spec.cluster.deny.delegate: delegates the logging of deny while it is off, so the object changes nothing\n --> cluster.yaml:6:35",
    );
    check_ignored(
        &logging("other", "{deny: {log: true}}"),
        "warning: NetworkLogging other: metadata.name: is named \"other\", so it changes nothing\n --> cluster.yaml:3:18",
    );
}

#[test]
fn an_unknown_field_or_a_wrong_type_is_an_error() {
    let misspelt = refuse(&logging("default", "{allow: {logs: true}}")).to_string();
    assert!(misspelt.contains("cluster.yaml:6:14"), "{misspelt}");
    let text = refuse(&logging("default", "{allow: {log: \"yes\"}}")).to_string();
    assert!(text.contains("spec.cluster.allow.log"), "{text}");
}

/// A policy and a namespace with this value of their annotations, as YAML.
fn annotated(value: &str) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: shop, annotations: {{policy.network.gke.io/enable-deny-logging: {value}}}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: web, namespace: shop, annotations: {{policy.network.gke.io/enable-logging: {value}}}}}
spec: {{podSelector: {{}}}}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {{name: guard, annotations: {{policy.network.gke.io/enable-logging: {value}}}}}
spec: {{tier: Admin, priority: 1, subject: {{namespaces: {{}}}}}}
"
    )
}

#[track_caller]
fn check_annotations(value: &str, is_on: bool, warnings: usize) {
    let mut cluster = Cluster::default();
    let applied = apply(&mut cluster, &annotated(value));
    let policy = &cluster.policies[&ObjectName::new("shop", "web")];
    let found = [
        cluster.namespaces["shop"].logs_denials,
        policy.is_logged,
        cluster.cluster_network_policies["guard"].is_logged,
    ];
    assert_eq!(found, [is_on; 3], "{value}");
    assert_eq!(
        applied.warnings.len(),
        warnings,
        "{value}: {:?}",
        applied.warnings
    );
}

#[test]
fn only_the_word_true_switches_an_annotation_on() {
    check_annotations("\"true\"", true, 0);
    check_annotations("\"false\"", false, 0);
    check_annotations("\"True\"", false, 3);
    check_annotations("\"\"", false, 3);
    refuse(&annotated("true"));
}
