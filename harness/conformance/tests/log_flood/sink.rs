//! From the ring buffer to the file.

use crate::node::Node;
use flow::log::{LogFile, PolicyLog, Record};
use flow::{Clock, Flow};

/// Where the events go, counted on the way.
pub(crate) struct Sink {
    pub(crate) log: PolicyLog,
    pub(crate) file: LogFile,
    pub(crate) clock: Clock,
    /// Events that were read.
    pub(crate) read: u64,
    /// The most of them that were read at once.
    pub(crate) most_at_once: u64,
    /// Records that followed.
    pub(crate) records: u64,
    /// The sum of their counts.
    pub(crate) counted: u64,
}

impl Sink {
    pub(crate) fn new(log: PolicyLog, file: LogFile) -> Self {
        Self {
            log,
            file,
            clock: Clock::default(),
            read: 0,
            most_at_once: 0,
            records: 0,
            counted: 0,
        }
    }

    /// Logs what waits.
    pub(crate) fn read(&mut self, node: &mut Node) {
        let mut events = Vec::new();
        node.agent.events(|event| events.push(*event));
        self.most_at_once = self.most_at_once.max(events.len() as u64);
        self.read += events.len() as u64;
        let mut records = Vec::new();
        let planner = node.agent.planner();
        for event in &events {
            if let Some(flow) = Flow::read(event, planner, &node.snapshot, self.clock) {
                self.log.see(&flow, &node.snapshot, &mut records);
            }
        }
        self.write(records);
    }

    /// Hands records to the file.
    pub(crate) fn write(&mut self, records: Vec<Record>) {
        for record in records {
            self.records += 1;
            self.counted += record.count;
            self.file.write(record);
        }
    }
}
