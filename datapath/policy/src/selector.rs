//! Label selectors.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use std::collections::{BTreeMap, BTreeSet};

/// Labels of an object, by key.
pub(crate) type Labels = BTreeMap<String, String>;

/// A label selector: every requirement must hold. Without requirements it selects everything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Operator {
    In(BTreeSet<String>),
    NotIn(BTreeSet<String>),
    Exists,
    DoesNotExist,
}

impl Selector {
    /// The selector as the API object says it.
    pub(crate) fn new(selector: &LabelSelector) -> Self {
        let labels = selector.match_labels.iter().flatten();
        let expressions = selector.match_expressions.iter().flatten();
        let equalities = labels.map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::In(BTreeSet::from([value.clone()])),
        });
        Self {
            requirements: equalities
                .chain(expressions.map(Requirement::new))
                .collect(),
        }
    }

    /// The selector, where an absent one means what an empty one does.
    pub(crate) fn or_everything(selector: Option<&LabelSelector>) -> Self {
        selector.map(Self::new).unwrap_or_default()
    }

    /// Whether an object with these labels is selected.
    pub(crate) fn matches(&self, labels: &Labels) -> bool {
        self.requirements
            .iter()
            .all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    fn new(expression: &LabelSelectorRequirement) -> Self {
        let values = || expression.values.iter().flatten().cloned().collect();
        let operator = match expression.operator.as_str() {
            "In" => Operator::In(values()),
            "NotIn" => Operator::NotIn(values()),
            "Exists" => Operator::Exists,
            "DoesNotExist" => Operator::DoesNotExist,
            // Validation refuses other operators; should one get here, it holds for nothing.
            _ => Operator::In(BTreeSet::new()),
        };
        Self {
            key: expression.key.clone(),
            operator,
        }
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        match &self.operator {
            Operator::In(values) => value.is_some_and(|value| values.contains(value)),
            Operator::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether `selector` (YAML) selects an object with `labels` (`key=value` words).
    fn check(selector: &str, labels: &str, expected: bool) {
        let parsed: LabelSelector = serde_saphyr::from_str(selector).unwrap();
        let labels = labels
            .split_whitespace()
            .map(|word| word.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let actual = Selector::new(&parsed).matches(&labels);
        assert_eq!(actual, expected, "{selector} on {labels:?}");
    }

    #[test]
    fn every_operator_follows_the_api_text() {
        check("{}", "", true);
        check("{}", "app=web", true);
        check("matchLabels: {app: web}", "app=web tier=front", true);
        check("matchLabels: {app: web}", "app=db", false);
        check("matchLabels: {app: web}", "", false);
        check("matchLabels: {app: ''}", "app=", true);
        check("matchLabels: {app: ''}", "", false);
        check("matchLabels: {app: web, tier: front}", "app=web", false);

        let within = "matchExpressions: [{key: app, operator: In, values: [web, db]}]";
        check(within, "app=db", true);
        check(within, "app=cache", false);
        check(within, "", false);

        let outside = "matchExpressions: [{key: app, operator: NotIn, values: [web, db]}]";
        check(outside, "app=db", false);
        check(outside, "app=cache", true);
        check(outside, "", true);

        let exists = "matchExpressions: [{key: app, operator: Exists}]";
        check(exists, "app=", true);
        check(exists, "tier=front", false);

        let absent = "matchExpressions: [{key: app, operator: DoesNotExist}]";
        check(absent, "app=", false);
        check(absent, "tier=front", true);
    }

    #[test]
    fn labels_and_expressions_must_both_hold() {
        let both = "{matchLabels: {app: web}, matchExpressions: [{key: tier, operator: Exists}]}";
        check(both, "app=web tier=front", true);
        check(both, "app=web", false);
        check(both, "tier=front", false);
    }

    #[test]
    fn an_unknown_operator_selects_nothing() {
        let unknown = "matchExpressions: [{key: app, operator: Near, values: [web]}]";
        check(unknown, "app=web", false);
        check(unknown, "", false);
    }
}
