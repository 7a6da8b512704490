//! Selecting an end by its labels.

use super::end::{Criterion, FlowEnd};
use std::fmt;
use std::str::FromStr;

/// Conditions on labels, separated by commas; all must hold: `app=web`, `tier!=db`, `app`, `!app`.
///
/// A label of a flow has a source in front, as in `k8s:app=web` or `reserved:world`. A condition that names no source
/// is about every source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LabelSelector(Vec<Condition>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Condition {
    source: Option<String>,
    key: String,
    /// `None` is any value.
    value: Option<String>,
    /// Whether no label may be so.
    is_negated: bool,
}

/// A text that selects no labels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseLabelSelectorError(String);

impl fmt::Display for ParseLabelSelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no condition on a label: write key=value, key!=value, key or !key, separated by commas",
            self.0
        )
    }
}

impl std::error::Error for ParseLabelSelectorError {}

impl FromStr for LabelSelector {
    type Err = ParseLabelSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let conditions = text.split(',').map(|part| part.trim().parse());
        conditions.collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Condition {
    type Err = ParseLabelSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value, is_negated) = parts(text);
        let (source, key) = match name.split_once(':') {
            Some((source, key)) => (Some(source.to_owned()), key),
            None => (None, name),
        };
        let is_word = |word: &str| {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
            word.chars().all(is_allowed)
        };
        if key.is_empty() || !is_word(key) || !value.is_none_or(is_word) {
            return Err(ParseLabelSelectorError(text.to_owned()));
        }
        Ok(Self {
            source,
            key: key.to_owned(),
            value: value.map(str::to_owned),
            is_negated,
        })
    }
}

/// The label's name with its source, the value, and whether it is about what must not be.
fn parts(text: &str) -> (&str, Option<&str>, bool) {
    if let Some(name) = text.strip_prefix('!') {
        return (name, None, true);
    }
    if let Some((name, value)) = text.split_once("!=") {
        return (name, Some(value), true);
    }
    match text.split_once("==").or_else(|| text.split_once('=')) {
        Some((name, value)) => (name, Some(value), false),
        None => (text, None, false),
    }
}

impl Condition {
    fn holds(&self, labels: &[String]) -> bool {
        labels.iter().any(|label| self.is_about(label)) != self.is_negated
    }

    fn is_about(&self, label: &str) -> bool {
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        let (source, key) = name.split_once(':').unwrap_or(("", name));
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        self.key == key && is(&self.source, source) && is(&self.value, value)
    }
}

impl Criterion for LabelSelector {
    fn holds(&self, end: &FlowEnd) -> bool {
        let labels = end.endpoint.map_or(&[][..], |endpoint| &endpoint.labels);
        self.0.iter().all(|condition| condition.holds(labels))
    }
}
