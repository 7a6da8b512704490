//! The kinds in which an unknown field is an error: it would silently change what is allowed.

use super::head::{Outcome, RawObject, Typed};
use crate::yaml::UnknownFields;
use crate::{Diagnostic, NetworkPolicy, ObjectName, Severity, validate};
use k8s_openapi::Metadata;
use k8s_openapi::api::networking::v1 as networking;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

/// A policy; warnings about it go to `diagnostics`.
pub(super) fn network_policy(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(ObjectName, NetworkPolicy)> {
    let Typed {
        head,
        body,
        mut problems,
    } = read::<networking::NetworkPolicy>(object)?;
    let spec = body.spec.unwrap_or_default();
    let findings = validate::network_policy(&spec);
    problems.extend(findings.errors);
    let mut warnings = findings.warnings;
    let audit = head.audit(&mut problems);
    let is_logged = head.logs(&validate::LOG_ALLOWED, &mut warnings);
    object.check(problems, &head.origin)?;
    diagnostics.extend(object.diagnostics(warnings, Some(&head.origin), Severity::Warning));
    let name = head.object_name();
    Ok((
        name,
        NetworkPolicy {
            spec,
            audit,
            is_logged,
            origin: head.origin,
        },
    ))
}

/// Reads an object in which an unknown field is an error.
pub(super) fn read<T>(object: &RawObject<'_>) -> Outcome<Typed<T>>
where
    T: DeserializeOwned + Metadata<Ty = ObjectMeta>,
{
    object.typed(UnknownFields::Refused, T::metadata)
}
