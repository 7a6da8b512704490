//! Changes of the cluster between the probes of a case.

use super::excerpt::Policy;
use super::schema::{ActionText, PodRef};
use crate::edit::{self, Labels};
use crate::sheet::{PodDraft, Sheet};
use crate::steps::parse_object;
use anyhow::{Context, bail, ensure};
use manifest::{Cluster, ObjectName};
use std::collections::BTreeMap;
use std::fmt;

/// One change.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Creates or replaces a policy; `apply` and `update` are the same.
    Apply(String),
    /// Deletes a policy.
    Delete(String),
    /// Gives a pod these labels instead of those it has.
    SetPodLabels(ObjectName, Labels),
    /// Gives a namespace these labels instead of those it has.
    SetNamespaceLabels(String, Labels),
    /// Creates a pod that is written on this line.
    CreatePod(Box<PodDraft>, usize),
    DeletePod(ObjectName),
    /// Creates a namespace that is written on this line.
    CreateNamespace(String, Labels, usize),
    DeleteNamespace(String),
}

/// What an `op` can be.
const OPERATIONS: &str = "apply, update, delete, set-pod-labels, set-namespace-labels, create-pod, \
                          delete-pod, create-namespace, delete-namespace";

impl Action {
    /// The action that is written there.
    pub(super) fn read(
        text: &ActionText,
        line: usize,
        is_policy: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Self> {
        let labels = || text.labels.clone();
        Ok(match text.op.as_str() {
            "apply" | "update" => Self::Apply(policy_key(text, is_policy)?),
            "delete" => Self::Delete(policy_key(text, is_policy)?),
            "set-pod-labels" => Self::SetPodLabels(pod_name(text)?, labels()),
            "set-namespace-labels" => Self::SetNamespaceLabels(namespace(text)?, labels()),
            "create-pod" => Self::CreatePod(Box::new(pod_draft(text)?), line),
            "delete-pod" => Self::DeletePod(pod_name(text)?),
            "create-namespace" => Self::CreateNamespace(namespace(text)?, labels(), line),
            "delete-namespace" => Self::DeleteNamespace(namespace(text)?),
            other => bail!("`{other}` is no op: it can be {OPERATIONS}"),
        })
    }

    /// Does it; `file` is where it is written.
    pub(super) fn apply(
        &self,
        cluster: &mut Cluster,
        file: &str,
        policies: &BTreeMap<String, Policy>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Apply(key) => {
                edit::apply_policies(cluster, &policies[key].holder);
            }
            Self::Delete(key) => edit::delete_policy(cluster, &policies[key].name)?,
            Self::SetPodLabels(name, labels) => {
                edit::pod_labels(cluster, name)?.clone_from(labels);
            }
            Self::SetNamespaceLabels(name, labels) => {
                edit::set_namespace_labels(cluster, name, labels.clone())?;
            }
            Self::CreatePod(draft, line) => {
                ensure!(
                    !cluster.pods.contains_key(&draft.name),
                    "there is a pod {} already",
                    draft.name
                );
                let mut sheet = Sheet::default();
                sheet.pod(*line, draft);
                sheet.apply(cluster, file)?;
            }
            Self::DeletePod(name) => edit::delete_pod(cluster, name)?,
            Self::CreateNamespace(name, labels, line) => {
                let mut sheet = Sheet::default();
                sheet.namespace(*line, name, labels);
                sheet.apply(cluster, file)?;
            }
            Self::DeleteNamespace(name) => edit::delete_namespace(cluster, name)?,
        }
        Ok(())
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(key) => write!(f, "apply policy {key}"),
            Self::Delete(key) => write!(f, "delete policy {key}"),
            Self::SetPodLabels(name, _) => write!(f, "set the labels of pod {name}"),
            Self::SetNamespaceLabels(name, _) => write!(f, "set the labels of namespace {name}"),
            Self::CreatePod(draft, _) => write!(f, "create pod {}", draft.name),
            Self::DeletePod(name) => write!(f, "delete pod {name}"),
            Self::CreateNamespace(name, ..) => write!(f, "create namespace {name}"),
            Self::DeleteNamespace(name) => write!(f, "delete namespace {name}"),
        }
    }
}

fn policy_key(text: &ActionText, is_policy: impl Fn(&str) -> bool) -> anyhow::Result<String> {
    let key = text.policy.clone();
    let key = key.with_context(|| format!("`{}` needs `policy: KEY`", text.op))?;
    if !is_policy(&key) {
        bail!("there is no policy `{key}` under `policies`");
    }
    Ok(key)
}

fn pod_name(text: &ActionText) -> anyhow::Result<ObjectName> {
    match &text.pod {
        Some(PodRef::Name(name)) => parse_object(name),
        _ => bail!("`{}` needs `pod: namespace/name`", text.op),
    }
}

fn pod_draft(text: &ActionText) -> anyhow::Result<PodDraft> {
    match &text.pod {
        Some(PodRef::Draft(pod)) => pod.draft(),
        _ => bail!("`{}` needs `pod: {{namespace: …, name: …, …}}`", text.op),
    }
}

fn namespace(text: &ActionText) -> anyhow::Result<String> {
    let name = text.namespace.clone();
    name.with_context(|| format!("`{}` needs `namespace: NAME`", text.op))
}
