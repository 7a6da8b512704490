//! Which sets of backends the maps hold, under which numbers.

use crate::{Rows, Write};
use abi::{BackendSet, End, MEMBER_DRAINS, MEMBER_TAKES_NEW, MemberKey, Port, SlotKey, SourceKey};
use service::Backends;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

/// The sets by number. A number is given once, and what is in its set never changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sets {
    numbers: HashMap<Arc<Backends>, BackendSet>,
    stored: BTreeMap<u32, Arc<Backends>>,
    in_force: BTreeSet<u32>,
    last: u32,
    /// Of sets that another planner numbered.
    inherited: Option<Inherited>,
}

#[derive(Clone, Debug)]
struct Inherited {
    /// Whether the generation in force may still use them: the one that was in force when they were found does.
    is_in_force: bool,
    rows: Rows,
}

/// The numbers of the sets that a generation needs.
pub(crate) struct Numbering(HashMap<*const Backends, BackendSet>);

impl Numbering {
    /// The number of a set.
    pub(crate) fn of(&self, backends: &Arc<Backends>) -> BackendSet {
        let set = self.0.get(&Arc::as_ptr(backends));
        set.copied().unwrap_or_default()
    }
}

impl Sets {
    /// The sets of maps that hold these rows. They stay until no packet can use them, and their numbers are not given
    /// again.
    pub(crate) fn resume(rows: &Rows) -> Self {
        let slots = rows.slots.keys().map(|key| key.set);
        let members = rows.members.keys().map(|key| key.set);
        let sources = rows.sources.keys().map(SourceKey::set);
        let named = rows.frontends.values().flat_map(|row| row.values);
        let named = named.flat_map(|frontend| [frontend.inside.id, frontend.outside.id]);
        Self {
            last: slots
                .chain(members)
                .chain(sources)
                .chain(named)
                .max()
                .unwrap_or_default(),
            inherited: Some(Inherited {
                is_in_force: true,
                rows: Rows {
                    slots: rows.slots.clone(),
                    members: rows.members.clone(),
                    sources: rows.sources.clone(),
                    ..Rows::default()
                },
            }),
            ..Self::default()
        }
    }

    /// Steps to a generation that needs these sets: writes those that are new, and takes out those that the generation
    /// in force does not use either.
    pub(crate) fn advance<'a>(
        &mut self,
        needed: impl Iterator<Item = &'a Arc<Backends>>,
        writes: &mut Vec<Write>,
    ) -> Numbering {
        let mut numbering = HashMap::new();
        let mut added = Vec::new();
        for backends in needed.filter(|backends| !backends.is_empty()) {
            numbering
                .entry(Arc::as_ptr(backends))
                .or_insert_with(|| self.number(backends, &mut added));
        }
        let next = numbering.values().map(|set| set.id).collect();
        self.remove_inherited(writes);
        self.remove_unused(&next, writes);
        writes.extend(added);
        self.in_force = next;
        Numbering(numbering)
    }

    /// The number of a set; a new one is added.
    fn number(&mut self, backends: &Arc<Backends>, added: &mut Vec<Write>) -> BackendSet {
        if let Some(known) = self.numbers.get(backends) {
            return *known;
        }
        self.last += 1;
        let id = self.last;
        let slots = backends.slots().len();
        let set = BackendSet {
            id,
            slots: u32::try_from(slots).unwrap_or(u32::MAX),
        };
        self.numbers.insert(Arc::clone(backends), set);
        self.stored.insert(id, Arc::clone(backends));
        added.extend(slot_rows(id, backends).map(|(key, row)| Write::Slot(key, Some(row))));
        added.extend(member_rows(id, backends).map(|(key, row)| Write::Member(key, Some(row))));
        added.extend(source_rows(id, backends).map(|(key, row)| Write::Source(key, Some(row))));
        set
    }

    fn remove_inherited(&mut self, writes: &mut Vec<Write>) {
        if let Some(inherited) = self.inherited.take_if(|inherited| !inherited.is_in_force) {
            writes.extend(inherited.rows.writes_to(&Rows::default()));
        }
        if let Some(inherited) = &mut self.inherited {
            inherited.is_in_force = false;
        }
    }

    fn remove_unused(&mut self, next: &BTreeSet<u32>, writes: &mut Vec<Write>) {
        let unused = |id: &u32| !self.in_force.contains(id) && !next.contains(id);
        for (id, backends) in self.stored.extract_if(.., |id, _| unused(id)) {
            writes.extend(slot_rows(id, &backends).map(|(key, _)| Write::Slot(key, None)));
            writes.extend(member_rows(id, &backends).map(|(key, _)| Write::Member(key, None)));
            writes.extend(source_rows(id, &backends).map(|(key, _)| Write::Source(key, None)));
            self.numbers.remove(&backends);
        }
    }

    /// Adds the rows of every stored set.
    pub(crate) fn collect(&self, rows: &mut Rows) {
        if let Some(inherited) = &self.inherited {
            rows.slots.extend(&inherited.rows.slots);
            rows.members.extend(&inherited.rows.members);
            rows.sources.extend(&inherited.rows.sources);
        }
        for (id, backends) in &self.stored {
            rows.slots.extend(slot_rows(*id, backends));
            rows.members.extend(member_rows(*id, backends));
            rows.sources.extend(source_rows(*id, backends));
        }
    }
}

fn slot_rows(set: u32, backends: &Backends) -> impl Iterator<Item = (SlotKey, End)> {
    let slots = (0..).zip(backends.slots());
    slots.map(move |(slot, backend)| (SlotKey { set, slot }, end(backend)))
}

fn member_rows(set: u32, backends: &Backends) -> impl Iterator<Item = (MemberKey, u32)> {
    let take_new = backends.take_new.iter().map(|end| (*end, MEMBER_TAKES_NEW));
    let drain = backends.drain.iter().map(|end| (*end, MEMBER_DRAINS));
    let members = take_new.chain(drain);
    members.map(move |(backend, state)| {
        let key = MemberKey {
            set,
            backend: end(backend),
        };
        (key, state)
    })
}

fn source_rows(set: u32, backends: &Backends) -> impl Iterator<Item = (SourceKey, u32)> {
    let sources = backends.sources.iter().flatten();
    sources.map(move |net| {
        let above = if net.addr().is_ipv4() { 96 } else { 0 };
        let length = above + u32::from(net.prefix_len());
        (SourceKey::prefix(set, net.addr().into(), length), 1)
    })
}

fn end(backend: SocketAddr) -> End {
    End::new(backend.ip().into(), Port::new(backend.port()))
}
