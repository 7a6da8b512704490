//! Labels of pods and namespaces, and selectors over the same few keys and values.

use super::one_of;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The label that every namespace has.
pub(super) const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

// What is there twice is drawn twice as often.
const KEYS: &[&str] = &["app", "team"];
const VALUES: &[&str] = &["a", "a", "b", ""];
/// What selectors ask for: the keys and values above, and names of namespaces.
const SELECTOR_KEYS: &[&str] = &["app", "app", "team", "team", NAMESPACE_NAME];
const SELECTOR_VALUES: &[&str] = &["a", "a", "a", "b", "", "ns-0"];
const OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist"];

/// Labels of a pod or, but for its name, of a namespace.
pub(super) fn labels() -> BoxedStrategy<BTreeMap<String, String>> {
    btree_map(text(KEYS), text(VALUES), 0..=2).boxed()
}

/// A selector; the empty one selects everything.
pub(super) fn selector() -> BoxedStrategy<LabelSelector> {
    let pairs = btree_map(text(SELECTOR_KEYS), text(SELECTOR_VALUES), 0..=1);
    let expressions = vec(expression(), 0..=1);
    (
        proptest::option::of(pairs),
        proptest::option::of(expressions),
    )
        .prop_map(|(match_labels, match_expressions)| LabelSelector {
            match_expressions,
            match_labels,
        })
        .boxed()
}

fn expression() -> impl Strategy<Value = LabelSelectorRequirement> {
    let values = vec(text(SELECTOR_VALUES), 1..=2);
    (text(SELECTOR_KEYS), text(OPERATORS), values).prop_map(|(key, operator, values)| {
        let has_values = matches!(operator.as_str(), "In" | "NotIn");
        LabelSelectorRequirement {
            key,
            operator,
            values: has_values.then_some(values),
        }
    })
}

fn text(choices: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    one_of(choices).prop_map(str::to_owned)
}
