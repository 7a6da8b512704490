//! Which step a sentence is.

use super::{PARAMETERS, Step, steps};
use cucumber_expressions::Expression;
use regex::Regex;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A sentence that was recognised.
pub(crate) struct Match {
    /// The step it is.
    pub(crate) step: &'static Step,
    /// What stands in its gaps.
    pub(crate) captures: Vec<String>,
}

struct Pattern {
    step: &'static Step,
    regex: Regex,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let parameters: HashMap<&str, &str> = PARAMETERS
        .iter()
        .map(|parameter| (parameter.name, parameter.pattern))
        .collect();
    let compile = |step: &'static Step| {
        let regex = Expression::regex_with_parameters(step.expression, &parameters);
        let regex = regex.unwrap_or_else(|error| panic!("{}: {error}", step.expression));
        Pattern { step, regex }
    };
    steps().into_iter().map(compile).collect()
});

/// The one step whose expression this text matches as a whole.
///
/// # Errors
/// When none does, with the nearest steps; when several do, with all of them.
pub(crate) fn find(text: &str) -> anyhow::Result<Match> {
    let mut found: Vec<Match> = PATTERNS
        .iter()
        .filter_map(|pattern| captures(pattern, text))
        .collect();
    match found.pop() {
        Some(only) if found.is_empty() => Ok(only),
        None => anyhow::bail!("there is no such step; the nearest are:\n{}", nearest(text)),
        Some(last) => {
            found.push(last);
            let all = found.iter().map(|one| one.step);
            anyhow::bail!("the step is ambiguous, it can be:\n{}", usage(all))
        }
    }
}

fn captures(pattern: &Pattern, text: &str) -> Option<Match> {
    let captures = pattern.regex.captures(text)?;
    let captures = captures.iter().skip(1);
    Some(Match {
        step: pattern.step,
        captures: captures
            .map(|capture| capture.map_or_else(String::new, |text| text.as_str().to_owned()))
            .collect(),
    })
}

/// The three steps most like the text.
fn nearest(text: &str) -> String {
    let mut ranked: Vec<(f64, &Step)> = PATTERNS
        .iter()
        .map(|pattern| (likeness(text, pattern.step), pattern.step))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    usage(ranked.into_iter().take(3).map(|(_, step)| step))
}

fn likeness(text: &str, step: &Step) -> f64 {
    let example = step.example.lines().next().unwrap_or_default();
    let sentence = example.split_once(' ').map_or(example, |(_, rest)| rest);
    let by_example = strsim::normalized_damerau_levenshtein(text, sentence);
    by_example.max(strsim::sorensen_dice(text, sentence))
}

fn usage(steps: impl Iterator<Item = &'static Step>) -> String {
    let lines: Vec<String> = steps
        .map(|step| {
            format!(
                "    {}\n        {}",
                step.expression,
                first_line(step.example)
            )
        })
        .collect();
    lines.join("\n")
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Script;
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    #[test]
    fn every_example_is_the_step_it_documents() {
        for step in steps() {
            let text = format!("Feature: f\n  Scenario: s\n    {}\n", step.example);
            let feature = gherkin::Feature::parse(&text, gherkin::GherkinEnv::default())
                .unwrap_or_else(|error| panic!("{}: {error}", step.example));
            let parsed = &feature.scenarios[0].steps[0];
            let found = find(&parsed.value).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(found.step.expression, step.expression);
            assert!(!step.meaning.is_empty(), "{}", step.expression);
        }
    }

    #[test]
    fn every_step_is_used_by_a_feature_of_our_own() {
        let features = [PathBuf::from("../../features")];
        let scenarios = crate::discover(&features).unwrap_or_else(|errors| panic!("{errors:?}"));
        let sentences = scenarios
            .iter()
            .flat_map(|scenario| match &scenario.script {
                Script::Feature { steps, .. } => steps.as_slice(),
                Script::Case(_) => &[],
            });
        let used: BTreeSet<&str> = sentences
            .map(|step| find(&step.value).unwrap_or_else(|error| panic!("{error}")))
            .map(|found| found.step.expression)
            .collect();
        let unused = steps()
            .into_iter()
            .filter(|step| !used.contains(step.expression));
        let unused: Vec<&str> = unused.map(|step| step.expression).collect();
        // There are no manifests on the command line of a test.
        assert_eq!(unused, ["the cluster of the command line"]);
    }

    #[test]
    fn every_parameter_is_used_and_documented() {
        for parameter in PARAMETERS {
            let gap = format!("{{{}}}", parameter.name);
            let mut steps = steps().into_iter();
            assert!(steps.any(|step| step.expression.contains(&gap)), "{gap}");
        }
    }

    #[test]
    fn an_unknown_step_proposes_the_nearest() {
        let error = find("shop/web can conect to shop/db on TCP 5432")
            .err()
            .unwrap();
        let first = error.to_string().lines().nth(1).unwrap().trim().to_owned();
        assert_eq!(
            first,
            "{endpoint} can connect to {endpoint} on {service}{way}"
        );
    }
}
