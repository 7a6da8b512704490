//! The metrics of all nodes: Prometheus scrapes each node for itself.

use crate::driver::{NodeStatus, Reported};
use crate::policy_logs::PolicyLogs;
use flow::log::{FileCounters, PolicyLog};
use flow::metrics::Metrics;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What each node has counted.
#[derive(Default)]
pub(crate) struct NodeMetrics {
    by_node: BTreeMap<Arc<str>, Metrics>,
}

impl NodeMetrics {
    /// Takes what was reported, and how the nodes are.
    pub(crate) fn see(&mut self, reported: &Reported, status: &[NodeStatus]) {
        for sighting in &reported.sightings {
            self.of(&sighting.node).see(&sighting.flow);
        }
        for status in status {
            let metrics = self.of(&status.node);
            metrics.set_missed_events(status.lost_events, status.suppressed_events);
            for turn in &status.turns {
                metrics.note_generation(status.generation, *turn);
            }
            for &table in &status.tables {
                metrics.set_table(table);
            }
            let connections = status.tables.iter();
            let connections = connections.filter(|table| table.table == "CONNECTIONS");
            let entries = connections.filter_map(|table| table.entries);
            metrics.set_connections(entries.sum());
        }
    }

    /// Takes what became of the policy logs; `written` is what became of a log's records.
    pub(crate) fn set_logs(
        &mut self,
        logs: &PolicyLogs,
        written: impl Fn(&PolicyLog) -> FileCounters,
    ) {
        for (node, metrics) in &self.by_node {
            if let Some(log) = logs.of(node) {
                metrics.set_log(log.counters(), log.waiting(), written(log));
            }
        }
    }

    /// The metrics of each node, as Prometheus reads them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, String)> {
        let nodes = self.by_node.iter();
        nodes.map(|(node, metrics)| (node.as_ref(), metrics.text()))
    }

    fn of(&mut self, node: &Arc<str>) -> &Metrics {
        self.by_node.entry(Arc::clone(node)).or_default()
    }
}
