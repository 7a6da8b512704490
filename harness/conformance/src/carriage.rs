//! What was on links, until a step looks at it.

use crate::driver::Carried;
use crate::entry::Entry;
use crate::observer::Observed;
use abi::Identity;
use flow::Party;
use manifest::Cluster;
use std::collections::BTreeMap;

/// The packets on every link.
#[derive(Default)]
pub(crate) struct Carriage {
    /// By whose link it is, as in [`Carried::at`].
    links: BTreeMap<String, Vec<Entry>>,
    /// Whose an identity was when it was reported last; several ends of the same labels have one.
    identities: BTreeMap<u32, String>,
}

impl Carriage {
    /// Takes what was observed, in this state of the cluster.
    pub(crate) fn see(&mut self, observed: &Observed, cluster: &Cluster) {
        for sighting in &observed.reported.sightings {
            for end in [&sighting.flow.source, &sighting.flow.destination] {
                if end.identity != Identity::NONE && end.party != Party::World {
                    self.identities
                        .insert(end.identity.0, end.party.to_string());
                }
            }
        }
        let carried = observed.captured.iter().filter_map(Carried::read);
        for carried in carried {
            let entry = Entry::of_carried(&carried, cluster, &self.identities);
            self.links.entry(carried.at).or_default().push(entry);
        }
    }

    /// The packets on a link since the last time.
    pub(crate) fn take(&mut self, at: &str) -> Vec<Entry> {
        self.links.remove(at).unwrap_or_default()
    }
}
