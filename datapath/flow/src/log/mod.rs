//! The policy log: a record for each connection that policies allowed, and for each window of denials.
//!
//! It behaves as the network policy logging of GKE Dataplane V2 does; [`Settings`] has every number. Pure: time comes
//! with the flows and with [`PolicyLog::advance`].
//!
//! ```text
//! Flow ── switch (what is to be logged) ──► allow ────────────► limit ──► Record ──► LogFile
//!                                      └──► deny ──► window ──► limit ──┘
//! ```

mod file;
mod limit;
mod record;
mod switch;
mod window;

pub use file::{FILE_NAME, FileCounters, FileSettings, LogFile};
pub use record::{
    Connection, Direction, LogDisposition, LoggedPolicy, LoggedService, Record, Shape, Who,
};

use crate::{Flow, Snapshot};
use abi::Disposition;
use jiff::{SignedDuration, Timestamp};
use limit::Limit;
use std::ops::AddAssign;
use switch::Entry;
use window::{Added, Windows};

/// The numbers of the policy log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long denials of one key are counted together from the first on; zero writes each for itself.
    pub window: SignedDuration,
    /// How many windows may be open at once; denials beyond are counted as lost.
    pub open_windows: usize,
    /// Records a second, allow and deny together; those beyond are counted as lost.
    pub rate: u32,
    /// How many records may come at once.
    pub burst: u32,
    /// What a record looks like.
    pub shape: Shape,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            window: SignedDuration::from_secs(5),
            open_windows: 3_000,
            rate: 500,
            burst: 500,
            shape: Shape::Ours,
        }
    }
}

/// What became of what was to be logged. Denied packets = those in the counts of records + those in open windows +
/// those lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Records that were handed out.
    pub records: u64,
    /// Denied packets that are part of an earlier one's record.
    pub aggregated: u64,
    /// Denied packets for which no more windows could be opened, once for each side that was to be logged.
    pub lost_to_aggregation_limit: u64,
    /// Records beyond the rate.
    pub lost_to_rate_limit: u64,
    /// Packets in those records.
    pub packets_lost_to_rate_limit: u64,
}

impl AddAssign for Counters {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.aggregated += other.aggregated;
        self.lost_to_aggregation_limit += other.lost_to_aggregation_limit;
        self.lost_to_rate_limit += other.lost_to_rate_limit;
        self.packets_lost_to_rate_limit += other.packets_lost_to_rate_limit;
    }
}

/// Decides which flows become records, and when.
#[derive(Clone, Debug)]
pub struct PolicyLog {
    settings: Settings,
    windows: Windows,
    limit: Limit,
    counters: Counters,
}

impl PolicyLog {
    /// A log in which nothing was written yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            windows: Windows::new(settings.window, settings.open_windows),
            limit: Limit::new(settings.rate, settings.burst),
            settings,
            counters: Counters::default(),
        }
    }

    /// Takes a flow, as the cluster of its generation wants it logged. Records that are due by then go to `out`.
    pub fn see(&mut self, flow: &Flow, snapshot: &Snapshot, out: &mut Vec<Record>) {
        self.advance(flow.time, out);
        for entry in switch::entries(flow, snapshot, self.settings.shape) {
            if entry.disposition == LogDisposition::Allow {
                self.see_allowed(&entry, flow, out);
            } else {
                self.see_denied(&entry, flow, out);
            }
        }
    }

    /// What one side allows and the other denies comes again, packet by packet: it is written once a window.
    fn see_allowed(&mut self, entry: &Entry<'_>, flow: &Flow, out: &mut Vec<Record>) {
        let added = match flow.disposition {
            Disposition::Allowed | Disposition::Audited => Added::Unwindowed,
            Disposition::Denied | Disposition::Dropped => self.windows.add(flow.time, entry),
        };
        match added {
            Added::Opened | Added::Unwindowed => self.write(flow.time, 1, || entry.record(), out),
            Added::Counted => {}
            Added::Refused => self.counters.lost_to_aggregation_limit += 1,
        }
    }

    fn see_denied(&mut self, entry: &Entry<'_>, flow: &Flow, out: &mut Vec<Record>) {
        match self.windows.add(flow.time, entry) {
            Added::Opened => {}
            Added::Counted => self.counters.aggregated += 1,
            Added::Refused => self.counters.lost_to_aggregation_limit += 1,
            Added::Unwindowed => self.write(flow.time, 1, || entry.record(), out),
        }
    }

    /// Closes the windows that have ended by now.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<Record>) {
        while let Some((end, record)) = self.windows.close(now) {
            if record.disposition != LogDisposition::Allow {
                self.write(end, record.count, || record, out);
            }
        }
    }

    /// Closes every window, at the end.
    pub fn finish(&mut self, out: &mut Vec<Record>) {
        self.advance(Timestamp::MAX, out);
    }

    /// Packets in windows that are still open.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.windows.packets()
    }

    /// What became of what was to be logged.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Hands out a record about so many packets, if the limit allows one more.
    fn write(
        &mut self,
        now: Timestamp,
        packets: u64,
        record: impl FnOnce() -> Record,
        out: &mut Vec<Record>,
    ) {
        if self.limit.allows(now) {
            self.counters.records += 1;
            out.push(record());
        } else {
            self.counters.lost_to_rate_limit += 1;
            self.counters.packets_lost_to_rate_limit += packets;
        }
    }
}
