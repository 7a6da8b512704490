//! What was logged and reported of a scenario, until a step looks at it.

use crate::driver::Reported;
use crate::entry::Entry;
use anyhow::ensure;
use flow::log::{PolicyLog, Settings};
use manifest::Cluster;

/// The policy log and the flows of one driver.
pub(crate) struct Logbook {
    settings: Settings,
    log: PolicyLog,
    records: Vec<Entry>,
    flows: Vec<Entry>,
}

impl Default for Logbook {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            settings,
            log: PolicyLog::new(settings),
            records: Vec::new(),
            flows: Vec::new(),
        }
    }
}

impl Logbook {
    /// Changes the numbers of the log, which begins anew.
    ///
    /// # Errors
    /// While denials wait to be written.
    pub(crate) fn configure(&mut self, change: impl Fn(&mut Settings)) -> anyhow::Result<()> {
        ensure!(
            self.log.waiting() == 0,
            "denials wait to be written: change the policy log before them, or let their window close"
        );
        change(&mut self.settings);
        self.log = PolicyLog::new(self.settings);
        Ok(())
    }

    /// Takes what was reported, in this state of the cluster.
    pub(crate) fn see(&mut self, reported: &Reported, cluster: &Cluster) {
        let mut records = Vec::new();
        for sighting in &reported.sightings {
            self.log
                .see(&sighting.flow, &sighting.snapshot, &mut records);
            self.flows.push(Entry::of_flow(&sighting.flow, cluster));
        }
        self.log.advance(reported.until, &mut records);
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
    pub(crate) const fn counters(&self) -> flow::log::Counters {
        self.log.counters()
    }
}
