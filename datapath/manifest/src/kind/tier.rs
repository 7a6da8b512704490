//! Policies for the whole cluster. As in a network policy, an unknown field is an error.

use super::head::{Outcome, RawObject, Typed};
use crate::network_policy_api::v1alpha1::{AdminNetworkPolicySpec, BaselineAdminNetworkPolicySpec};
use crate::network_policy_api::v1alpha2::ClusterNetworkPolicySpec;
use crate::validate::{self, Findings};
use crate::yaml::UnknownFields;
use crate::{Cluster, Diagnostic, PolicyKind, Severity, TierPolicy};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A policy that was read.
#[derive(Debug)]
pub(crate) enum NewTierPolicy {
    Cluster(TierPolicy<ClusterNetworkPolicySpec>),
    Admin(TierPolicy<AdminNetworkPolicySpec>),
    Baseline(TierPolicy<BaselineAdminNetworkPolicySpec>),
}

impl NewTierPolicy {
    /// The kind of policy.
    pub(crate) const fn kind(&self) -> PolicyKind {
        match self {
            Self::Cluster(_) => PolicyKind::ClusterNetworkPolicy,
            Self::Admin(_) => PolicyKind::AdminNetworkPolicy,
            Self::Baseline(_) => PolicyKind::BaselineAdminNetworkPolicy,
        }
    }

    /// Puts it in its place.
    pub(crate) fn enter(self, name: String, cluster: &mut Cluster) {
        match self {
            Self::Cluster(policy) => _ = cluster.cluster_network_policies.insert(name, policy),
            Self::Admin(policy) => _ = cluster.admin_network_policies.insert(name, policy),
            Self::Baseline(policy) => {
                _ = cluster.baseline_admin_network_policies.insert(name, policy);
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawPolicy<Spec> {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    spec: Spec,
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

/// A policy of the kind of `object`; warnings about it go to `diagnostics`.
pub(super) fn policy(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(String, NewTierPolicy)> {
    match object.kind.name {
        "ClusterNetworkPolicy" => {
            let check = |_: &str, spec: &_| validate::cluster_network_policy(spec);
            let (name, policy) = read(object, check, diagnostics)?;
            Ok((name, NewTierPolicy::Cluster(policy)))
        }
        "AdminNetworkPolicy" => {
            let check = |_: &str, spec: &_| validate::admin_network_policy(spec);
            let (name, policy) = read(object, check, diagnostics)?;
            Ok((name, NewTierPolicy::Admin(policy)))
        }
        _ => {
            let check = validate::baseline_admin_network_policy;
            let (name, policy) = read(object, check, diagnostics)?;
            Ok((name, NewTierPolicy::Baseline(policy)))
        }
    }
}

fn read<Spec: DeserializeOwned + Default>(
    object: &RawObject<'_>,
    check: impl FnOnce(&str, &Spec) -> Findings,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<(String, TierPolicy<Spec>)> {
    let Typed {
        head,
        body,
        mut problems,
    } = object.typed(UnknownFields::Refused, |raw: &RawPolicy<Spec>| {
        &raw.metadata
    })?;
    let findings = check(&head.name, &body.spec);
    problems.extend(findings.errors);
    let mut warnings = findings.warnings;
    let audit = head.audit(&mut problems);
    let is_logged = head.logs(&validate::LOG_ALLOWED, &mut warnings);
    object.check(problems, &head.origin)?;
    let warnings = object.diagnostics(warnings, Some(&head.origin), Severity::Warning);
    diagnostics.extend(warnings);
    let policy = TierPolicy {
        spec: body.spec,
        audit,
        is_logged,
        origin: head.origin,
    };
    Ok((head.name, policy))
}
