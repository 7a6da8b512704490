//! Label selectors.

use super::label;
use crate::report::Problem;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Everything wrong with the selector at `path`.
pub(super) fn selector(selector: &LabelSelector, path: &str) -> Vec<Problem> {
    selector_by(selector, path, label::key)
}

/// Everything wrong with the selector at `path`, whose keys are what `key` takes.
pub(super) fn selector_by(
    selector: &LabelSelector,
    path: &str,
    key: impl Fn(&str) -> Result<(), Problem>,
) -> Vec<Problem> {
    let labels = selector.match_labels.iter().flatten();
    let labels = labels
        .flat_map(|(label, text)| [key(label), label::value(text)].map(|check| (label, check)));
    let failed = labels.filter_map(|(label, check)| check.err().map(|problem| (label, problem)));
    let mut problems: Vec<_> = failed
        .map(|(label, problem)| problem.path(format!("{path}.matchLabels[{label}]")))
        .collect();
    let expressions = selector.match_expressions.iter().flatten().enumerate();
    problems.extend(expressions.flat_map(|(index, expression)| {
        let path = format!("{path}.matchExpressions[{index}]");
        requirement(expression, &path, &key)
    }));
    problems
}

fn requirement(
    expression: &LabelSelectorRequirement,
    path: &str,
    key: impl Fn(&str) -> Result<(), Problem>,
) -> Vec<Problem> {
    let values = expression.values.as_deref().unwrap_or_default();
    let key = key(&expression.key).map_err(|problem| problem.path(format!("{path}.key")));
    let operator = operator(&expression.operator, values, path);
    let values = values.iter().enumerate().map(|(index, text)| {
        label::value(text).map_err(|problem| problem.path(format!("{path}.values[{index}]")))
    });
    [key, operator]
        .into_iter()
        .chain(values)
        .filter_map(Result::err)
        .collect()
}

fn operator(operator: &str, values: &[String], path: &str) -> Result<(), Problem> {
    match (operator, values) {
        ("In" | "NotIn", []) => Err(Problem::new(format!("{operator} needs values"))
            .path(format!("{path}.values"))
            .help("write at least one value, or use Exists or DoesNotExist")),
        ("Exists" | "DoesNotExist", [_, ..]) => {
            Err(Problem::new(format!("{operator} takes no values"))
                .path(format!("{path}.values"))
                .help("remove the values, or use In or NotIn"))
        }
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => Ok(()),
        _ => Err(Problem::new(format!("{operator:?} is not an operator"))
            .path(format!("{path}.operator"))
            .help("use In, NotIn, Exists or DoesNotExist")),
    }
}
