//! What a run shows while it goes, and at its end.

use crate::Summary;
use crate::scenario::{Failure, Report, Scenario};
use crate::session::Drivers;
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

/// Failures and the summary go to standard output; progress is a bar on a terminal and counter lines elsewhere.
pub(crate) struct Terminal {
    total: usize,
    played: usize,
    failed: usize,
    skipped: usize,
    bar: Option<ProgressBar>,
}

impl Terminal {
    /// A display for so many scenarios.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            played: 0,
            failed: 0,
            skipped: 0,
            bar: std::io::stderr().is_terminal().then(|| bar(total)),
        }
    }

    /// Shows that a scenario has ended.
    pub(crate) fn played(&mut self, scenario: &Scenario, report: &Report) {
        self.played += 1;
        if let Some(failure) = &report.failure {
            self.failed += 1;
            self.print(&describe(scenario, report, failure));
        }
        if let Some(why) = &report.skipped {
            self.skipped += 1;
            let place = scenario.file.display();
            self.print(&format!(
                "{FAINT}skipped {} ({place}, {why}){FAINT:#}",
                scenario.name()
            ));
        }
        match &self.bar {
            Some(bar) => {
                bar.set_message(self.counts());
                bar.inc(1);
            }
            None if self.is_at_a_tenth() => {
                anstream::println!("[{}/{}] {}", self.played, self.total, self.counts());
            }
            None => {}
        }
    }

    /// Shows the outcome of the run.
    pub(crate) fn finish(&self, summary: &Summary, drivers: Drivers, seed: Option<u64>) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(seed) = seed {
            anstream::println!("order: --seed {seed}");
        }
        anstream::println!("{}", sentence(summary, drivers));
    }

    fn counts(&self) -> String {
        let passed = self.played - self.failed - self.skipped;
        let mut counts = format!("{passed} passed, {} failed", self.failed);
        if self.skipped > 0 {
            let _ = write!(counts, ", {} skipped", self.skipped);
        }
        counts
    }

    /// Whether the last scenario completed another tenth of all.
    fn is_at_a_tenth(&self) -> bool {
        let tenths = |played: usize| played * 10 / self.total;
        tenths(self.played) > tenths(self.played - 1)
    }

    fn print(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| anstream::println!("{text}")),
            None => anstream::println!("{text}"),
        }
    }
}

fn bar(total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {elapsed}");
    let bar = ProgressBar::new(total as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// The scenario, the steps that held, the one that did not, and why.
fn describe(scenario: &Scenario, report: &Report, failure: &Failure) -> String {
    let place = format!("{}:{}", scenario.file.display(), failure.line);
    let title = format!("{BAD}FAILED{BAD:#} {}", scenario.name());
    let held = report.held.iter();
    let held = held.map(|step| format!("  {FAINT}✓ {step}{FAINT:#}"));
    let broken = format!("  {BAD}✗{BAD:#} {} {FAINT}({place}){FAINT:#}", failure.step);
    let why = failure.message.lines().map(|line| format!("    {line}"));
    let lines: Vec<String> = [title]
        .into_iter()
        .chain(held)
        .chain([broken])
        .chain(why)
        .collect();
    lines.join("\n")
}

fn sentence(summary: &Summary, drivers: Drivers) -> String {
    let colour = if summary.exit_code() == 0 { GOOD } else { BAD };
    let mut counts = vec![format!(
        "{colour}{} passed, {} failed{colour:#}",
        summary.passed, summary.failed
    )];
    if summary.skipped > 0 {
        counts.push(format!("{} skipped", summary.skipped));
    }
    if summary.filtered > 0 {
        counts.push(format!("{} filtered out", summary.filtered));
    }
    let against = drivers
        .against
        .map_or_else(String::new, |kind| format!(" against {kind}"));
    let remark = if summary.interrupted {
        ": interrupted"
    } else if summary.passed + summary.failed == 0 {
        ": nothing ran"
    } else {
        ""
    };
    format!(
        "{} in {:.1} s ({}{against}){remark}",
        counts.join(", "),
        summary.elapsed.as_secs_f64(),
        drivers.driver,
    )
}
