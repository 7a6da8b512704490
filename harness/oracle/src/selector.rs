//! Label selectors, as the API text of `LabelSelector` reads: all of `matchLabels` and all of `matchExpressions` must hold.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use std::collections::BTreeMap;
use std::fmt;

/// The first requirement that the labels do not meet.
pub(crate) struct SelectorMiss<'a> {
    wanted: Wanted<'a>,
    /// The value of the requirement's key, if the labels have it.
    found: Option<&'a String>,
}

enum Wanted<'a> {
    Label(&'a String, &'a String),
    Expression(&'a LabelSelectorRequirement),
}

/// Whether `selector` selects what has these labels. The empty selector selects everything.
pub(crate) fn select<'a>(
    selector: &'a LabelSelector,
    labels: &'a BTreeMap<String, String>,
) -> Result<(), SelectorMiss<'a>> {
    let pairs = selector.match_labels.iter().flatten();
    let expressions = selector.match_expressions.iter().flatten();
    pairs
        .map(|(key, value)| Wanted::Label(key, value))
        .chain(expressions.map(Wanted::Expression))
        .try_for_each(|wanted| wanted.check(labels))
}

impl<'a> Wanted<'a> {
    fn check(self, labels: &'a BTreeMap<String, String>) -> Result<(), SelectorMiss<'a>> {
        let found = labels.get(self.key());
        if self.holds(found) {
            return Ok(());
        }
        Err(SelectorMiss {
            wanted: self,
            found,
        })
    }

    fn key(&self) -> &'a str {
        match self {
            Self::Label(key, _) => key,
            Self::Expression(requirement) => &requirement.key,
        }
    }

    /// Whether the requirement holds for the value of its key. `NotIn` and `DoesNotExist` hold where the key is missing.
    fn holds(&self, found: Option<&String>) -> bool {
        let requirement = match self {
            Self::Label(_, value) => return found == Some(*value),
            Self::Expression(requirement) => requirement,
        };
        let is_listed = |value: &String| {
            requirement
                .values
                .iter()
                .flatten()
                .any(|listed| listed == value)
        };
        match requirement.operator.as_str() {
            "In" => found.is_some_and(is_listed),
            "NotIn" => !found.is_some_and(is_listed),
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            // An API server refuses any other operator.
            _ => false,
        }
    }
}

impl fmt::Display for SelectorMiss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.wanted.key();
        match self.found {
            None => write!(f, "has no label {key}, wanted {}", self.wanted),
            Some(value) => write!(f, "has label {key}={value}, wanted {}", self.wanted),
        }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(key, value) => write!(f, "{key}={value}"),
            Self::Expression(requirement) => {
                write!(f, "{} {}", requirement.key, requirement.operator)?;
                match requirement.values.as_deref() {
                    None | Some([]) => Ok(()),
                    Some(values) => write!(f, " ({})", values.join(", ")),
                }
            }
        }
    }
}
