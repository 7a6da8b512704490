//! Pods, and the part of workloads that is a pod.

use super::head::{Outcome, RawObject};
use super::port::{RawPort, ports};
use crate::report::Problem;
use crate::yaml::UnknownFields;
use crate::{Addresses, ContainerPort, ObjectName, Origin, validate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A pod as it is written: node and addresses may be missing.
#[derive(Clone, Debug)]
pub(crate) struct PodDraft {
    pub(crate) name: ObjectName,
    pub(crate) template: PodTemplate,
    /// Its own addresses, if the manifest knows them.
    pub(crate) addresses: Addresses,
    /// The addresses of its node, if the manifest knows them.
    pub(crate) host_addresses: Addresses,
    /// Whether it has run to its end and has no network any more.
    pub(crate) finished: bool,
    /// Whether it says that it can serve, as it does where nothing is written.
    pub(crate) ready: bool,
    /// Whether it is about to end.
    pub(crate) terminating: bool,
    /// What it belongs to.
    pub(crate) owner: Option<Owner>,
    pub(crate) origin: Origin,
}

/// The controller that an object belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Owner {
    /// The controller among `references`. A node that runs a pod of its own accord is no workload.
    pub(super) fn of(references: Option<&Vec<OwnerReference>>) -> Option<Self> {
        let controller = |reference: &&OwnerReference| {
            reference.controller == Some(true) && reference.kind != "Node"
        };
        let reference = references?.iter().find(controller)?;
        Some(Self {
            kind: reference.kind.clone(),
            name: reference.name.clone(),
        })
    }
}

/// What a pod and the template of a workload have in common.
#[derive(Clone, Debug)]
pub(crate) struct PodTemplate {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) node: Option<String>,
    pub(crate) host_network: bool,
    pub(crate) ports: Vec<ContainerPort>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPod {
    metadata: ObjectMeta,
    spec: PodSpec,
    status: PodStatus,
}

/// The fields of a pod's `spec` that matter to the network.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PodSpec {
    node_name: Option<String>,
    host_network: bool,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    ports: Vec<RawPort>,
    restart_policy: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIP")]
    pod_ip: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<RawIp>,
    #[serde(rename = "hostIP")]
    host_ip: Option<String>,
    #[serde(rename = "hostIPs")]
    host_ips: Vec<RawIp>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl PodStatus {
    fn is_ready(&self) -> bool {
        let ready = self
            .conditions
            .iter()
            .find(|condition| condition.kind == "Ready");
        ready.is_none_or(|condition| condition.status == "True")
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawIp {
    ip: String,
}

pub(super) fn pod(object: &RawObject<'_>) -> Outcome<PodDraft> {
    let typed = object.typed(UnknownFields::Ignored, |raw: &RawPod| &raw.metadata)?;
    let (head, RawPod { spec, status, .. }) = (typed.head, typed.body);
    let mut problems = typed.problems;
    let template = template(head.labels(), spec, "spec", &mut problems);
    let addresses = addresses(
        "podIP",
        status.pod_ip.as_deref(),
        &status.pod_ips,
        &mut problems,
    );
    let host_addresses = addresses_of_host(&status, &mut problems);
    object.check(problems, &head.origin)?;
    let draft = PodDraft {
        name: head.object_name(),
        template,
        addresses,
        host_addresses,
        finished: matches!(status.phase.as_str(), "Succeeded" | "Failed"),
        ready: status.is_ready(),
        terminating: head.meta.deletion_timestamp.is_some(),
        owner: Owner::of(head.meta.owner_references.as_ref()),
        origin: head.origin.clone(),
    };
    Ok(draft)
}

/// The template that `spec`, written at `path`, describes.
pub(super) fn template(
    labels: BTreeMap<String, String>,
    spec: PodSpec,
    path: &str,
    problems: &mut Vec<Problem>,
) -> PodTemplate {
    PodTemplate {
        labels,
        ports: container_ports(&spec, path, problems),
        node: spec.node_name.filter(|name| !name.is_empty()),
        host_network: spec.host_network,
    }
}

/// The ports of all containers that run as long as the pod: those of sidecars (init containers that restart), too.
fn container_ports(spec: &PodSpec, path: &str, problems: &mut Vec<Problem>) -> Vec<ContainerPort> {
    let is_sidecar = |container: &Container| container.restart_policy.as_deref() == Some("Always");
    let containers = spec
        .containers
        .iter()
        .enumerate()
        .map(|entry| ("containers", entry));
    let sidecars = spec
        .init_containers
        .iter()
        .enumerate()
        .filter(|(_, container)| is_sidecar(container));
    containers
        .chain(sidecars.map(|entry| ("initContainers", entry)))
        .flat_map(|(list, (index, container))| {
            ports(
                &container.ports,
                &format!("{path}.{list}[{index}].ports"),
                problems,
            )
        })
        .collect()
}

fn addresses_of_host(status: &PodStatus, problems: &mut Vec<Problem>) -> Addresses {
    addresses(
        "hostIP",
        status.host_ip.as_deref(),
        &status.host_ips,
        problems,
    )
}

/// The addresses in `status.NAMEs`, or the one in `status.NAME`.
fn addresses(
    name: &str,
    one: Option<&str>,
    many: &[RawIp],
    problems: &mut Vec<Problem>,
) -> Addresses {
    let many = many.iter().enumerate();
    let mut written: Vec<_> = many
        .map(|(index, raw)| (format!("status.{name}s[{index}].ip"), raw.ip.as_str()))
        .collect();
    if written.is_empty() {
        written.extend(one.map(|address| (format!("status.{name}"), address)));
    }
    let mut addresses = Addresses::default();
    for (path, text) in written {
        match validate::address(text) {
            _ if text.is_empty() => {}
            Ok(address) => _ = addresses.add(address),
            Err(problem) => problems.push(problem.path(path)),
        }
    }
    addresses
}
