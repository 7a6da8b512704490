//! Denials that are counted together.

use super::record::Record;
use super::{Connection, LogDisposition};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};

/// Open windows, oldest first. Each ends a fixed time after its first denial and is not extended.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    length: SignedDuration,
    most: usize,
    open: HashMap<Key, Record>,
    ends: VecDeque<(Timestamp, Key)>,
}

/// What denials have in common: all of the connection but its source port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    connection: Connection,
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
    /// Windows have no length: it is a record already.
    Unwindowed(Box<Record>),
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
    pub(super) fn add(&mut self, now: Timestamp, record: Record) -> Added {
        if self.length.is_zero() {
            return Added::Unwindowed(Box::new(record));
        }
        let key = Key {
            connection: Connection {
                src_port: None,
                ..record.connection.clone()
            },
            disposition: record.disposition,
        };
        if let Some(first) = self.open.get_mut(&key) {
            first.count += record.count;
            return Added::Counted;
        }
        if self.open.len() >= self.most {
            return Added::Refused;
        }
        let end = now.checked_add(self.length).unwrap_or(Timestamp::MAX);
        self.ends.push_back((end, key.clone()));
        self.open.insert(key, record);
        Added::Opened
    }

    /// The oldest window, if it has ended by `now`: when it did, and its record.
    pub(super) fn close(&mut self, now: Timestamp) -> Option<(Timestamp, Record)> {
        let (end, key) = self.ends.pop_front_if(|(end, _)| *end <= now)?;
        Some((end, self.open.remove(&key)?))
    }

    /// Denied packets in open windows.
    pub(super) fn packets(&self) -> u64 {
        self.open.values().map(|record| record.count).sum()
    }
}
