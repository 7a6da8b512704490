//! Host policies. As in a network policy, an unknown field is an error.

use super::head::{Outcome, RawObject, Typed};
use crate::yaml::UnknownFields;
use crate::{Diagnostic, HostPolicy, Severity, cilium, validate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPolicy {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    spec: Option<cilium::Rule>,
    specs: Vec<cilium::Rule>,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

/// A host policy; warnings about it go to `diagnostics`.
pub(super) fn policy(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(String, HostPolicy)> {
    let Typed {
        head,
        body,
        mut problems,
    } = object.typed(UnknownFields::Refused, |raw: &RawPolicy| &raw.metadata)?;
    let mut warnings = vec![];
    let audit = head.audit(&mut problems);
    let is_logged = head.logs(&validate::LOG_ALLOWED, &mut warnings);
    let policy = HostPolicy {
        spec: body.spec,
        specs: body.specs,
        audit,
        is_logged,
        origin: head.origin,
    };
    let findings = validate::host_policy(&policy);
    problems.extend(findings.errors);
    warnings.extend(findings.warnings);
    object.check(problems, &policy.origin)?;
    diagnostics.extend(object.diagnostics(warnings, Some(&policy.origin), Severity::Warning));
    Ok((head.name, policy))
}
