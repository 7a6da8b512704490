//! The text format: read as Prometheus reads it, and compared with the table.

use crate::counting::everything;
use flow::metrics::METRICS;
use std::collections::{BTreeMap, BTreeSet};

/// A line with a value: `name{label="value",…} number`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// What a text says of each metric.
#[derive(Default)]
pub(crate) struct Exposition {
    pub(crate) kinds: BTreeMap<String, String>,
    pub(crate) meanings: BTreeMap<String, String>,
    pub(crate) samples: Vec<Sample>,
}

/// Reads `OpenMetrics` text; whatever is not of the format is a failure.
pub(crate) fn parse(text: &str) -> Exposition {
    let text = text.strip_suffix("# EOF\n").expect("the end is marked");
    let mut exposition = Exposition::default();
    for line in text.lines() {
        if let Some(said) = line.strip_prefix("# TYPE ") {
            let (name, kind) = said.split_once(' ').unwrap();
            exposition.kinds.insert(name.to_owned(), kind.to_owned());
        } else if let Some(said) = line.strip_prefix("# HELP ") {
            let (name, meaning) = said.split_once(' ').unwrap();
            let meaning = meaning.strip_suffix('.').unwrap();
            exposition
                .meanings
                .insert(name.to_owned(), meaning.to_owned());
        } else {
            exposition.samples.push(sample(line));
        }
    }
    exposition
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}').unwrap();
    let labels = labels.split(',').filter(|label| !label.is_empty());
    let is_allowed = |c: char| c.is_ascii_lowercase() || c == '_';
    assert!(name.chars().all(is_allowed), "{line}");
    Sample {
        name: name.to_owned(),
        labels: labels
            .map(|label| {
                let (key, value) = label.split_once('=').unwrap();
                let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
                (key.to_owned(), value.unwrap().to_owned())
            })
            .collect(),
        value: value.parse().unwrap(),
    }
}

#[test]
fn the_text_has_the_metrics_of_the_table_and_no_others() {
    let exposition = parse(&everything().text());
    assert_eq!(exposition.kinds.len(), METRICS.len());
    for metric in METRICS {
        let name = metric.name();
        let family = name.strip_suffix("_total").unwrap_or(&name);
        assert_eq!(exposition.kinds[family], metric.kind.name(), "{name}");
        assert_eq!(exposition.meanings[family], metric.meaning, "{name}");
        let samples = exposition.samples.iter();
        let samples: Vec<&Sample> = samples.filter(|it| it.name.starts_with(&name)).collect();
        assert!(!samples.is_empty(), "{name} is never counted");
        let expected: BTreeSet<&str> = metric.labels.iter().copied().collect();
        for sample in samples {
            let labels = sample.labels.keys().map(String::as_str);
            let labels: BTreeSet<&str> = labels.filter(|label| *label != "le").collect();
            assert_eq!(labels, expected, "{name}");
        }
    }
}

#[test]
fn the_architecture_shows_the_table() {
    let architecture = include_str!("../../../../ARCHITECTURE.md");
    let shown = architecture
        .lines()
        .filter(|line| line.starts_with("| `plumbline_"));
    let expected: Vec<String> = METRICS.iter().map(ToString::to_string).collect();
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}
