//! The harness's speed against its goals: `cargo bench -p conformance --bench goals`.

mod clusters;
mod measure;
mod record;

use bench::{Arguments, Spread};
use measure::Measurement;
use record::Row;
use std::path::Path;

fn main() -> anyhow::Result<()> {
    // A folder of case files to time, beside our own.
    let arguments = Arguments::read(&["--corpus"])?;
    let corpus = arguments.value("--corpus").map(Path::new);
    let mut rows = Vec::new();
    for group in measure::groups(corpus)? {
        rows.extend(interleaved(&group, arguments.rounds)?);
    }
    print!("{}", record::table(&rows));
    let records: Vec<_> = rows.iter().map(record::record).collect();
    arguments.record(&records)
}

fn interleaved(group: &[Measurement], rounds: u16) -> anyhow::Result<Vec<Row>> {
    let mut samples = vec![Vec::new(); group.len()];
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        for (measurement, samples) in group.iter().zip(&mut samples) {
            let elapsed = (measurement.take)()?;
            samples.push(elapsed.as_secs_f64() * 1000.0);
        }
    }
    let results = group.iter().zip(samples);
    let rows = results.map(|(measurement, samples)| Row {
        what: measurement.what.clone(),
        goal: measurement.goal,
        milliseconds: Spread::of(samples),
    });
    Ok(rows.collect())
}
