//! A feature file's text, to tell where things are written in it.

use std::path::PathBuf;

/// A file with steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Source {
    /// Its path as the user gave it.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
}

impl Source {
    /// The path, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// The doc string below a step, padded with empty lines and blanks so that every character of it has the line and
/// column that it has in the feature file. Separators between documents stay at the margin, where YAML wants them.
pub(crate) fn doc_string(step: &gherkin::Step, source: &Source) -> Option<String> {
    let content = step.docstring.as_ref()?;
    let below = source.text.lines().enumerate().skip(step.position.line);
    let mut below = below.skip_while(|(_, line)| !is_fence(line));
    let (opening, _) = below.next()?;
    let written = below
        .map(|(_, line)| line)
        .take_while(|line| !is_fence(line));
    let margin = margin(written);
    let lines: Vec<&str> = content.lines().skip(1).collect();
    let indent = margin - margin_of(&lines).min(margin);
    let mut text = "\n".repeat(opening + 1);
    for line in lines {
        if line.trim() == "---" {
            text.push_str("---");
        } else {
            text.push_str(&" ".repeat(indent));
            text.push_str(line.trim_end());
        }
        text.push('\n');
    }
    Some(text)
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("\"\"\"") || line.starts_with("```")
}

fn margin_of(lines: &[&str]) -> usize {
    margin(lines.iter().copied())
}

/// Blanks that every line begins with; empty lines do not count.
fn margin<'a>(lines: impl Iterator<Item = &'a str>) -> usize {
    let written = lines.filter(|line| !line.trim().is_empty());
    let blanks = written.map(|line| line.len() - line.trim_start().len());
    blanks.min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_string_keeps_its_lines_and_columns() {
        let text = "Feature: f\n  Scenario: s\n    Given a cluster:\n      \"\"\"yaml\n      a: 1\n      ---\n        b: 2\n      \"\"\"\n";
        let feature = gherkin::Feature::parse(text, gherkin::GherkinEnv::default()).unwrap();
        let source = Source {
            path: "f.feature".into(),
            text: text.to_owned(),
        };
        let padded = doc_string(&feature.scenarios[0].steps[0], &source).unwrap();
        let lines: Vec<&str> = padded.lines().collect();
        assert_eq!(lines[..4], ["", "", "", ""]);
        assert_eq!(lines[4..], ["      a: 1", "---", "        b: 2"]);
    }
}
