//! The results, for people and for the repository.

use crate::Results;
use crate::change::CHANGES;
use crate::node::Step;
use bench::{Spread, table};
use serde_json::{Value, json};
use std::time::Duration;

impl Results {
    /// Milliseconds of one step, over the rounds; step 0 is the install.
    fn times(&self, step: usize, time: impl Fn(&Step) -> Duration) -> Spread {
        let steps = self.rounds.iter().map(|steps| &steps[step]);
        Spread::of(
            steps
                .map(|step| time(step).as_secs_f64() * 1000.0)
                .collect(),
        )
    }

    fn compile(&self, step: usize) -> Spread {
        self.times(step, |step| step.compile)
    }

    fn in_force(&self, step: usize) -> Spread {
        self.times(step, |step| step.applied.elapsed)
    }

    fn together(&self, step: usize) -> Spread {
        self.times(step, |step| step.compile + step.applied.elapsed)
    }

    /// Rows written: the same in every round.
    fn writes(&self, step: usize) -> usize {
        self.rounds
            .last()
            .map_or(0, |steps| steps[step].applied.writes)
    }
}

/// From nothing to in force.
pub(crate) fn installs(all: &[Results]) -> String {
    let lines: Vec<_> = all
        .iter()
        .map(|results| {
            [
                results.size.pods.to_string(),
                results.size.policies.to_string(),
                results.contents.identities.to_string(),
                results.contents.tables.to_string(),
                results.contents.rows.to_string(),
                kibibytes(results.contents.bytes),
                milliseconds(results.compile(0)),
                milliseconds(results.in_force(0)),
            ]
        })
        .collect();
    let header = [
        "install: pods",
        "policies",
        "identities",
        "tables",
        "rows",
        "map memory",
        "compile",
        "in force",
    ];
    table(header, &lines)
}

/// From one state to the next.
pub(crate) fn changes(all: &[Results]) -> String {
    let mut lines = Vec::new();
    for (step, change) in (1..).zip(&CHANGES) {
        lines.extend(all.iter().map(|results| {
            [
                change.what.to_owned(),
                results.size.pods.to_string(),
                results.size.policies.to_string(),
                results.writes(step).to_string(),
                milliseconds(results.compile(step)),
                milliseconds(results.in_force(step)),
                milliseconds(results.together(step)),
            ]
        }));
    }
    let header = [
        "change", "pods", "policies", "writes", "compile", "in force", "together",
    ];
    table(header, &lines)
}

pub(crate) fn records(all: &[Results]) -> Vec<Value> {
    let sizes = all.iter().map(|results| {
        json!({
            "pods": results.size.pods,
            "policies": results.size.policies,
            "identities": results.contents.identities,
            "tables": results.contents.tables,
            "rows": results.contents.rows,
            "map_bytes": results.contents.bytes,
            "install": step(results, 0),
            "changes": CHANGES.iter().zip(1..).map(|(change, place)| {
                (change.what.to_owned(), step(results, place))
            }).collect::<serde_json::Map<_, _>>(),
        })
    });
    sizes.collect()
}

fn step(results: &Results, step: usize) -> Value {
    let together = results.together(step);
    json!({
        "writes": results.writes(step),
        "compile_ms": results.compile(step).median,
        "in_force_ms": results.in_force(step).median,
        "together_ms": { "least": together.least, "median": together.median, "most": together.most },
    })
}

fn milliseconds(spread: Spread) -> String {
    format!("{:.1} ms", spread.median)
}

fn kibibytes(bytes: u64) -> String {
    format!("{} KiB", bytes / 1024)
}
