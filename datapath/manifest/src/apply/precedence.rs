//! Policies of one tier with the same priority: which one decides is not for the user to see.

use crate::{Cluster, Diagnostic, Location, PolicyKind, PolicyName, Severity};
use std::collections::BTreeMap;

/// A tier and a priority in it.
type Rank<'a> = (&'a str, i64);

/// A warning for each of `applied` whose priority another policy of its tier has as well.
pub(super) fn shared(cluster: &Cluster, applied: &[PolicyName]) -> Vec<Diagnostic> {
    let mut ranks: BTreeMap<Rank<'_>, Vec<PolicyName>> = BTreeMap::new();
    for (rank, name) in ranked(cluster) {
        ranks.entry(rank).or_default().push(name);
    }
    let ranks = ranks.iter().filter(|(_, names)| names.len() > 1);
    let warnings = ranks.flat_map(|((_, priority), names)| {
        let applied = names.iter().filter(|name| applied.contains(name));
        applied.filter_map(move |name| {
            let place = cluster.policy_origin(name)?.locate("spec.priority");
            Some(warning(&place, *priority, name, names))
        })
    });
    warnings.collect()
}

fn ranked(cluster: &Cluster) -> impl Iterator<Item = (Rank<'_>, PolicyName)> {
    let policies = cluster.cluster_network_policies.iter();
    let of_cluster = policies.map(|(name, policy)| {
        let rank = (policy.spec.tier.as_str(), policy.spec.priority.unwrap_or(0));
        let kind = PolicyKind::ClusterNetworkPolicy;
        (rank, PolicyName::cluster(kind, name))
    });
    let policies = cluster.admin_network_policies.iter();
    let of_admin = policies.map(|(name, policy)| {
        let rank = ("Admin", policy.spec.priority.unwrap_or(0));
        let kind = PolicyKind::AdminNetworkPolicy;
        (rank, PolicyName::cluster(kind, name))
    });
    of_cluster.chain(of_admin)
}

fn warning(
    place: &Location,
    priority: i64,
    name: &PolicyName,
    sharing: &[PolicyName],
) -> Diagnostic {
    let others = sharing.iter().filter(|other| *other != name);
    let others: Vec<String> = others.map(ToString::to_string).collect();
    let order: Vec<String> = sharing.iter().map(ToString::to_string).collect();
    Diagnostic {
        severity: Severity::Warning,
        location: place.clone(),
        subject: format!("{} {}: spec.priority", name.kind, name.name),
        message: format!(
            "{priority} is the priority of {} in the same tier as well",
            others.join(", ")
        ),
        help: Some(format!(
            "Kubernetes leaves open which is asked first, here it is {}: give each a priority of its own",
            order.join(", then ")
        )),
        snippet: None,
    }
}
