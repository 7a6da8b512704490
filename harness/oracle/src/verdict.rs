//! From the rules that match to what one side says: Admin tier, then `NetworkPolicy`, then Baseline.

use crate::{Action, Side};
use manifest::PolicyName;

/// A rule of the Admin or the Baseline tier that matches.
pub(crate) struct TierSays<'a> {
    pub(crate) policy: &'a PolicyName,
    pub(crate) is_audit: bool,
    pub(crate) action: Action,
}

/// A `NetworkPolicy` that isolates the pod, or a host policy that applies to the node.
pub(crate) struct PolicySays<'a> {
    pub(crate) policy: &'a PolicyName,
    pub(crate) is_audit: bool,
    /// Whether it denies what no rule allows.
    pub(crate) isolates: bool,
    /// Whether a rule of it matches.
    pub(crate) allows: bool,
}

/// Whose denials count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Everyone,
    /// Not those of policies in audit mode: their rules to deny are skipped, and they isolate nobody.
    Enforcing,
}

/// What all policies together say when only some denials count.
enum Said {
    Nothing,
    Allow(Vec<PolicyName>),
    Deny(Vec<PolicyName>),
}

/// What one side says. What is denied only because of policies in audit mode is let through.
///
/// The rules are in the order in which they are asked.
pub(crate) fn judge(admin: &[TierSays], isolating: &[PolicySays], baseline: &[TierSays]) -> Side {
    let evaluate = |counting| evaluate(admin, isolating, baseline, counting);
    match evaluate(Counting::Everyone) {
        Said::Nothing => Side::NotIsolated,
        Said::Allow(by) => Side::Allowed(by),
        Said::Deny(by_everyone) => match evaluate(Counting::Enforcing) {
            Said::Deny(by) => Side::Denied(by),
            Said::Nothing | Said::Allow(_) => Side::Audited(by_everyone),
        },
    }
}

fn evaluate(
    admin: &[TierSays],
    isolating: &[PolicySays],
    baseline: &[TierSays],
    counting: Counting,
) -> Said {
    if let Some(final_word) = tier(admin, counting) {
        return final_word;
    }
    let allowing = isolating.iter().filter(|policy| policy.allows);
    let allowing = names(allowing);
    if !allowing.is_empty() {
        return Said::Allow(allowing);
    }
    let denying = isolating
        .iter()
        .filter(|policy| policy.isolates)
        .filter(|policy| counting == Counting::Everyone || !policy.is_audit);
    let denying = names(denying);
    if !denying.is_empty() {
        return Said::Deny(denying);
    }
    tier(baseline, counting).unwrap_or(Said::Nothing)
}

/// The names, each once: the parts of a host policy have the same.
fn names<'a>(policies: impl Iterator<Item = &'a PolicySays<'a>>) -> Vec<PolicyName> {
    let mut names: Vec<_> = policies.map(|policy| policy.policy.clone()).collect();
    names.dedup();
    names
}

/// The first rule decides. To pass, or no rule, leaves it to the next tier.
fn tier(rules: &[TierSays], counting: Counting) -> Option<Said> {
    let skipped = |rule: &&TierSays| {
        counting == Counting::Enforcing && rule.is_audit && rule.action == Action::Deny
    };
    let first = rules.iter().find(|rule| !skipped(rule))?;
    let by = vec![first.policy.clone()];
    match first.action {
        Action::Allow => Some(Said::Allow(by)),
        Action::Deny => Some(Said::Deny(by)),
        Action::Pass => None,
    }
}
