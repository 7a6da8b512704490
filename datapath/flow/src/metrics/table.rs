//! The metrics: names, labels and meanings. `ARCHITECTURE.md` shows the same table.

use prometheus_client::registry::{self, Registry};
use std::fmt;

/// A metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Its name without the prefix `plumbline_`, and without the ending `_total` of counters.
    stem: &'static str,
    /// Its kind.
    pub kind: MetricKind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub meaning: &'static str,
}

/// A kind of metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How often which values came.
    Histogram,
}

impl MetricKind {
    /// Its name in the text format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// Its name as Prometheus has it.
    #[must_use]
    pub fn name(&self) -> String {
        let ending = match self.kind {
            MetricKind::Counter => "_total",
            MetricKind::Gauge | MetricKind::Histogram => "",
        };
        format!("plumbline_{}{ending}", self.stem)
    }

    pub(super) fn register<M>(&self, registry: &mut Registry, metric: &M)
    where
        M: registry::Metric + Clone,
    {
        registry.register(self.stem, self.meaning, metric.clone());
    }
}

/// A row of the table in `ARCHITECTURE.md`.
impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.labels.iter().map(|it| format!("`{it}`")).collect();
        let (name, kind, labels) = (self.name(), self.kind.name(), labels.join(", "));
        write!(f, "| `{name}` | {kind} | {labels} | {} |", self.meaning)
    }
}

/// Declares metrics, and the list of all.
macro_rules! metrics {
    ($($constant:ident $kind:ident $stem:literal $labels:expr, $meaning:literal;)+) => {
        $(pub(super) const $constant: Metric = Metric {
            stem: $stem,
            kind: MetricKind::$kind,
            labels: &$labels,
            meaning: $meaning,
        };)+

        /// Every metric.
        pub const METRICS: &[Metric] = &[$($constant),+];
    };
}

metrics! {
    FLOWS Counter "flows_processed" ["verdict"],
        "flows: `FORWARDED`, `DROPPED`, `AUDIT`";
    DROPS Counter "drop" ["reason", "direction"],
        "flows that were dropped, by policy or not";
    POLICY_VERDICTS Counter "policy_verdicts" ["direction", "action", "match"],
        "what the policies of one end said: `allow`, `deny`, `audit`, by a `rule`, by `isolation`, or `none` applies";
    EVENTS_LOST Counter "lost_events" [],
        "events that found no room in the ring buffer";
    EVENTS_SUPPRESSED Counter "suppressed_events" [],
        "drops beyond the limit for floods, which are counted and not reported";
    MAP_ENTRIES Gauge "bpf_map_entries" ["map_name"],
        "entries of a table";
    MAP_PRESSURE Gauge "bpf_map_pressure" ["map_name"],
        "entries of a table per entry that it has room for, 0 to 1";
    MAP_REFUSALS Counter "bpf_map_refused_entries" ["map_name"],
        "entries that found no room in a table";
    CONNECTIONS Gauge "conntrack_entries" [],
        "tracked connections, dead ones that nobody swept included";
    GENERATION Gauge "policy_generation" [],
        "the generation of the tables in force";
    APPLY_DURATION Histogram "policy_apply_duration_seconds" [],
        "from the wanted tables to the moment they were in force";
    LOG_WRITTEN Counter "policy_log_records_written" [],
        "records in the policy log";
    LOG_DROPPED Counter "policy_log_dropped" ["reason"],
        "records that are missing: `rate_limit`, `queue`, `error`; denied packets that are missing: `aggregation_limit`";
    LOG_AGGREGATED Counter "policy_log_aggregated_packets" [],
        "denied packets that are part of an earlier one's record";
    LOG_WAITING Gauge "policy_log_delayed_packets" [],
        "denied packets whose record waits for the end of its window";
}
