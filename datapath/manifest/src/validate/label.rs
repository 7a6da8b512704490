//! Metadata: names and labels.

use super::name;
use crate::report::Problem;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::collections::BTreeMap;

/// Everything wrong with the metadata of an object of kind `kind`.
pub(crate) fn metadata(meta: &ObjectMeta, kind: &str) -> Vec<Problem> {
    let mut problems = vec![];
    let check = match kind {
        "Namespace" => name::label,
        "Service" => name::old_label,
        _ => name::subdomain,
    };
    let named = match meta.name.as_deref() {
        None | Some("") => Err(Problem::new("is missing")
            .help("every object needs a name; generateName is not enough")),
        Some(text) => check(text),
    };
    if let Err(problem) = named {
        problems.push(problem.path("metadata.name"));
    }
    if let Some(Err(problem)) = meta
        .namespace
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(name::label)
    {
        problems.push(problem.path("metadata.namespace"));
    }
    let empty = BTreeMap::new();
    problems.extend(labels(
        meta.labels.as_ref().unwrap_or(&empty),
        "metadata.labels",
    ));
    problems
}

/// Everything wrong with the labels at `path`.
pub(crate) fn labels(labels: &BTreeMap<String, String>, path: &str) -> Vec<Problem> {
    let each = labels
        .iter()
        .flat_map(|(label, text)| [key(label), value(text)].map(|check| (label, check)));
    let failed = each.filter_map(|(label, check)| check.err().map(|problem| (label, problem)));
    failed
        .map(|(label, problem)| problem.path(format!("{path}[{label}]")))
        .collect()
}

/// Checks the key of a label: `app`, `example.org/app`.
pub(super) fn key(text: &str) -> Result<(), Problem> {
    let (prefix, short) = match text.split_once('/') {
        Some((prefix, short)) => (Some(prefix), short),
        None => (None, text),
    };
    let valid = !short.is_empty()
        && is_short(short)
        && prefix.is_none_or(|prefix| name::subdomain(prefix).is_ok());
    valid.then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid label key")).help(
            "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit, \
             after a DNS name and `/` if need be",
        )
    })
}

/// Checks the value of a label.
pub(super) fn value(text: &str) -> Result<(), Problem> {
    is_short(text).then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid label value")).help(
            "use at most 63 letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit, or nothing",
        )
    })
}

fn is_short(text: &str) -> bool {
    let end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut chars = text.chars();
    text.len() <= 63 && text.chars().all(inner) && end(chars.next()) && end(chars.next_back())
}
