//! `plumb doctor`: can this machine run the kernel driver, and if not, what to do.

mod finding;
mod kernel;
mod leftovers;
mod privileges;
mod trial;

use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::output::print;
use clap::ValueEnum;
use finding::{Finding, State};
use std::path::Path;

const EXAMPLES: &str = "\
Examples:
  plumb doctor            what works here, and how to mend what does not
  plumb doctor -o json    the same, one object a line
";

/// Check that this machine can run labs and BPF programs
#[derive(clap::Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    /// The form of the output: table for people, json (one object a line) for programs
    #[arg(
        short,
        long,
        env = "PLUMB_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Table,
    Json,
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written to.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let findings = examine();
    print(|out| match arguments.output {
        Format::Table => finding::write_text(out, &findings),
        Format::Json => finding::write_json(out, &findings),
    })?;
    let is_bad = |finding: &Finding| finding.state == State::Bad;
    Ok(if findings.iter().any(is_bad) {
        Exit::CannotRun
    } else {
        Exit::Passed
    })
}

/// Everything there is to say. Leftovers come before the trial, which loads programs of its own.
fn examine() -> Vec<Finding> {
    let privileges = privileges::examine(Path::new("/proc/self/status"));
    let may_try = privileges.state == State::Good;
    let mut findings = vec![privileges];
    findings.extend(kernel::examine(Path::new("/")));
    if may_try {
        findings.push(leftovers::examine());
        findings.extend(trial::run());
    } else {
        findings.extend(trial::skip());
    }
    findings
}
