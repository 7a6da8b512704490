//! What the datapath reported, kept until somebody wants to read it as flows.

use super::evidence::NodeEvent;
use abi::{DropReason, Event, Generation};
use flow::{Clock, Directory, Flow, Snapshot};
use jiff::Timestamp;
use manifest::Cluster;
use policy::Planner;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A flow, and the cluster of the generation that judged it.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The node that reported it.
    pub node: Arc<str>,
    /// What was seen.
    pub flow: Flow,
    /// Who was where, and what was to be logged.
    pub snapshot: Arc<Snapshot>,
}

/// What was reported in a time.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Oldest first.
    pub sightings: Vec<Sighting>,
    /// When it ended, by the clock of the sightings.
    pub until: Timestamp,
}

/// Who knows the names behind the numbers in events, by the number of the node.
pub(super) type Readers<'a> = BTreeMap<u32, Reader<'a>>;

/// Reads the events of one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    /// The name of the node.
    pub(super) node: &'a str,
    pub(super) planner: &'a Planner,
}

/// Events in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Whether anybody wants to read it.
    is_kept: bool,
    directory: Directory,
    /// The generation in force.
    generation: Generation,
    events: Vec<Noted>,
    sightings: Vec<Sighting>,
}

/// An event when it came.
#[derive(Debug)]
struct Noted {
    seen: NodeEvent,
    clock: Clock,
    /// Of the generation that judged it; of the one in force if it was dropped before any was asked.
    snapshot: Arc<Snapshot>,
}

impl Journal {
    /// Somebody wants to read what is written from now on.
    pub(super) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// From now on `generation` judges, by this cluster. Call [`Journal::read`] before nodes go.
    pub(super) fn turn(&mut self, generation: Generation, cluster: &Cluster) {
        if !self.is_kept {
            return;
        }
        self.directory.remember(generation, cluster);
        self.generation = generation;
    }

    /// Keeps an event.
    pub(super) fn note(&mut self, seen: &NodeEvent, clock: Clock) {
        if !self.is_kept || is_of_another_lab(&seen.event) {
            return;
        }
        let judged_by = match seen.event.generation {
            0 => self.generation,
            judged => judged,
        };
        if let Some(snapshot) = self.directory.at(judged_by).cloned() {
            self.events.push(Noted {
                seen: *seen,
                clock,
                snapshot,
            });
        }
    }

    /// Reads what came as flows, while the readers know the names.
    pub(super) fn read(&mut self, readers: &Readers<'_>) {
        let read = |noted: Noted| {
            let Reader { node, planner } = *readers.get(&noted.seen.node)?;
            let flow = Flow::read(&noted.seen.event, planner, &noted.snapshot, noted.clock)?;
            Some(Sighting {
                node: node.into(),
                flow,
                snapshot: noted.snapshot,
            })
        };
        let events = self.events.drain(..);
        self.sightings.extend(events.filter_map(read));
    }

    /// What came since the last time, oldest first.
    pub(super) fn take(&mut self, readers: &Readers<'_>) -> Vec<Sighting> {
        self.read(readers);
        std::mem::take(&mut self.sightings)
    }
}

/// Whether an event is about a link that is not there any more. Loaded programs are used again, and the last words of
/// a lab that the kernel is taking down (IPv6 stacks leave their multicast groups) may come while the next one is up.
pub(super) fn is_of_another_lab(event: &Event) -> bool {
    let has_link = event.generation != 0;
    event.reason == DropReason::UnknownEndpoint as u8 && !has_link
}
