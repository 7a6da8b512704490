//! Why a verdict came out as it did, for the reader of a failure.

use crate::driver::{Outcome, Verdict};
use crate::judge::{Expectation, Expected, list};
use manifest::{Cluster, IpBlockMode, PolicyName};
use oracle::{Probe, RuleTrace, Side};
use std::fmt::Write;

/// The probe in words: `shop/web → shop/db on TCP 5432 (10.244.0.3)`.
pub(crate) fn name(probe: &Probe) -> String {
    let Probe {
        from,
        to,
        address,
        protocol,
        port,
    } = probe;
    match port {
        Some(port) => format!("{from} → {to} on {protocol} {port} ({address})"),
        None => format!("{from} → {to} on {protocol} ({address})"),
    }
}

/// One side's part in a verdict, with the places of policies if the cluster is given.
pub(crate) fn side(cluster: Option<&Cluster>, side: &Side) -> String {
    match cluster {
        Some(cluster) => describe_side(cluster, Some(side)),
        None => side.to_string(),
    }
}

/// What each side said, by which policies, why it was dropped, and which rule was nearest; indented, ends with a newline.
pub(crate) fn describe(
    cluster: &Cluster,
    mode: IpBlockMode,
    expectation: &Expectation,
    outcome: &Outcome,
) -> String {
    let mut text = String::new();
    for (name, side) in [("egress", &outcome.egress), ("ingress", &outcome.ingress)] {
        let _ = writeln!(
            text,
            "      {name}: {}",
            describe_side(cluster, side.as_ref())
        );
    }
    if let Some(reason) = outcome.reason {
        let _ = writeln!(
            text,
            "      dropped: {reason}, generation {}",
            outcome.generation
        );
    }
    let is_denied = outcome.verdict == Verdict::Denied;
    let wants_denial = expectation
        .verdict
        .map(|verdict| verdict == Expected::Denied);
    if wants_denial.is_some_and(|wanted| wanted != is_denied) {
        text.push_str(&rules(cluster, mode, &expectation.probe, is_denied));
    }
    text
}

fn describe_side(cluster: &Cluster, side: Option<&Side>) -> String {
    match side {
        None => "not asked".to_owned(),
        Some(Side::NotIsolated) => "not isolated".to_owned(),
        Some(Side::Allowed(by)) => format!("allowed by {}", with_places(cluster, by)),
        Some(Side::Denied(by)) => format!("denied by {}", with_places(cluster, by)),
        Some(Side::Audited(by)) => {
            format!("audited, otherwise denied by {}", with_places(cluster, by))
        }
    }
}

fn with_places(cluster: &Cluster, names: &[PolicyName]) -> String {
    let place = |name: &PolicyName| match cluster.policy_origin(name) {
        Some(origin) => format!("{name} ({})", origin.location),
        None => name.to_string(),
    };
    let places: Vec<String> = names.iter().map(place).collect();
    list(&places)
}

/// The rule that would have allowed it but for the least, or the rules that did.
fn rules(cluster: &Cluster, mode: IpBlockMode, probe: &Probe, is_denied: bool) -> String {
    let Ok(explanation) = oracle::explain(cluster, mode, probe) else {
        return String::new();
    };
    let mut rules = explanation.rules;
    if is_denied {
        let denied_egress = matches!(explanation.judgement.egress, Side::Denied(_));
        let direction = if denied_egress {
            "spec.egress"
        } else {
            "spec.ingress"
        };
        rules.retain(|rule| rule.outcome.is_err() && rule.path.starts_with(direction));
        let nearest = rules.iter().max_by_key(|rule| rule.nearness);
        nearest.map_or_else(String::new, |rule| rule_line(cluster, "nearest rule", rule))
    } else {
        let allowing = rules.iter().filter(|rule| rule.outcome.is_ok());
        allowing
            .map(|rule| rule_line(cluster, "allowed by rule", rule))
            .collect()
    }
}

fn rule_line(cluster: &Cluster, what: &str, rule: &RuleTrace) -> String {
    let origin = cluster.policy_origin(&rule.policy);
    let place = origin.map_or_else(String::new, |origin| {
        format!(" ({})", origin.locate(&rule.path))
    });
    let why = match &rule.outcome {
        Ok(()) => String::new(),
        Err(why) => format!(": {why}"),
    };
    format!("      {what}: {} {}{place}{why}\n", rule.policy, rule.path)
}
