//! Which of the rules that match decides: Admin tier, network policies, Baseline tier; and what audit mode changes.

use crate::Direction;
use crate::rule::{Action, Policy, Tier};
use abi::PolicyAction;
use manifest::PolicyName;

/// What is decided, and by which rules. No rules: to deny or to audit, by isolation; to allow, by nobody.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Decision {
    pub(crate) action: PolicyAction,
    /// Their numbers, ascending.
    pub(crate) rules: Vec<usize>,
}

impl Decision {
    /// Denied because policies isolate the endpoint and no rule matches.
    pub(crate) const ISOLATED: Self = Self::without_rules(PolicyAction::Deny);
    /// No policy decides.
    const NOBODY: Self = Self::without_rules(PolicyAction::Allow);

    const fn without_rules(action: PolicyAction) -> Self {
        Self {
            action,
            rules: Vec::new(),
        }
    }

    fn by(action: PolicyAction, rules: Vec<usize>) -> Self {
        Self { action, rules }
    }
}

/// Knows what the rules of a policy set do. They are numbered in the order in which they are asked.
#[derive(Debug)]
pub(crate) struct Court {
    rules: Vec<Speaker>,
    /// Whether a network policy isolates the endpoint: any at all, and one that is not in audit mode.
    isolated: bool,
    isolated_in_earnest: bool,
}

/// A rule, as far as it matters here.
#[derive(Clone, Copy, Debug)]
struct Speaker {
    tier: Tier,
    action: Action,
    is_audit: bool,
}

impl Court {
    /// For the rules of `policies` in one direction.
    pub(crate) fn new(direction: Direction, policies: &[&Policy]) -> Self {
        let rules = policies.iter().flat_map(|policy| {
            let rules = policy.rules(direction).unwrap_or_default().iter();
            rules.map(|rule| Speaker {
                tier: policy.precedence.0,
                action: rule.action,
                is_audit: policy.is_audit,
            })
        });
        let mut isolating = isolating(direction, policies);
        Self {
            rules: rules.collect(),
            isolated: isolating.clone().next().is_some(),
            isolated_in_earnest: isolating.any(|policy| !policy.is_audit),
        }
    }

    /// Who stands behind a decision by isolation: the policies that enforce it or, without any, those in audit mode.
    pub(crate) fn isolated_by(
        &self,
        direction: Direction,
        policies: &[&Policy],
    ) -> Vec<PolicyName> {
        let isolating = isolating(direction, policies);
        let speaking = isolating.filter(|policy| !(self.isolated_in_earnest && policy.is_audit));
        let mut names: Vec<_> = speaking.map(|policy| policy.name.clone()).collect();
        names.dedup();
        names
    }

    /// What is decided where these rules, ascending, match.
    pub(crate) fn decide(&self, matching: &[usize]) -> Decision {
        let by_all = self.hear(matching, self.isolated);
        if by_all.action != PolicyAction::Deny {
            return by_all;
        }
        let in_earnest = |rule: &usize| {
            let speaker = self.rules[*rule];
            !(speaker.is_audit && speaker.action == Action::Deny)
        };
        let matching: Vec<usize> = matching.iter().copied().filter(in_earnest).collect();
        let enforced = self.hear(&matching, self.isolated_in_earnest);
        if enforced.action == PolicyAction::Deny {
            enforced
        } else {
            Decision::by(PolicyAction::Audit, by_all.rules)
        }
    }

    /// Asks one tier after the other.
    fn hear(&self, matching: &[usize], is_isolated: bool) -> Decision {
        let of_tier = |tier: Tier| {
            let matching = matching.iter().copied();
            matching.filter(move |rule| self.rules[*rule].tier == tier)
        };
        if of_tier(Tier::Failsafe).next().is_some() {
            return Decision::NOBODY;
        }
        let first = |tier: Tier| self.first_word(of_tier(tier).next()?);
        if let Some(decision) = first(Tier::Admin) {
            return decision;
        }
        let allowing: Vec<usize> = of_tier(Tier::NetworkPolicy).collect();
        if !allowing.is_empty() {
            return Decision::by(PolicyAction::Allow, allowing);
        }
        if is_isolated {
            return Decision::ISOLATED;
        }
        first(Tier::Baseline).unwrap_or(Decision::NOBODY)
    }

    /// What the first rule of a tier says; `None` if it passes to the next.
    fn first_word(&self, rule: usize) -> Option<Decision> {
        let action = match self.rules[rule].action {
            Action::Allow => PolicyAction::Allow,
            Action::Deny => PolicyAction::Deny,
            Action::Pass => return None,
        };
        Some(Decision::by(action, vec![rule]))
    }
}

/// The policies that isolate the endpoint.
fn isolating<'p>(
    direction: Direction,
    policies: &'p [&Policy],
) -> impl Iterator<Item = &'p Policy> + Clone {
    let policies = policies.iter().copied();
    policies.filter(move |policy| policy.isolates(direction))
}
