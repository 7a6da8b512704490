//! Label selectors.

use super::label;
use crate::report::Problem;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

/// Everything wrong with the selector at `path`.
pub(super) fn selector(selector: &LabelSelector, path: &str) -> Vec<Problem> {
    let mut problems = match &selector.match_labels {
        Some(labels) => label::labels(labels, &format!("{path}.matchLabels")),
        None => vec![],
    };
    let expressions = selector.match_expressions.iter().flatten().enumerate();
    problems.extend(expressions.flat_map(|(index, expression)| {
        requirement(expression, &format!("{path}.matchExpressions[{index}]"))
    }));
    problems
}

fn requirement(expression: &LabelSelectorRequirement, path: &str) -> Vec<Problem> {
    let values = expression.values.as_deref().unwrap_or_default();
    let key = label::key(&expression.key).map_err(|problem| problem.path(format!("{path}.key")));
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
