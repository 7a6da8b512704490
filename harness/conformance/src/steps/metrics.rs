//! Steps about what the nodes have counted.

use super::{Arguments, Step};
use crate::node_metrics::NodeMetrics;
use crate::world::World;
use anyhow::{Context as _, bail};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[Step {
    expression: "these metrics are shown:",
    meaning: "What the nodes have counted so far. A row is the sum of all series of that name that have these labels, of \
              one node or, without `node`, of all.",
    example: r#"Then these metrics are shown:
      | metric                          | labels            | value |
      | plumbline_flows_processed_total | verdict="DROPPED" | 2     |"#,
    run: shown,
}];

/// A series of a node.
struct Series {
    node: String,
    name: String,
    /// As they are written: `verdict="DROPPED"`.
    labels: BTreeSet<String>,
    value: f64,
}

fn shown(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let all = series(world.metrics());
    let mut wrong = String::new();
    for row in arguments.rows(&["metric", "labels", "value", "node"])? {
        let name = row.required("metric")?;
        let value = row.required("value")?;
        let expected: f64 = value
            .parse()
            .with_context(|| format!("line {}: `{value}` is not a number", row.line))?;
        let (labels, node) = (split(row.cell("labels")), row.cell("node"));
        let is_meant = |series: &&Series| {
            series.name == name
                && labels.is_subset(&series.labels)
                && (node.is_empty() || series.node == node)
        };
        let meant = all.iter().filter(is_meant);
        let seen = meant.fold(0.0, |sum, series| sum + series.value);
        if (seen - expected).abs() > f64::EPSILON {
            let labels: Vec<String> = labels.into_iter().collect();
            let _ = writeln!(
                wrong,
                "  {name}{{{}}} is {seen}, not {value}",
                labels.join(",")
            );
            wrong += &nearest(&all, name);
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("the metrics are not as expected:\n{}", wrong.trim_end())
}

/// What there is of that name.
fn nearest(all: &[Series], name: &str) -> String {
    let alike = all.iter().filter(|series| series.name == name);
    let lines: Vec<String> = alike
        .map(|series| {
            let labels: Vec<&str> = series.labels.iter().map(String::as_str).collect();
            let labels = labels.join(",");
            format!("    node/{}: {{{labels}}} {}\n", series.node, series.value)
        })
        .collect();
    if lines.is_empty() {
        return format!("    nothing was counted as {name}\n");
    }
    lines.concat()
}

/// Reads the text that Prometheus would.
fn series(metrics: &NodeMetrics) -> Vec<Series> {
    let mut all = Vec::new();
    for (node, text) in metrics.texts() {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        all.extend(lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            Some(Series {
                node: node.to_owned(),
                name: name.to_owned(),
                labels: split(labels.trim_end_matches('}')),
                value: value.parse().ok()?,
            })
        }));
    }
    all
}

/// Labels, one by one. Their values hold no commas.
fn split(labels: &str) -> BTreeSet<String> {
    let labels = labels.split(',').map(str::trim);
    labels
        .filter(|label| !label.is_empty())
        .map(str::to_owned)
        .collect()
}
