//! The runner: plays the chosen scenarios on worker threads and reports each as it ends.

use crate::discover::discover;
use crate::driver;
use crate::plan::Plan;
use crate::report::{self, Terminal};
use crate::scenario::{Report, Scenario, Setting};
use crate::session::Drivers;
use crate::{Options, RunError, Summary};
use std::num::NonZeroUsize;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Runs the scenarios that the options name and reports on the terminal and in the files they ask for.
///
/// # Errors
/// When a file is unreadable or malformed, the machine cannot run the driver, or a report cannot be written.
pub fn run(options: &Options) -> Result<Summary, RunError> {
    let started = Instant::now();
    let found = discover(&options.paths).map_err(RunError::Input)?;
    let plan = Plan::new(found, &options.filter, options.seed);
    let setting = Setting {
        drivers: Drivers {
            driver: options.driver,
            against: options.against,
            mode: options.mode,
        },
        manifests: options.manifests.clone().map(Arc::new),
        nodes: options.nodes,
        bless: options.bless,
        outputs: options.outputs.clone(),
    };
    for kind in [Some(options.driver), options.against]
        .into_iter()
        .flatten()
    {
        drop(driver::open(kind, options.mode)?);
    }
    let mut terminal = Terminal::new(plan.scenarios.len());
    let reports = play_all(&plan.scenarios, &setting, options, &mut terminal);
    let summary = summarise(&plan, &reports, options, started.elapsed());
    terminal.finish(&summary, setting.drivers, options.seed);
    report::write(options, &plan.scenarios, &reports, &summary)?;
    Ok(summary)
}

/// Plays the scenarios; one that was not reached has no report.
fn play_all(
    scenarios: &[Scenario],
    setting: &Setting,
    options: &Options,
    terminal: &mut Terminal,
) -> Vec<Option<Report>> {
    let next = AtomicUsize::new(0);
    let is_stopped = AtomicBool::new(false);
    let mut reports = vec![None; scenarios.len()];
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..workers(options.jobs, scenarios.len()) {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !is_stopped.load(Ordering::Relaxed) && !options.interrupt.is_raised() {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(scenario) = scenarios.get(index) else {
                        break;
                    };
                    let report = play(scenario, setting);
                    let is_last = options.fail_fast && report.failure.is_some();
                    is_stopped.fetch_or(is_last, Ordering::Relaxed);
                    let _ = sender.send((index, report));
                }
            });
        }
        drop(sender);
        for (index, report) in receiver {
            terminal.played(&scenarios[index], &report);
            reports[index] = Some(report);
        }
    });
    reports
}

fn workers(jobs: Option<NonZeroUsize>, scenarios: usize) -> usize {
    let processors = || thread::available_parallelism().map_or(1, NonZeroUsize::get);
    jobs.map_or_else(processors, NonZeroUsize::get)
        .min(scenarios)
}

/// A panic is a failure of the scenario, not of the run.
fn play(scenario: &Scenario, setting: &Setting) -> Report {
    let started = Instant::now();
    let played = panic::catch_unwind(AssertUnwindSafe(|| scenario.play(setting)));
    played.unwrap_or_else(|payload| Report::panicked(scenario, payload.as_ref(), started.elapsed()))
}

fn summarise(
    plan: &Plan,
    reports: &[Option<Report>],
    options: &Options,
    elapsed: Duration,
) -> Summary {
    let count = |is_counted: fn(&Option<Report>) -> bool| {
        reports.iter().filter(|report| is_counted(report)).count()
    };
    let is_passed = |report: &Option<Report>| report.as_ref().is_some_and(Report::is_passed);
    let is_skipped = |report: &Option<Report>| report.as_ref().is_none_or(|r| r.skipped.is_some());
    let is_failed = |report: &Option<Report>| report.as_ref().is_some_and(|r| r.failure.is_some());
    Summary {
        passed: count(is_passed),
        failed: count(is_failed),
        skipped: count(is_skipped),
        filtered: plan.filtered,
        elapsed,
        interrupted: options.interrupt.is_raised(),
    }
}
