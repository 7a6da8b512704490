//! What was logged, reported and counted of a scenario, until a step looks at it.

use crate::driver::{NodeStatus, Reported};
use crate::entry::Entry;
use crate::golden;
use crate::log_folder::LogFolder;
use crate::node_metrics::NodeMetrics;
use crate::policy_logs::PolicyLogs;
use anyhow::{Context as _, ensure};
use flow::hubble::Line;
use flow::log::{Counters, FileCounters, FileSettings, Settings};
use manifest::Cluster;
use serde_json::Value;

/// The policy logs, the flows and the metrics of one driver.
#[derive(Default)]
pub(crate) struct Logbook {
    logs: PolicyLogs,
    metrics: NodeMetrics,
    /// Where records are written to as well, if a scenario is about that.
    folder: Option<LogFolder>,
    records: Vec<Entry>,
    flows: Vec<Entry>,
    /// Everything since the beginning, as it is written.
    written_records: Vec<Value>,
    written_flows: Vec<Value>,
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
        let lines = reported.sightings.iter();
        let lines = lines.map(|sighting| Line::of_flow((&sighting.flow).into()));
        self.written_flows
            .extend(lines.filter_map(|line| serde_json::to_value(line).ok()));
        let records = self.logs.see(reported);
        self.metrics.see(reported, status);
        self.metrics.set_logs(&self.logs, |log| FileCounters {
            written: log.counters().records,
            ..FileCounters::default()
        });
        if let Some(folder) = &self.folder {
            folder.write(&records);
        }
        let written = records.iter();
        self.written_records
            .extend(written.filter_map(|record| serde_json::to_value(record).ok()));
        let records = records.iter();
        self.records
            .extend(records.map(|record| Entry::of_record(record, cluster)));
    }

    /// From now on writes records to files as well.
    pub(crate) fn write_files(&mut self, settings: FileSettings) -> anyhow::Result<()> {
        self.folder = Some(LogFolder::open(settings)?);
        Ok(())
    }

    /// How many records are in each of these files.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<usize>> {
        let folder = self.folder.as_ref();
        folder
            .context("records are not written to files: say when they are rotated")?
            .records()
    }

    /// The records since the last time.
    pub(crate) fn take_records(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.records)
    }

    /// The flows since the last time.
    pub(crate) fn take_flows(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.flows)
    }

    /// All records so far, as they stand in a golden file.
    pub(crate) fn golden_records(&self) -> String {
        golden::records(&self.written_records)
    }

    /// The same of flows.
    pub(crate) fn golden_flows(&self) -> String {
        golden::flows(&self.written_flows)
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
