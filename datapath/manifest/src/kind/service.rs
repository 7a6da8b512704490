//! Services and their endpoints.

use super::head::{Outcome, RawObject, Typed};
use super::strict::read;
use crate::validate::{self, Findings};
use crate::{Addresses, Diagnostic, EndpointSlice, ObjectName, Service, Severity};
use k8s_openapi::Metadata;
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

/// A service without what is assigned to it; warnings about it go to `diagnostics`.
pub(super) fn service(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(ObjectName, Service)> {
    let typed = checked::<core::Service>(object, validate::service, diagnostics)?;
    let service = Service {
        cluster_ips: Addresses::default(),
        node_ports: vec![],
        load_balancer_ips: vec![],
        health_check_node_port: None,
        object: typed.body,
        origin: typed.head.origin.clone(),
    };
    Ok((typed.head.object_name(), service))
}

/// Some endpoints; warnings about them go to `diagnostics`.
pub(super) fn endpoint_slice(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(ObjectName, EndpointSlice)> {
    let typed = checked::<discovery::EndpointSlice>(object, validate::endpoint_slice, diagnostics)?;
    let slice = EndpointSlice {
        object: typed.body,
        origin: typed.head.origin.clone(),
    };
    Ok((typed.head.object_name(), slice))
}

fn checked<T>(
    object: &RawObject<'_>,
    check: impl FnOnce(&T) -> Findings,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<Typed<T>>
where
    T: DeserializeOwned + Metadata<Ty = ObjectMeta>,
{
    let mut typed = read::<T>(object)?;
    let findings = check(&typed.body);
    let mut problems = std::mem::take(&mut typed.problems);
    problems.extend(findings.errors);
    let origin = &typed.head.origin;
    object.check(problems, origin)?;
    diagnostics.extend(object.diagnostics(findings.warnings, Some(origin), Severity::Warning));
    Ok(typed)
}
