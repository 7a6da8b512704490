//! The `JUnit` report: a suite a file, a case a scenario.

use crate::Summary;
use crate::scenario::{Report, Scenario};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;

/// The report's text.
pub(super) fn render(
    scenarios: &[Scenario],
    reports: &[Option<Report>],
    summary: &Summary,
) -> String {
    let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
    for (scenario, report) in scenarios.iter().zip(reports) {
        let file = scenario.file.display().to_string();
        let suite = suites
            .entry(file)
            .or_insert_with_key(|file| TestSuite::new(file.as_str()));
        suite.add_test_case(case(scenario, report.as_ref()));
    }
    let mut whole = quick_junit::Report::new("plumb test");
    whole
        .set_time(summary.elapsed)
        .add_test_suites(suites.into_values());
    whole.to_string().unwrap_or_default()
}

fn case(scenario: &Scenario, report: Option<&Report>) -> TestCase {
    let status = match report.map(|report| (&report.failure, &report.skipped)) {
        None => TestCaseStatus::skipped(),
        Some((None, None)) => TestCaseStatus::success(),
        Some((None, Some(why))) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(why.as_str());
            status
        }
        Some((Some(failure), _)) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let headline = format!(
                "{}:{}: {}",
                scenario.file.display(),
                failure.line,
                failure.step
            );
            status
                .set_message(headline)
                .set_description(failure.message.as_str());
            status
        }
    };
    let mut case = TestCase::new(scenario.title.as_str(), status);
    case.set_classname(scenario.feature.as_str());
    if let Some(report) = report {
        case.set_time(report.elapsed);
    }
    case
}
