//! Results: a table for people, a file for the repository.

use serde_json::json;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// One measurement's result.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) goal: Option<Duration>,
    pub(crate) least: Duration,
    pub(crate) median: Duration,
    pub(crate) most: Duration,
}

/// An aligned table, the goals beside.
pub(crate) fn table(rows: &[Row]) -> String {
    let header = ["what", "median", "goal", "of goal", "least", "most"].map(str::to_owned);
    let lines = std::iter::once(header).chain(rows.iter().map(cells));
    lines.map(|cells| line(&cells)).collect()
}

fn cells(row: &Row) -> [String; 6] {
    let share = |goal: Duration| row.median.as_secs_f64() / goal.as_secs_f64() * 100.0;
    [
        row.what.clone(),
        milliseconds(row.median),
        row.goal.map_or_else(|| "–".to_owned(), milliseconds),
        row.goal
            .map_or_else(String::new, |goal| format!("{:.0} %", share(goal))),
        milliseconds(row.least),
        milliseconds(row.most),
    ]
}

fn line([what, median, goal, share, least, most]: &[String; 6]) -> String {
    format!("{what:<46}{median:>12}{goal:>12}{share:>10}{least:>12}{most:>12}\n")
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

/// Writes the results with what is needed to read them: machine, kernel, rounds.
pub(crate) fn write(path: &Path, rounds: usize, rows: &[Row]) -> anyhow::Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            json!({
                "what": row.what,
                "goal_ms": row.goal.map(|goal| goal.as_secs_f64() * 1000.0),
                "median_ms": row.median.as_secs_f64() * 1000.0,
                "least_ms": row.least.as_secs_f64() * 1000.0,
                "most_ms": row.most.as_secs_f64() * 1000.0,
            })
        })
        .collect();
    let record = json!({
        "kernel": kernel.trim(),
        "processors": std::thread::available_parallelism()?.get(),
        "rounds": rounds,
        "results": rows,
    });
    fs::write(path, format!("{record:#}\n"))?;
    Ok(())
}
