//! Finds the scenarios in files and folders.

use crate::casefile;
use crate::scenario::{Scenario, Script};
use crate::source::Source;
use cucumber::feature::Ext as _;
use gherkin::{Feature, GherkinEnv, LineCol, Rule};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The scenarios of feature files, case files, and folders of them, in the order of the paths and then of file names.
/// In a folder, a file that is neither is passed over; given by itself it is an error.
///
/// # Errors
/// Everything that cannot be read, one message each, with file and line.
pub fn discover(paths: &[PathBuf]) -> Result<Vec<Scenario>, Vec<String>> {
    let mut found = Found::default();
    for path in paths {
        if path.is_dir() {
            found.folder(path);
        } else {
            found.file(path);
        }
    }
    if found.errors.is_empty() {
        Ok(found.scenarios)
    } else {
        Err(found.errors)
    }
}

#[derive(Default)]
struct Found {
    scenarios: Vec<Scenario>,
    errors: Vec<String>,
}

impl Found {
    fn folder(&mut self, folder: &Path) {
        let mut paths: Vec<PathBuf> = match fs::read_dir(folder) {
            Ok(entries) => entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect(),
            Err(error) => return self.errors.push(format!("{}: {error}", folder.display())),
        };
        paths.retain(|path| !is_hidden(path));
        paths.sort();
        for path in paths {
            if path.is_dir() && !path.is_symlink() {
                self.folder(&path);
            } else if is_candidate(&path) {
                self.text(&path, false);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.text(path, true);
    }

    /// Reads a file; `is_named` if the user gave it by itself.
    fn text(&mut self, path: &Path, is_named: bool) {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.errors.push(format!("{}: {error}", path.display())),
        };
        let read = if has_extension(path, &["feature"]) {
            feature(path, text)
        } else if casefile::is_case(&text) {
            case(path, &text)
        } else if is_named {
            Err(format!(
                "{}: neither a .feature file nor a case file (a case file has `steps` and `expect`); \
                 manifests are given with -f",
                path.display()
            ))
        } else {
            Ok(Vec::new())
        };
        match read {
            Ok(scenarios) => self.scenarios.extend(scenarios),
            Err(error) => self.errors.push(error),
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with('.')
}

fn is_candidate(path: &Path) -> bool {
    has_extension(path, &["feature", "yaml", "yml", "json"])
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| extensions.contains(&extension))
}

fn case(path: &Path, text: &str) -> Result<Vec<Scenario>, String> {
    let case = casefile::parse(path, text).map_err(|error| format!("{error:#}"))?;
    Ok(vec![Scenario {
        file: path.to_owned(),
        line: 1,
        feature: path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        title: case.title.clone(),
        tags: case.tags.clone(),
        script: Script::Case(Arc::new(case)),
    }])
}

fn feature(path: &Path, text: String) -> Result<Vec<Scenario>, String> {
    let feature = Feature::parse(&text, GherkinEnv::default());
    let feature = feature.map_err(|error| not_gherkin(path, &error.to_string()))?;
    let feature = feature.expand_examples().map_err(|error| {
        let LineCol { line, col } = error.pos;
        let name = error.name;
        format!(
            "{}:{line}:{col}: the Examples have no column <{name}>",
            path.display()
        )
    })?;
    let source = Arc::new(Source {
        path: path.to_owned(),
        text,
    });
    let mut scenarios: Vec<Scenario> = feature
        .scenarios
        .iter()
        .map(|scenario| read(&feature, None, scenario, &source))
        .collect();
    for rule in &feature.rules {
        let in_rule = rule.scenarios.iter();
        scenarios.extend(in_rule.map(|scenario| read(&feature, Some(rule), scenario, &source)));
    }
    make_unique(&mut scenarios);
    Ok(scenarios)
}

/// The parser's words (`Error at 5:1: {"_", "unknown keyword"}`) as a place and a reason. It notices most errors
/// at the beginning of the line below.
fn not_gherkin(path: &Path, error: &str) -> String {
    let place = error
        .strip_prefix("Error at ")
        .and_then(|rest| rest.split_once(": {"));
    let (place, expected) = place.unwrap_or(("1:1", error));
    let reasons = ["unknown keyword", "inconsistent table row sizes"];
    let reason = reasons.into_iter().find(|reason| expected.contains(reason));
    let reason = reason.unwrap_or(
        "expected Feature, Background, Scenario, Examples, a step, a table or a doc string",
    );
    format!(
        "{}:{place}: not valid Gherkin here or just above: {reason}",
        path.display()
    )
}

fn read(
    feature: &Feature,
    rule: Option<&Rule>,
    scenario: &gherkin::Scenario,
    source: &Arc<Source>,
) -> Scenario {
    let backgrounds = feature.background.iter();
    let backgrounds = backgrounds.chain(rule.and_then(|rule| rule.background.as_ref()));
    let steps = backgrounds
        .flat_map(|background| &background.steps)
        .chain(&scenario.steps);
    let rule_tags = rule.into_iter().flat_map(|rule| &rule.tags);
    let tags = feature.tags.iter().chain(rule_tags).chain(&scenario.tags);
    Scenario {
        file: source.path.clone(),
        line: scenario.position.line,
        feature: feature.name.clone(),
        title: scenario.name.clone(),
        tags: tags.cloned().collect(),
        script: Script::Feature {
            source: Arc::clone(source),
            steps: steps.cloned().collect(),
        },
    }
}

/// Rows of an outline whose title has no gap share it: the line tells them apart.
fn make_unique(scenarios: &mut [Scenario]) {
    let mut seen = BTreeSet::new();
    for scenario in scenarios {
        if !seen.insert(scenario.title.clone()) {
            scenario.title = format!("{} (line {})", scenario.title, scenario.line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_gherkin_names_the_place() {
        let check = |text: &str, expected: &str| {
            let error = feature(Path::new("x.feature"), text.to_owned()).unwrap_err();
            assert_eq!(error, expected);
        };
        check(
            "Feature: a\n  Scenario: b\n    Given x\n    Foo bar\n",
            "x.feature:5:1: not valid Gherkin here or just above: unknown keyword",
        );
        check(
            "Feature: a\n  Scenario: b\n    Given x\n      | a | b |\n      | c |\n",
            "x.feature:6:1: not valid Gherkin here or just above: inconsistent table row sizes",
        );
        check(
            "hello\n",
            "x.feature:2:1: not valid Gherkin here or just above: expected Feature, Background, Scenario, Examples, \
             a step, a table or a doc string",
        );
        check(
            "Feature: a\n  Scenario Outline: b\n    Given <x>\n    Examples:\n      | y |\n      | 1 |\n",
            "x.feature:3:5: the Examples have no column <x>",
        );
    }

    #[test]
    fn rows_of_an_outline_have_names_of_their_own() {
        let text = "Feature: a\n  Scenario Outline: b\n    Given <y>\n    Examples:\n      | y |\n      | 1 |\n      | 2 |\n";
        let scenarios = feature(Path::new("x.feature"), text.to_owned()).unwrap();
        let names: Vec<String> = scenarios.iter().map(Scenario::name).collect();
        assert_eq!(names, ["x.feature::b", "x.feature::b (line 7)"]);
    }

    #[test]
    fn a_manifest_is_no_case_file() {
        assert!(!casefile::is_case("apiVersion: v1\nkind: Pod\nsteps: []\n"));
        assert!(!casefile::is_case("kind: Pod\nspec:\n  steps: []\n"));
        assert!(casefile::is_case("id: x\nsteps:\n- probes: []\n"));
    }
}
