//! Objects that stand for pods.

use super::head::{Outcome, RawObject};
use super::pod::{Owner, PodSpec, PodTemplate, template};
use crate::report::Problem;
use crate::yaml::UnknownFields;
use crate::{ObjectName, Origin, validate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

/// Pods that one workload may stand for.
const MOST_REPLICAS: i64 = 10_000;

/// A workload as it is written.
#[derive(Clone, Debug)]
pub(crate) struct WorkloadDraft {
    pub(crate) kind: &'static str,
    pub(crate) name: ObjectName,
    pub(crate) template: PodTemplate,
    /// How many pods; a `DaemonSet` has one on each node instead.
    pub(crate) replicas: usize,
    pub(crate) owner: Option<Owner>,
    pub(crate) origin: Origin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawWorkload {
    metadata: ObjectMeta,
    spec: Spec,
    status: Status,
}

/// The `spec` of any of these kinds: no two give one name two meanings.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    replicas: Option<i64>,
    parallelism: Option<i64>,
    template: RawTemplate,
    job_template: JobTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawTemplate {
    metadata: ObjectMeta,
    spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    spec: JobSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    parallelism: Option<i64>,
    template: RawTemplate,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    completion_time: Option<String>,
}

pub(super) fn workload(object: &RawObject<'_>) -> Outcome<WorkloadDraft> {
    let typed = object.typed(UnknownFields::Ignored, |raw: &RawWorkload| &raw.metadata)?;
    let (head, RawWorkload { spec, status, .. }) = (typed.head, typed.body);
    let mut problems = typed.problems;
    let (count_path, count, path, raw_template) = match object.kind.name {
        "Job" => (
            "spec.parallelism",
            spec.parallelism,
            "spec.template",
            spec.template,
        ),
        "CronJob" => {
            let job = spec.job_template.spec;
            (
                "spec.jobTemplate.spec.parallelism",
                job.parallelism,
                "spec.jobTemplate.spec.template",
                job.template,
            )
        }
        _ => (
            "spec.replicas",
            spec.replicas,
            "spec.template",
            spec.template,
        ),
    };
    let labels = raw_template.metadata.labels.unwrap_or_default();
    problems.extend(validate::labels(
        &labels,
        &format!("{path}.metadata.labels"),
    ));
    let template = template(
        labels,
        raw_template.spec,
        &format!("{path}.spec"),
        &mut problems,
    );
    let replicas = replicas(count).map_err(|problem| problems.push(problem.path(count_path)));
    object.check(problems, &head.origin)?;
    let draft = WorkloadDraft {
        kind: object.kind.name,
        name: head.object_name(),
        template,
        replicas: if status.completion_time.is_some() {
            0
        } else {
            replicas.unwrap_or_default()
        },
        owner: Owner::of(head.meta.owner_references.as_ref()),
        origin: head.origin.clone(),
    };
    Ok(draft)
}

fn replicas(count: Option<i64>) -> Result<usize, Problem> {
    let count = count.unwrap_or(1);
    match usize::try_from(count) {
        Ok(replicas) if count <= MOST_REPLICAS => Ok(replicas),
        _ => Err(Problem::new(format!("{count} pods are not possible"))
            .help(format!("use a number from 0 to {MOST_REPLICAS}"))),
    }
}
