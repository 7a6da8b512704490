//! The figures, for people and for the repository.

use bench::Spread;
use serde_json::{Value, json};

/// What a figure counts.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Nanoseconds,
    Microseconds,
    /// Of whatever a second.
    PerSecond,
    Mebibytes,
    /// What something costs, of what it costs without logging.
    Ratio,
}

/// One figure of one round.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) unit: Unit,
    pub(crate) goal: Option<f64>,
    pub(crate) value: f64,
}

/// A figure over the rounds.
pub(crate) struct Row {
    what: String,
    unit: Unit,
    goal: Option<f64>,
    samples: Vec<f64>,
}

impl Figure {
    pub(crate) fn new(what: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self {
            what: what.into(),
            unit,
            goal: None,
            value,
        }
    }

    /// What it should be: at most, of costs; at least, of what is done a second.
    pub(crate) fn with_goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "µs",
            Self::PerSecond => "/s",
            Self::Mebibytes => "MiB",
            Self::Ratio => "×",
        }
    }

    fn show(self, value: f64) -> String {
        let name = self.name();
        match self {
            Self::Nanoseconds | Self::PerSecond => format!("{value:.0} {name}"),
            Self::Microseconds | Self::Mebibytes => format!("{value:.1} {name}"),
            Self::Ratio => format!("{value:.3} {name}"),
        }
    }
}

/// A count as a figure.
#[expect(
    clippy::cast_precision_loss,
    reason = "nothing here is counted up to 2^53"
)]
pub(crate) const fn count(number: u64) -> f64 {
    number as f64
}

/// Adds the figures of a round; each round has the same, in the same order.
pub(crate) fn add(rows: &mut Vec<Row>, figures: Vec<Figure>) {
    for (place, figure) in figures.into_iter().enumerate() {
        match rows.get_mut(place) {
            Some(row) => row.samples.push(figure.value),
            None => rows.push(Row {
                what: figure.what,
                unit: figure.unit,
                goal: figure.goal,
                samples: vec![figure.value],
            }),
        }
    }
}

pub(crate) fn table(rows: &[Row]) -> String {
    let header = ["logging", "median", "goal", "least", "most"];
    let lines: Vec<_> = rows.iter().map(cells).collect();
    bench::table(header, &lines)
}

fn cells(row: &Row) -> [String; 5] {
    let spread = Spread::of(row.samples.clone());
    let goal = row.goal.map_or("–".to_owned(), |goal| row.unit.show(goal));
    let [median, least, most] =
        [spread.median, spread.least, spread.most].map(|value| row.unit.show(value));
    [row.what.clone(), median, goal, least, most]
}

pub(crate) fn record(row: &Row) -> Value {
    let spread = Spread::of(row.samples.clone());
    json!({
        "what": row.what,
        "unit": row.unit.name(),
        "goal": row.goal,
        "median": spread.median,
        "least": spread.least,
        "most": spread.most,
    })
}
