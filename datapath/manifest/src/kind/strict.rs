//! The kinds in which an unknown field is an error: it would silently change what is allowed.

use super::head::{Outcome, RawObject, Typed};
use crate::yaml::UnknownFields;
use crate::{
    Addresses, Diagnostic, EndpointSlice, NetworkPolicy, ObjectName, Service, Severity, validate,
};
use k8s_openapi::Metadata;
use k8s_openapi::api::{
    core::v1 as core, discovery::v1 as discovery, networking::v1 as networking,
};
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

pub(super) fn service(object: &RawObject<'_>) -> Outcome<(ObjectName, Service)> {
    let Typed {
        head,
        body,
        problems,
    } = read::<core::Service>(object)?;
    object.check(problems, &head.origin)?;
    Ok((
        head.object_name(),
        Service {
            cluster_ips: cluster_ips(&body),
            node_ports: vec![],
            load_balancer_ips: vec![],
            health_check_node_port: None,
            object: body,
            origin: head.origin,
        },
    ))
}

fn cluster_ips(service: &core::Service) -> Addresses {
    let spec = service.spec.iter();
    let written = spec.flat_map(|spec| {
        spec.cluster_ip
            .iter()
            .chain(spec.cluster_ips.iter().flatten())
    });
    let mut addresses = Addresses::default();
    for address in written.filter_map(|text| validate::address(text).ok()) {
        addresses.add(address);
    }
    addresses
}

pub(super) fn endpoint_slice(object: &RawObject<'_>) -> Outcome<(ObjectName, EndpointSlice)> {
    let Typed {
        head,
        body,
        problems,
    } = read::<discovery::EndpointSlice>(object)?;
    object.check(problems, &head.origin)?;
    Ok((
        head.object_name(),
        EndpointSlice {
            object: body,
            origin: head.origin,
        },
    ))
}

fn read<T>(object: &RawObject<'_>) -> Outcome<Typed<T>>
where
    T: DeserializeOwned + Metadata<Ty = ObjectMeta>,
{
    object.typed(UnknownFields::Refused, T::metadata)
}
