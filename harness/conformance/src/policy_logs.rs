//! The policy logs of all nodes: each has windows and limits of its own.

use crate::driver::{Reported, Sighting};
use flow::log::{Counters, PolicyLog, Record, Settings};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One policy log a node, all with the same settings.
#[derive(Default)]
pub(crate) struct PolicyLogs {
    settings: Settings,
    by_node: BTreeMap<Arc<str>, PolicyLog>,
}

impl PolicyLogs {
    /// Logs in which nothing was written yet.
    pub(crate) const fn new(settings: Settings) -> Self {
        Self {
            settings,
            by_node: BTreeMap::new(),
        }
    }

    /// What they are set to.
    pub(crate) const fn settings(&self) -> Settings {
        self.settings
    }

    /// Takes what was reported, and returns what is to be written.
    pub(crate) fn see(&mut self, reported: &Reported) -> Vec<Record> {
        let mut records = Vec::new();
        for sighting in &reported.sightings {
            let Sighting {
                node,
                flow,
                snapshot,
            } = sighting;
            self.advance(flow.time, &mut records);
            let log = self.by_node.entry(Arc::clone(node));
            let log = log.or_insert_with(|| PolicyLog::new(self.settings));
            log.see(flow, snapshot, &mut records);
        }
        self.advance(reported.until, &mut records);
        records
    }

    /// Closes every window, and returns what is to be written.
    pub(crate) fn finish(&mut self) -> Vec<Record> {
        let mut records = Vec::new();
        self.advance(Timestamp::MAX, &mut records);
        records
    }

    /// Closes the windows of all nodes that have ended by now. They are all of one length, so those that were opened
    /// first end first.
    fn advance(&mut self, now: Timestamp, records: &mut Vec<Record>) {
        let first = records.len();
        for log in self.by_node.values_mut() {
            log.advance(now, records);
        }
        records[first..].sort_by_key(|record| record.timestamp);
    }

    /// Denied packets in windows that are still open.
    pub(crate) fn waiting(&self) -> u64 {
        self.by_node.values().map(PolicyLog::waiting).sum()
    }

    /// What became of what was to be logged, on all nodes.
    pub(crate) fn counters(&self) -> Counters {
        let mut all = Counters::default();
        for log in self.by_node.values() {
            all += log.counters();
        }
        all
    }

    /// The log of one node, if there is anything in it.
    pub(crate) fn of(&self, node: &str) -> Option<&PolicyLog> {
        self.by_node.get(node)
    }
}
