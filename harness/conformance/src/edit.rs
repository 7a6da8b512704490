//! Changes to a cluster that manifests do not express: labels that are set or taken away, objects that are deleted.

use anyhow::{Context, ensure};
use manifest::{Cluster, ObjectName, ObjectRef, Pod, PolicyName};
use std::collections::BTreeMap;

/// Labels of an object.
pub(crate) type Labels = BTreeMap<String, String>;

/// The label that every namespace has, with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// Gives the namespace these labels instead of those it has.
pub(crate) fn set_namespace_labels(
    cluster: &mut Cluster,
    name: &str,
    mut labels: Labels,
) -> anyhow::Result<()> {
    labels.insert(NAMESPACE_NAME.to_owned(), name.to_owned());
    *namespace_labels(cluster, name)? = labels;
    Ok(())
}

/// The labels of a namespace, to change them.
pub(crate) fn namespace_labels<'a>(
    cluster: &'a mut Cluster,
    name: &str,
) -> anyhow::Result<&'a mut Labels> {
    let namespace = cluster.namespaces.get_mut(name);
    let namespace = namespace.with_context(|| format!("there is no namespace {name}"))?;
    Ok(&mut namespace.labels)
}

/// A pod, to change it.
pub(crate) fn pod<'a>(cluster: &'a mut Cluster, name: &ObjectName) -> anyhow::Result<&'a mut Pod> {
    let pod = cluster.pods.get_mut(name);
    pod.with_context(|| format!("there is no pod {name}"))
}

/// The labels of a pod, to change them.
pub(crate) fn pod_labels<'a>(
    cluster: &'a mut Cluster,
    name: &ObjectName,
) -> anyhow::Result<&'a mut Labels> {
    Ok(&mut pod(cluster, name)?.labels)
}

/// Deletes a service.
pub(crate) fn delete_service(cluster: &mut Cluster, name: &ObjectName) -> anyhow::Result<()> {
    let service = cluster.services.remove(name);
    service.with_context(|| format!("there is no service {name}"))?;
    Ok(())
}

/// Deletes the namespace with its pods and policies.
pub(crate) fn delete_namespace(cluster: &mut Cluster, name: &str) -> anyhow::Result<()> {
    let namespace = cluster.namespaces.remove(name);
    namespace.with_context(|| format!("there is no namespace {name}"))?;
    cluster.pods.retain(|pod, _| pod.namespace != name);
    cluster
        .policies
        .retain(|policy, _| policy.namespace != name);
    Ok(())
}

/// Deletes a pod.
pub(crate) fn delete_pod(cluster: &mut Cluster, name: &ObjectName) -> anyhow::Result<()> {
    let pod = cluster.pods.remove(name);
    pod.with_context(|| format!("there is no pod {name}"))?;
    Ok(())
}

/// Creates the policies of `new`, or replaces those of the same names.
pub(crate) fn apply_policies(cluster: &mut Cluster, new: &Cluster) {
    let new = new.clone();
    cluster.policies.extend(new.policies);
    cluster
        .cluster_network_policies
        .extend(new.cluster_network_policies);
    cluster
        .admin_network_policies
        .extend(new.admin_network_policies);
    cluster
        .baseline_admin_network_policies
        .extend(new.baseline_admin_network_policies);
    cluster.host_policies.extend(new.host_policies);
}

/// Deletes a policy.
pub(crate) fn delete_policy(cluster: &mut Cluster, name: &PolicyName) -> anyhow::Result<()> {
    let policy = ObjectRef {
        kind: name.kind.to_string(),
        namespace: name.namespace.clone(),
        name: name.name.clone(),
    };
    ensure!(cluster.remove(&policy), "there is no policy {name}");
    Ok(())
}
