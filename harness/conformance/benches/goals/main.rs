//! The harness's speed against its goals: `cargo xtask bench`.
//!
//! Every measurement of a group is taken once a round, one after the other, so that a noisy moment hits all alike; the
//! median over the rounds is what counts. Nothing here can fail for being slow.

mod clusters;
mod measure;
mod record;

use measure::Measurement;
use record::Row;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// Rounds without `--rounds`.
const ROUNDS: usize = 7;

/// What the command line asks for.
struct Arguments {
    rounds: usize,
    /// A folder of case files to time, beside our own.
    corpus: Option<PathBuf>,
    /// Where to write the results; nowhere without it.
    record: Option<PathBuf>,
}

fn main() -> ExitCode {
    match arguments().and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> anyhow::Result<Arguments> {
    let mut found = Arguments {
        rounds: ROUNDS,
        corpus: None,
        record: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| anyhow::anyhow!("{word} needs a value"))
        };
        match word.as_str() {
            "--rounds" => found.rounds = value()?.parse()?,
            "--corpus" => found.corpus = Some(value()?.into()),
            "--record" => found.record = Some(value()?.into()),
            // cargo bench adds it.
            "--bench" => {}
            other => {
                anyhow::bail!("unknown argument {other}: --rounds N, --corpus DIR, --record FILE")
            }
        }
    }
    Ok(found)
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut rows = Vec::new();
    for group in measure::groups(arguments.corpus.as_deref())? {
        rows.extend(interleaved(&group, arguments.rounds)?);
    }
    print!("{}", record::table(&rows));
    if let Some(path) = &arguments.record {
        record::write(path, arguments.rounds, &rows)?;
    }
    Ok(())
}

fn interleaved(group: &[Measurement], rounds: usize) -> anyhow::Result<Vec<Row>> {
    let mut samples = vec![Vec::with_capacity(rounds); group.len()];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (measurement, samples) in group.iter().zip(&mut samples) {
            samples.push((measurement.take)()?);
        }
    }
    let results = group.iter().zip(samples);
    Ok(results
        .map(|(measurement, samples)| row(measurement, samples))
        .collect())
}

fn row(measurement: &Measurement, mut samples: Vec<Duration>) -> Row {
    samples.sort();
    Row {
        what: measurement.what.clone(),
        goal: measurement.goal,
        least: samples[0],
        median: samples[samples.len() / 2],
        most: samples[samples.len() - 1],
    }
}
