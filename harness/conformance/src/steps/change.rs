//! Steps that change pods and namespaces while the cluster runs.

use super::{Arguments, Step, cluster};
use crate::edit::{self, Labels};
use crate::sheet::Sheet;
use crate::world::World;
use anyhow::{Context, ensure};

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the manifests are applied:",
        meaning: "What `kubectl apply` would do with the doc string, whatever kinds it holds.",
        example: r#"When the manifests are applied:
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: late, namespace: shop}
      spec: {containers: [{name: late, image: late}]}
      """"#,
        run: cluster::from_doc_string,
    },
    Step {
        expression: "the manifests are deleted:",
        meaning: "Objects of the doc string go, whatever else is written of them.",
        example: r#"When the manifests are deleted:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: ip-masq-agent, namespace: kube-system}
      """"#,
        run: delete_manifests,
    },
    Step {
        expression: "the pod {object} is labelled {labels}",
        meaning: "Adds labels to a pod, or changes them.",
        example: "When the pod shop/web is labelled app=web, tier=front",
        run: label_pod,
    },
    Step {
        expression: "the label {label} is removed from the pod {object}",
        meaning: "Removes a label from a pod.",
        example: "When the label tier is removed from the pod shop/web",
        run: unlabel_pod,
    },
    Step {
        expression: "the pods are created:",
        meaning: "Creates pods; the table is that of `the pods:`.",
        example: "When the pods are created:
      | pod      | labels  | ports |
      | shop/new | app=web | 80    |",
        run: cluster::pods,
    },
    Step {
        expression: "the pod {object} is deleted",
        meaning: "Deletes a pod.",
        example: "When the pod shop/web is deleted",
        run: delete_pod,
    },
    Step {
        expression: "the namespace {namespace} is labelled {labels}",
        meaning: "Adds labels to a namespace, or changes them.",
        example: "When the namespace shop is labelled team=a",
        run: label_namespace,
    },
    Step {
        expression: "the label {label} is removed from the namespace {namespace}",
        meaning: "Removes a label from a namespace.",
        example: "When the label team is removed from the namespace shop",
        run: unlabel_namespace,
    },
    Step {
        expression: "the namespace {namespace} is created",
        meaning: "Creates a namespace without labels of its own.",
        example: "When the namespace shop is created",
        run: create_namespace,
    },
    Step {
        expression: "the namespace {namespace} is deleted",
        meaning: "Deletes a namespace with its pods and policies.",
        example: "When the namespace shop is deleted",
        run: delete_namespace,
    },
];

fn delete_manifests(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    arguments.delete_doc_string(&mut world.cluster)
}

fn label_pod(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let labels = edit::pod_labels(&mut world.cluster, &arguments.object(0)?)?;
    labels.extend(arguments.labels(1)?);
    Ok(())
}

fn unlabel_pod(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let labels = edit::pod_labels(&mut world.cluster, &arguments.object(1)?)?;
    remove(labels, arguments.text(0))
}

fn delete_pod(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::delete_pod(&mut world.cluster, &arguments.object(0)?)
}

fn label_namespace(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let labels = edit::namespace_labels(&mut world.cluster, arguments.text(0))?;
    labels.extend(arguments.labels(1)?);
    Ok(())
}

fn unlabel_namespace(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let labels = edit::namespace_labels(&mut world.cluster, arguments.text(1))?;
    remove(labels, arguments.text(0))
}

fn create_namespace(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let name = arguments.text(0);
    ensure!(
        !world.cluster.namespaces.contains_key(name),
        "there is a namespace {name} already"
    );
    let mut sheet = Sheet::default();
    sheet.namespace(arguments.step.position.line, name, &Labels::new());
    sheet.apply(&mut world.cluster, &arguments.source.name())
}

fn delete_namespace(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::delete_namespace(&mut world.cluster, arguments.text(0))
}

fn remove(labels: &mut Labels, key: &str) -> anyhow::Result<()> {
    let removed = labels.remove(key);
    removed.with_context(|| format!("there is no label {key} on it"))?;
    Ok(())
}
