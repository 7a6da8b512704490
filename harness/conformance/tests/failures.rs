//! What a user sees when a scenario fails: every statement here is wrong on purpose, and none may pass.

use conformance::driver::{DriverKind, Mode};
use conformance::{Drivers, Outputs, Scenario, Setting, discover};
use std::fmt::Write;
use std::path::Path;

fn setting(against: Option<DriverKind>) -> Setting {
    Setting {
        drivers: Drivers {
            driver: DriverKind::Oracle,
            against,
            mode: Mode::default(),
        },
        manifests: None,
        nodes: 0,
        bless: false,
        outputs: Outputs::default(),
    }
}

fn scenarios(file: &str) -> Vec<Scenario> {
    let path = Path::new("tests/failures").join(file);
    discover(&[path]).unwrap_or_else(|errors| panic!("{}", errors.join("\n")))
}

/// Plays every scenario of the file; each must fail.
fn failures(file: &str) -> String {
    let mut text = String::new();
    for scenario in scenarios(file) {
        let report = scenario.play(&setting(None));
        let failure = report
            .failure
            .unwrap_or_else(|| panic!("{} passed", scenario.name()));
        let _ = writeln!(
            text,
            "# {}\n{}: {}",
            scenario.title, failure.line, failure.step
        );
        let _ = writeln!(text, "{}\n", failure.message);
    }
    text
}

#[test]
fn statements_that_do_not_hold() {
    insta::assert_snapshot!(failures("verdicts.feature"));
}

#[test]
fn steps_that_cannot_be_done() {
    insta::assert_snapshot!(failures("usage.feature"));
}

#[test]
fn logs_that_are_not_as_a_scenario_says() {
    insta::assert_snapshot!(failures("log.feature"));
}

#[test]
fn a_case_that_does_not_hold() {
    insta::assert_snapshot!(failures("case.yaml"));
}

#[test]
fn two_drivers_that_agree_pass_whatever_is_expected() {
    let all = scenarios("verdicts.feature");
    let denied = all
        .iter()
        .find(|one| one.title == "A connection that is denied");
    let report = denied.unwrap().play(&setting(Some(DriverKind::Simulate)));
    assert_eq!(report.failure, None);
}
