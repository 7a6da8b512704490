//! What is said at the end.

use crate::style::CARE;
use flow::hubble::LostEvents;
use std::collections::BTreeMap;

/// What was counted.
#[derive(Default)]
pub(super) struct Tally {
    /// Lines that are no flows.
    pub(super) refused: u64,
    /// Lost events by where they were lost.
    lost: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts lost events.
    pub(super) fn lose(&mut self, lost: &LostEvents) {
        let count = self.lost.entry(lost.source.clone()).or_default();
        *count = count.saturating_add(lost.num_events_lost);
    }

    /// The losses in a line; empty without any.
    pub(super) fn summary(&self) -> String {
        let total: u64 = self
            .lost
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count));
        if total == 0 {
            return String::new();
        }
        let parts = self.lost.iter().map(|(source, count)| {
            let source = if source.is_empty() { "unknown" } else { source };
            format!("{} {count}", super::words::printable(source))
        });
        let parts: Vec<String> = parts.collect();
        let events = if total == 1 {
            "event was"
        } else {
            "events were"
        };
        format!(
            "{CARE}warning:{CARE:#} flows are missing: {total} {events} lost ({})\n",
            parts.join(", ")
        )
    }
}
