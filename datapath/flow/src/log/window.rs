//! Denials that are counted together, and what one side allows of them.

use super::record::{Direction, LogDisposition, Record};
use super::switch::Entry;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Open windows, oldest first. Each ends a fixed time after its first denial and is not extended.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    length: SignedDuration,
    most: usize,
    open: HashMap<Key, Record>,
    ends: VecDeque<(Timestamp, Key)>,
}

/// What denials have in common: all of the connection but its source port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    destination_port: Option<u16>,
    protocol: &'static str,
    direction: Direction,
    disposition: LogDisposition,
}

/// What became of a denial.
#[derive(Debug)]
pub(super) enum Added {
    /// It opened a window.
    Opened,
    /// It was added to the count of an open one.
    Counted,
    /// There are too many windows.
    Refused,
    /// Windows have no length: it is a record of its own.
    Unwindowed,
}

impl Windows {
    pub(super) fn new(length: SignedDuration, most: usize) -> Self {
        Self {
            length,
            most,
            open: HashMap::new(),
            ends: VecDeque::new(),
        }
    }

    /// Adds a denial. Windows that have ended by `now` are closed already.
    pub(super) fn add(&mut self, now: Timestamp, entry: &Entry<'_>) -> Added {
        if self.length.is_zero() {
            return Added::Unwindowed;
        }
        let key = Key::of(entry);
        if let Some(first) = self.open.get_mut(&key) {
            first.count += 1;
            return Added::Counted;
        }
        if self.open.len() >= self.most {
            return Added::Refused;
        }
        let end = now.checked_add(self.length).unwrap_or(Timestamp::MAX);
        self.ends.push_back((end, key));
        self.open.insert(key, entry.record());
        Added::Opened
    }

    /// The oldest window, if it has ended by `now`: when it did, and its record.
    pub(super) fn close(&mut self, now: Timestamp) -> Option<(Timestamp, Record)> {
        let (end, key) = self.ends.pop_front_if(|(end, _)| *end <= now)?;
        Some((end, self.open.remove(&key)?))
    }

    /// Denied packets in open windows.
    pub(super) fn packets(&self) -> u64 {
        let records = self.open.values();
        let denied = records.filter(|record| record.disposition != LogDisposition::Allow);
        denied.map(|record| record.count).sum()
    }
}

impl Key {
    fn of(entry: &Entry<'_>) -> Self {
        Self {
            source: entry.source().address,
            destination: entry.destination().address,
            destination_port: entry.destination().port,
            protocol: entry.protocol(),
            direction: entry.direction,
            disposition: entry.disposition,
        }
    }
}
