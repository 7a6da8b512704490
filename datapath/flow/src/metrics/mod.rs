//! Metrics for Prometheus: [`METRICS`] lists them, [`Metrics`] counts, [`MetricsServer`] answers over HTTP.
//!
//! Names and labels follow those of Cilium and Hubble, with the prefix `plumbline_`.

mod line;
mod server;
mod table;

pub use server::{MetricsServer, ServeError};
pub use table::{METRICS, Metric, MetricKind};

use crate::hubble::{TrafficDirection, Verdict, direction};
use crate::log::{Counters, FileCounters};
use crate::{Flow, Side};
use abi::{Disposition, Generation};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Everything that is counted. Shared: all methods take `&self`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    flows: Family<Labels<1>, Counter>,
    drops: Family<Vec<(&'static str, String)>, Counter>,
    policy_verdicts: Family<Labels<3>, Counter>,
    events_lost: Counter,
    events_suppressed: Counter,
    map_entries: Family<Labels<1>, Gauge<f64, AtomicU64>>,
    map_pressure: Family<Labels<1>, Gauge<f64, AtomicU64>>,
    map_refusals: Family<Labels<1>, Counter>,
    connections: Gauge<f64, AtomicU64>,
    generation: Gauge<f64, AtomicU64>,
    apply_duration: Histogram,
    log_written: Counter,
    log_dropped: Family<Labels<1>, Counter>,
    log_aggregated: Counter,
    log_waiting: Gauge<f64, AtomicU64>,
}

/// How full a table of the datapath is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TableUse {
    /// The map's name.
    pub table: &'static str,
    /// Entries now; `None` where only the kernel knows.
    pub entries: Option<u64>,
    /// Entries that there is room for.
    pub capacity: u64,
    /// Entries that found no room so far.
    pub refused: u64,
}

impl Default for Metrics {
    /// Nothing counted yet.
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("plumbline"),
            flows: Family::default(),
            drops: Family::default(),
            policy_verdicts: Family::default(),
            events_lost: Counter::default(),
            events_suppressed: Counter::default(),
            map_entries: Family::default(),
            map_pressure: Family::default(),
            map_refusals: Family::default(),
            connections: Gauge::default(),
            generation: Gauge::default(),
            // 100 microseconds to 3 seconds.
            apply_duration: Histogram::new(exponential_buckets(0.0001, 2.0, 16)),
            log_written: Counter::default(),
            log_dropped: Family::default(),
            log_aggregated: Counter::default(),
            log_waiting: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        table::FLOWS.register(registry, &self.flows);
        table::DROPS.register(registry, &self.drops);
        table::POLICY_VERDICTS.register(registry, &self.policy_verdicts);
        table::EVENTS_LOST.register(registry, &self.events_lost);
        table::EVENTS_SUPPRESSED.register(registry, &self.events_suppressed);
        table::MAP_ENTRIES.register(registry, &self.map_entries);
        table::MAP_PRESSURE.register(registry, &self.map_pressure);
        table::MAP_REFUSALS.register(registry, &self.map_refusals);
        table::CONNECTIONS.register(registry, &self.connections);
        table::GENERATION.register(registry, &self.generation);
        table::APPLY_DURATION.register(registry, &self.apply_duration);
        table::LOG_WRITTEN.register(registry, &self.log_written);
        table::LOG_DROPPED.register(registry, &self.log_dropped);
        table::LOG_AGGREGATED.register(registry, &self.log_aggregated);
        table::LOG_WAITING.register(registry, &self.log_waiting);
    }

    /// Counts a flow.
    pub fn see(&self, flow: &Flow) {
        let verdict = match flow.disposition {
            Disposition::Allowed => Verdict::Forwarded,
            Disposition::Denied | Disposition::Dropped => Verdict::Dropped,
            Disposition::Audited => Verdict::Audit,
        };
        let verdict = [("verdict", verdict.name())];
        self.flows.get_or_create(&verdict).inc();
        if let Some(reason) = flow.reason {
            let side = match direction(flow) {
                TrafficDirection::Ingress => "ingress",
                TrafficDirection::Egress | TrafficDirection::Unknown => "egress",
            };
            self.count_drop(reason.name(), side);
        }
        self.see_side("egress", &flow.egress);
        self.see_side("ingress", &flow.ingress);
    }

    fn count_drop(&self, reason: &str, direction: &str) {
        let labels = vec![
            ("reason", reason.to_owned()),
            ("direction", direction.to_owned()),
        ];
        self.drops.get_or_create(&labels).inc();
    }

    /// Counts what one end's policies said. Nothing is known of a table that nobody remembers.
    fn see_side(&self, side: &'static str, said: &Side) {
        let (action, matched) = match said {
            Side::NotAsked | Side::Forgotten => return,
            Side::NoPolicy => ("allow", "none"),
            Side::Decided(verdict) if verdict.by_default => (verdict.action.name(), "isolation"),
            Side::Decided(verdict) => (verdict.action.name(), "rule"),
        };
        let labels = [("direction", side), ("action", action), ("match", matched)];
        self.policy_verdicts.get_or_create(&labels).inc();
    }

    /// Sets what the datapath could not report: events that found no room, and drops beyond the limit for floods. Both
    /// are totals and never go back.
    pub fn set_missed_events(&self, lost: u64, suppressed: u64) {
        set_total(&self.events_lost, lost);
        set_total(&self.events_suppressed, suppressed);
    }

    /// Sets how full a table is.
    pub fn set_table(&self, table: TableUse) {
        let labels = [("map_name", table.table)];
        set_total(&self.map_refusals.get_or_create(&labels), table.refused);
        if let Some(entries) = table.entries {
            let (entries, capacity) = (number(entries), number(table.capacity));
            self.map_entries.get_or_create(&labels).set(entries);
            let pressure = if capacity > 0.0 {
                entries / capacity
            } else {
                0.0
            };
            self.map_pressure.get_or_create(&labels).set(pressure);
        }
    }

    /// Sets how many connections are tracked.
    pub fn set_connections(&self, connections: u64) {
        self.connections.set(number(connections));
    }

    /// Notes that a generation is in force, and how long it took to bring it into force.
    pub fn note_generation(&self, generation: Generation, elapsed: Duration) {
        self.generation.set(number(generation));
        self.apply_duration.observe(elapsed.as_secs_f64());
    }

    /// Sets what the policy log came to. `waiting` are packets in windows that are still open.
    pub fn set_log(&self, counters: Counters, waiting: u64, file: FileCounters) {
        set_total(&self.log_written, file.written);
        set_total(&self.log_aggregated, counters.aggregated);
        self.log_waiting.set(number(waiting));
        let lost = [
            ("aggregation_limit", counters.lost_to_aggregation_limit),
            ("rate_limit", counters.lost_to_rate_limit),
            ("queue", file.lost_to_queue),
            ("error", file.lost_to_errors),
        ];
        for (reason, count) in lost {
            let labels = [("reason", reason)];
            set_total(&self.log_dropped.get_or_create(&labels), count);
        }
    }

    /// The metrics as `OpenMetrics` text, as Prometheus reads it.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail, and no label's value is written by hand.
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// Sets a counter that is counted elsewhere.
fn set_total(counter: &Counter, total: u64) {
    counter.inner().fetch_max(total, Ordering::Relaxed);
}

/// Prometheus has no integers.
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
const fn number(count: u64) -> f64 {
    count as f64
}
