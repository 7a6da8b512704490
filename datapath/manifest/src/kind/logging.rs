//! `NetworkLogging`: which connections are written to the policy log.

use super::head::{Outcome, RawObject, Typed};
use crate::yaml::UnknownFields;
use crate::{Diagnostic, LogSwitch, NetworkLogging, Severity, validate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawLogging {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    spec: Spec,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    cluster: ClusterSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ClusterSpec {
    allow: Switch,
    deny: Switch,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct Switch {
    log: bool,
    delegate: bool,
}

impl From<Switch> for LogSwitch {
    fn from(Switch { log, delegate }: Switch) -> Self {
        Self { log, delegate }
    }
}

/// The configuration; `None` if it is one that changes nothing, and a warning says why.
pub(super) fn network_logging(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<Option<NetworkLogging>> {
    let Typed {
        head,
        body,
        problems,
    } = object.typed(UnknownFields::Refused, |raw: &RawLogging| &raw.metadata)?;
    object.check(problems, &head.origin)?;
    let ClusterSpec { allow, deny } = body.spec.cluster;
    let (allow, deny) = (allow.into(), deny.into());
    let problems = validate::network_logging(&head.name, allow, deny);
    let counts = problems.is_empty();
    diagnostics.extend(object.diagnostics(problems, Some(&head.origin), Severity::Warning));
    Ok(counts.then_some(NetworkLogging {
        allow,
        deny,
        origin: head.origin,
    }))
}
