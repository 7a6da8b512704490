//! `plumb matrix`: who can reach whom.

mod cell;
mod difference;
mod records;
mod replicas;
mod selection;
mod summary;
mod table;
mod topology;

use crate::answer::{Answer, Judge, driver_kind};
use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::finding::Finding;
use crate::input::Manifests;
use crate::output::{self, print};
use crate::outputs::OutputFlags;
use anyhow::anyhow;
use clap::ValueEnum;
use conformance::driver::DriverKind;
use difference::{Drivers, differences};
use manifest::Cluster;
use oracle::Probe;
use selection::Selection;
use table::Table;

const EXAMPLES: &str = "\
Examples:
  plumb matrix -f cluster.yaml                        who can reach whom, tried in the kernel
  plumb matrix -f cluster.yaml --driver simulate      the same without root
  kubectl get ns,no,po,netpol -A -o yaml | plumb matrix -f -
  plumb matrix -f manifests/ -n shop --from '*'       who can reach the pods of shop
  plumb matrix -f manifests/ --port 80 --port 53/UDP  these ports on every destination
  plumb matrix -f manifests/ --to 'svc/*'             who gets an answer of which service
  plumb matrix -f manifests/ -o json | jq -r 'select(.verdict == \"denied\") | .from'
  plumb matrix -f manifests/ --against oracle         where the kernel and the API text part
";

/// Show who can reach whom
#[derive(clap::Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    judge: Judge,
    /// Judge with this driver too and show only where the two differ
    #[arg(long, value_name = "DRIVER", value_parser = driver_kind())]
    against: Option<DriverKind>,
    /// The form of the output: table for people, json (one object a line) and csv for programs
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
    #[command(flatten)]
    outputs: OutputFlags,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Table,
    Json,
    Csv,
}

/// What files about the run are named after.
const TITLE: &str = "matrix";

/// Runs the command.
///
/// # Errors
/// When the input cannot be used, nothing is selected, or the machine cannot run the driver.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let cluster = arguments.manifests.load()?.cluster;
    let probes = arguments.selection.probes(&cluster)?;
    if probes.is_empty() {
        let error = anyhow!("no connection is selected, so nothing was tried");
        return Err(Failure::new(Exit::NothingRan, error));
    }
    match arguments.against {
        None => show(arguments, &cluster, &probes),
        Some(against) => compare(arguments, against, &cluster, &probes),
    }
}

fn show(arguments: &Arguments, cluster: &Cluster, probes: &[Probe]) -> Result<Exit, Failure> {
    let outputs = arguments.outputs.outputs();
    let answers = (arguments.judge).ask_observed(cluster, probes, &outputs, TITLE)?;
    match arguments.output {
        Format::Table => show_table(arguments.judge, cluster, &answers)?,
        Format::Json => print(|out| records::json_lines(out, &answers))?,
        Format::Csv => print(|out| records::csv(out, &answers))?,
    }
    judge_losses(&answers)
}

fn show_table(judge: Judge, cluster: &Cluster, answers: &[Answer]) -> Result<(), Failure> {
    /// From this many on, the reader deserves a hint.
    const MANY_BLOCKS: usize = 4;
    let mut blocks = 0;
    print(|out| {
        topology::write(out, cluster, judge.routing, output::width())?;
        let table = Table::new(cluster, answers);
        blocks = table.write(out, output::width())?;
        writeln!(out)?;
        table.write_legend(out, answers)?;
        summary::write(out, judge.driver, answers)
    })?;
    if blocks >= MANY_BLOCKS {
        output::warn(&format!(
            "\nThe table is in {blocks} parts: -n NAMESPACE, --from and --to narrow it, -o json lists every connection.\n"
        ));
    }
    Ok(())
}

/// A lost probe proves nothing, so it is a failure.
fn judge_losses(answers: &[Answer]) -> Result<Exit, Failure> {
    let is_lost = |answer: &&Answer| answer.finding() == Finding::Lost;
    let mut lost = answers.iter().filter(is_lost);
    match (lost.next(), lost.count()) {
        (None, _) => Ok(Exit::Passed),
        (Some(first), others) => {
            let error = anyhow!(
                "{} lost, neither answered nor reported as dropped: {first}{}",
                if others == 0 {
                    "1 probe was".to_owned()
                } else {
                    format!("{} probes were", others + 1)
                },
                if others == 0 { "" } else { " and others" },
            );
            let failure = Failure::new(Exit::Failed, error);
            Err(failure.help("a lost probe is no denial: `plumb doctor` checks this machine"))
        }
    }
}

fn compare(
    arguments: &Arguments,
    against: DriverKind,
    cluster: &Cluster,
    probes: &[Probe],
) -> Result<Exit, Failure> {
    let drivers = Drivers {
        ours: arguments.judge.driver,
        theirs: against,
    };
    let other = Judge {
        driver: against,
        ..arguments.judge
    };
    let outputs = arguments.outputs.outputs();
    let ours = (arguments.judge).ask_observed(cluster, probes, &outputs, TITLE)?;
    let theirs = other.ask(cluster, probes)?;
    let found = differences(&ours, &theirs);
    print(|out| match arguments.output {
        Format::Table => difference::write_text(out, drivers, &found, probes.len()),
        Format::Json => difference::write_json(out, drivers, &found),
        Format::Csv => difference::write_csv(out, drivers, &found),
    })?;
    if found.is_empty() {
        judge_losses(&ours)
    } else {
        Ok(Exit::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::made_up;
    use conformance::driver::Verdict;

    #[test]
    fn a_lost_probe_is_a_failure_that_names_it() {
        let answers = [Verdict::Allowed, Verdict::Lost, Verdict::Lost]
            .map(|verdict| made_up("10.0.0.1", "80", verdict));
        let failure = judge_losses(&answers).unwrap_err();
        assert_eq!(failure.exit(), Exit::Failed);
        let message = failure.to_string();
        assert!(message.contains("2 probes were lost"), "{message}");
        assert!(
            message.contains("shop/web → shop/db 80/TCP (10.0.0.1)"),
            "{message}"
        );
        assert_eq!(judge_losses(&answers[..1]).unwrap(), Exit::Passed);
    }
}
