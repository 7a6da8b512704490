//! What was logged, reported and counted of a scenario, until a step looks at it.

use crate::driver::{NodeStatus, Reported};
use crate::entry::Entry;
use crate::node_metrics::NodeMetrics;
use crate::policy_logs::PolicyLogs;
use anyhow::ensure;
use flow::log::{Counters, FileCounters, Settings};
use manifest::Cluster;

/// The policy logs, the flows and the metrics of one driver.
#[derive(Default)]
pub(crate) struct Logbook {
    logs: PolicyLogs,
    metrics: NodeMetrics,
    records: Vec<Entry>,
    flows: Vec<Entry>,
}

impl Logbook {
    /// Changes the numbers of the logs, which begin anew.
    ///
    /// # Errors
    /// While denials wait to be written.
    pub(crate) fn configure(&mut self, change: impl Fn(&mut Settings)) -> anyhow::Result<()> {
        ensure!(
            self.logs.waiting() == 0,
            "denials wait to be written: change the policy log before them, or let their window close"
        );
        let mut settings = self.logs.settings();
        change(&mut settings);
        self.logs = PolicyLogs::new(settings);
        Ok(())
    }

    /// Takes what was reported, in this state of the cluster, and how the nodes are.
    pub(crate) fn see(&mut self, reported: &Reported, status: &[NodeStatus], cluster: &Cluster) {
        let flows = reported.sightings.iter();
        self.flows
            .extend(flows.map(|sighting| Entry::of_flow(&sighting.flow, cluster)));
        let records = self.logs.see(reported);
        self.metrics.see(reported, status);
        self.metrics.set_logs(&self.logs, |log| FileCounters {
            written: log.counters().records,
            ..FileCounters::default()
        });
        let records = records.iter();
        self.records
            .extend(records.map(|record| Entry::of_record(record, cluster)));
    }

    /// The records since the last time.
    pub(crate) fn take_records(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.records)
    }

    /// The flows since the last time.
    pub(crate) fn take_flows(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.flows)
    }

    /// What became of what was to be logged.
    pub(crate) fn counters(&self) -> Counters {
        self.logs.counters()
    }

    /// What was counted.
    pub(crate) const fn metrics(&self) -> &NodeMetrics {
        &self.metrics
    }
}
