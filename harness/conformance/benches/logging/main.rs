//! What logging costs, bears and takes: `cargo bench -p conformance --bench logging`. Needs root.
//!
//! ```text
//! packet ──► program ──► ring buffer ──► Flow::read ──► PolicyLog ──► queue ──► LogFile
//!        kernel          └──────────────── user space, stage by stage ────────────────┘
//! ```
//!
//! The node, the log and the traffic are those of the test `log_flood`. Every figure is taken once a round, one after the
//! other; the median over the rounds counts. Costs in user space are CPU time, which other processes disturb least.

mod connections;
mod delay;
mod flood;
mod kernel;
#[path = "../../tests/log_flood/node.rs"]
mod node;
mod report;
mod resources;
#[path = "../../tests/log_flood/sink.rs"]
mod sink;
mod stages;
mod sustained;
#[path = "../../tests/log_flood/traffic.rs"]
mod traffic;

use agent::Config;
use bench::Arguments;
use flow::log::{FileSettings, LogFile, PolicyLog, Settings};
use jiff::SignedDuration;
use report::Row;
use sink::Sink;

/// The spec of a `NetworkLogging` that has everything logged.
const LOG_ALL: &str = "{allow: {log: true}, deny: {log: true}}";
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read(&[])?;
    let mut kernel = kernel::Kernel::new()?;
    let mut connections = connections::ways()?;
    let mut rows: Vec<Row> = Vec::new();
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        let mut figures = flood::round()?;
        figures.extend(kernel.round(round)?);
        figures.extend(stages::round()?);
        figures.extend(sustained::round()?);
        figures.extend(delay::round()?);
        figures.extend(connections::round(&mut connections)?);

        report::add(&mut rows, figures);
    }
    print!("{}", report::table(&rows));
    let records: Vec<_> = rows.iter().map(report::record).collect();
    arguments.record(&records)
}

/// A log with a file in a folder that goes with what is returned.
fn sink(settings: Settings) -> anyhow::Result<(Sink, tempfile::TempDir)> {
    let folder = tempfile::tempdir()?;
    let file = LogFile::open(folder.path(), FileSettings::default())?;
    Ok((Sink::new(PolicyLog::new(settings), file), folder))
}

/// Every denial makes an event.
fn every_event() -> Config {
    Config {
        drop_events: None,
        ..Config::default()
    }
}

/// Every denial is a record of its own, and none is too many.
fn every_record() -> Settings {
    Settings {
        window: SignedDuration::ZERO,
        rate: u32::MAX,
        burst: u32::MAX,
        ..Settings::default()
    }
}
