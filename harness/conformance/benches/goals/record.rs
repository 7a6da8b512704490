//! Results: a table for people, a record for the repository.

use bench::Spread;
use serde_json::{Value, json};
use std::time::Duration;

/// One measurement's result.
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) goal: Option<Duration>,
    pub(crate) milliseconds: Spread,
}

impl Row {
    fn goal_ms(&self) -> Option<f64> {
        self.goal.map(|goal| goal.as_secs_f64() * 1000.0)
    }
}

/// An aligned table, the goals beside.
pub(crate) fn table(rows: &[Row]) -> String {
    let header = ["what", "median", "goal", "of goal", "least", "most"];
    let lines: Vec<_> = rows.iter().map(cells).collect();
    bench::table(header, &lines)
}

fn cells(row: &Row) -> [String; 6] {
    let Spread {
        least,
        median,
        most,
    } = row.milliseconds;
    let goal = row.goal_ms();
    [
        row.what.clone(),
        milliseconds(median),
        goal.map_or_else(|| "–".to_owned(), milliseconds),
        goal.map_or_else(String::new, |goal| {
            format!("{:.0} %", median / goal * 100.0)
        }),
        milliseconds(least),
        milliseconds(most),
    ]
}

fn milliseconds(figure: f64) -> String {
    format!("{figure:.1} ms")
}

pub(crate) fn record(row: &Row) -> Value {
    json!({
        "what": row.what,
        "goal_ms": row.goal_ms(),
        "median_ms": row.milliseconds.median,
        "least_ms": row.milliseconds.least,
        "most_ms": row.milliseconds.most,
    })
}
