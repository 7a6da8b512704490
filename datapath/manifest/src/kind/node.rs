//! Namespaces and nodes.

use super::head::{Outcome, RawObject};
use crate::report::Problem;
use crate::yaml::UnknownFields;
use crate::{Addresses, Diagnostic, Namespace, Origin, Severity, validate};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The label that every namespace has, with its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The namespace `name` with `labels` and the one that it always has.
pub(crate) fn labelled(
    name: &str,
    mut labels: BTreeMap<String, String>,
    origin: Origin,
) -> Namespace {
    labels.insert(NAME_LABEL.to_owned(), name.to_owned());
    Namespace {
        labels,
        audit: None,
        logs_denials: false,
        origin,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawNamespace {
    metadata: ObjectMeta,
}

/// A namespace; warnings about it go to `diagnostics`.
pub(super) fn namespace(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(String, Namespace)> {
    let typed = object.typed(UnknownFields::Ignored, |raw: &RawNamespace| &raw.metadata)?;
    let (head, mut problems) = (typed.head, typed.problems);
    let mut warnings = Vec::new();
    let audit = head.audit(&mut problems);
    let logs_denials = head.logs(&validate::LOG_DENIED, &mut warnings);
    object.check(problems, &head.origin)?;
    diagnostics.extend(object.diagnostics(warnings, Some(&head.origin), Severity::Warning));
    let labels = head.labels();
    let namespace = Namespace {
        audit,
        logs_denials,
        ..labelled(&head.name, labels, head.origin)
    };
    Ok((head.name, namespace))
}

/// A node as it is written: addresses and pod CIDRs may be missing.
#[derive(Debug)]
pub(crate) struct NodeDraft {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) addresses: Addresses,
    pub(crate) pod_cidrs: Vec<IpNet>,
    pub(crate) origin: Origin,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawNode {
    metadata: ObjectMeta,
    spec: Spec,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(rename = "podCIDR")]
    pod_cidr: Option<String>,
    #[serde(rename = "podCIDRs")]
    pod_cidrs: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    addresses: Vec<RawAddress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawAddress {
    r#type: String,
    address: String,
}

pub(super) fn node(object: &RawObject<'_>) -> Outcome<NodeDraft> {
    let typed = object.typed(UnknownFields::Ignored, |raw: &RawNode| &raw.metadata)?;
    let (head, raw) = (typed.head, typed.body);
    let mut problems = typed.problems;
    let addresses = internal_addresses(&raw.status.addresses, &mut problems);
    let pod_cidrs = pod_cidrs(&raw.spec, &mut problems);
    object.check(problems, &head.origin)?;
    let labels = head.labels();
    Ok(NodeDraft {
        name: head.name,
        labels,
        addresses,
        pod_cidrs,
        origin: head.origin,
    })
}

/// The first `InternalIP` of each family.
fn internal_addresses(written: &[RawAddress], problems: &mut Vec<Problem>) -> Addresses {
    let mut addresses = Addresses::default();
    for (index, raw) in written.iter().enumerate() {
        if raw.r#type != "InternalIP" {
            continue;
        }
        match validate::address(&raw.address) {
            Ok(address) => _ = addresses.add(address),
            Err(problem) => {
                problems.push(problem.path(format!("status.addresses[{index}].address")));
            }
        }
    }
    addresses
}

fn pod_cidrs(spec: &Spec, problems: &mut Vec<Problem>) -> Vec<IpNet> {
    let one = spec.pod_cidr.iter().filter(|_| spec.pod_cidrs.is_empty());
    let one = one.map(|cidr| ("spec.podCIDR".to_owned(), cidr));
    let many = spec.pod_cidrs.iter().enumerate();
    let many = many.map(|(index, cidr)| (format!("spec.podCIDRs[{index}]"), cidr));
    one.chain(many)
        .filter(|(_, cidr)| !cidr.is_empty())
        .filter_map(|(path, cidr)| match validate::cidr(cidr) {
            Ok(cidr) => Some(cidr.trunc()),
            Err(problem) => {
                problems.push(problem.path(path));
                None
            }
        })
        .collect()
}
