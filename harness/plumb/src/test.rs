//! `plumb test`: scenarios and case files.

use crate::answer::{Judge, cannot_open, driver_kind};
use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::input::Manifests;
use crate::outputs::OutputFlags;
use anyhow::anyhow;
use clap::builder::BoolishValueParser;
use conformance::driver::DriverKind;
use conformance::{Filter, Interrupt, Options, RunError, Shard, TagExpression};
use regex::Regex;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  plumb test                                     every scenario in features/
  plumb test features/ -f cluster.yaml           on the cluster of these manifests
  helm template . | plumb test -f - features/    on what a chart renders
  plumb test --driver simulate --against oracle  without root, and the oracle must agree
  plumb test -t '@ipv6 and not @slow' -n 'default deny'
  plumb test --shard 2/4 --junit report.xml      a quarter of the work of a CI run
";

/// Run scenarios (.feature files) and case files
#[derive(clap::Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    /// Feature files, case files, and folders of them
    #[arg(default_value = "features")]
    path: Vec<PathBuf>,
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    judge: Judge,
    /// Ask this driver too; it must answer the same
    #[arg(long, value_name = "DRIVER", value_parser = driver_kind())]
    against: Option<DriverKind>,
    /// Only scenarios with these tags, for example '@ipv6 and not (@slow or @node)'
    #[arg(short, long, value_name = "TAGS")]
    tags: Option<TagExpression>,
    /// Only scenarios in whose `FILE::SCENARIO` this regular expression is found
    #[arg(short, long, value_name = "REGEX")]
    name: Option<Regex>,
    /// How many scenarios run at once; one a processor without it
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Run one of N equal parts, for machines that share the work
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Start no further scenario after a failure
    #[arg(long, value_parser = BoolishValueParser::new())]
    fail_fast: bool,
    /// Shuffle the scenarios; the same number gives the same order
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Write golden files from what is seen, and show what changes
    #[arg(long, value_parser = BoolishValueParser::new())]
    bless: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a JSON report, one object a scenario
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    outputs: OutputFlags,
}

/// Runs the command; `interrupt` stops it after the scenarios that are under way.
///
/// # Errors
/// When the input cannot be used, the machine cannot run the driver, or a report cannot be written.
pub(crate) fn run(arguments: &Arguments, interrupt: Interrupt) -> Result<Exit, Failure> {
    let options = options(arguments, interrupt)?;
    let summary = conformance::run(&options).map_err(cannot_start)?;
    Ok(Exit::from_code(summary.exit_code()))
}

fn options(arguments: &Arguments, interrupt: Interrupt) -> Result<Options, Failure> {
    let manifests = arguments.manifests.load_if_given()?;
    Ok(Options {
        paths: arguments.path.clone(),
        manifests: manifests.map(|loaded| loaded.cluster),
        driver: arguments.judge.driver,
        against: arguments.against,
        mode: arguments.judge.mode(),
        nodes: arguments.manifests.nodes(),
        bless: arguments.bless,
        filter: Filter {
            tags: arguments.tags.clone(),
            name: arguments.name.clone(),
            shard: arguments.shard,
        },
        jobs: arguments.jobs,
        fail_fast: arguments.fail_fast,
        seed: arguments.seed,
        junit: arguments.junit.clone(),
        json: arguments.json.clone(),
        outputs: arguments.outputs.outputs(),
        interrupt,
    })
}

fn cannot_start(error: RunError) -> Failure {
    let exit = Exit::from_code(error.exit_code());
    match error {
        RunError::Driver(error) => cannot_open(error),
        RunError::Input(messages) => Failure::new(exit, anyhow!(messages.join("\nerror: "))).help(
            "scenarios are .feature files and case files; `plumb steps` lists what they can say",
        ),
        error @ RunError::Report { .. } => Failure::new(exit, error),
    }
}
