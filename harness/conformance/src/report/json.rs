//! The JSON report: one object a line, one line a scenario.

use crate::scenario::{Report, Scenario};
use serde_json::{Value, json};

/// The report's text.
pub(super) fn render(scenarios: &[Scenario], reports: &[Option<Report>]) -> String {
    let mut text = String::new();
    for (scenario, report) in scenarios.iter().zip(reports) {
        text.push_str(&line(scenario, report.as_ref()).to_string());
        text.push('\n');
    }
    text
}

fn line(scenario: &Scenario, report: Option<&Report>) -> Value {
    let status = match report {
        None => "skipped",
        Some(report) if report.failure.is_some() => "failed",
        Some(report) if report.skipped.is_some() => "skipped",
        Some(_) => "passed",
    };
    let failure = report.and_then(|report| report.failure.as_ref());
    let failure = failure.map(
        |failure| json!({"line": failure.line, "step": failure.step, "message": failure.message}),
    );
    json!({
        "file": scenario.file.display().to_string(),
        "line": scenario.line,
        "feature": scenario.feature,
        "scenario": scenario.title,
        "tags": scenario.tags,
        "status": status,
        "seconds": report.map(|report| report.elapsed.as_secs_f64()),
        "failure": failure,
        "skipped": report.and_then(|report| report.skipped.as_ref()),
    })
}
