//! Which tables the maps hold, under which numbers, and which they held lately.

use crate::adapt::{Met, adapt};
use crate::rows::{class_rows, verdict_rows};
use crate::{Rows, Table, Write};
use abi::{ClassKey, Generation, TableId, VerdictKey};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

/// How many generations a table that left the maps is remembered, so that late events still find their names.
const REMEMBERED: Generation = 64;

/// The tables by number. A number is given once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    numbers: HashMap<Arc<Table>, TableId>,
    stored: BTreeMap<TableId, Arc<Table>>,
    in_force: BTreeSet<TableId>,
    remembered: BTreeMap<TableId, (Generation, Arc<Table>)>,
    last: TableId,
    /// Of tables whose contents nobody knows any more: see [`Catalog::resume`].
    inherited: Option<Inherited>,
}

/// Rows of tables that another planner numbered.
#[derive(Clone, Debug)]
struct Inherited {
    /// Whether the generation in force may still use them: the one that was in force when they were found does.
    is_in_force: bool,
    rows: Rows,
}

/// Tables of which others may be made.
struct Spare {
    by_likeness: HashMap<u64, Vec<TableId>>,
    met: Met,
}

/// Equal where [`adapt`] may succeed; seldom equal where it cannot.
fn likeness(table: &Table) -> u64 {
    let mut hasher = DefaultHasher::new();
    let counts = (table.verdicts.len(), table.rules.len());
    (table.direction, &table.isolated_by, counts).hash(&mut hasher);
    hasher.finish()
}

/// The numbers of the tables that a generation needs.
pub(crate) struct Numbering(HashMap<*const Table, TableId>);

impl Numbering {
    /// The number of a table; no table is open.
    pub(crate) fn of(&self, table: Option<&Arc<Table>>) -> TableId {
        table.map_or(TableId::OPEN, |table| self.0[&Arc::as_ptr(table)])
    }
}

impl Catalog {
    /// The catalog of maps that hold these rows. Nobody knows what their tables were called; they stay until no packet
    /// can be judged by them, and their numbers are not given again.
    pub(crate) fn resume(rows: &Rows) -> Self {
        let classes = rows.classes.keys().map(|key| key.table);
        let verdicts = rows.verdicts.keys().map(VerdictKey::table);
        let named = rows.endpoints.values().flat_map(|row| row.values);
        let named = named.flat_map(|endpoint| [endpoint.egress, endpoint.ingress]);
        Self {
            last: classes
                .chain(verdicts)
                .chain(named)
                .max()
                .unwrap_or_default(),
            inherited: Some(Inherited {
                is_in_force: true,
                rows: Rows {
                    classes: rows.classes.clone(),
                    verdicts: rows.verdicts.clone(),
                    ..Rows::default()
                },
            }),
            ..Self::default()
        }
    }

    /// Takes the inherited rows out once the generation in force does not use them.
    fn remove_inherited(&mut self, writes: &mut Vec<Write>) {
        if let Some(inherited) = self.inherited.take_if(|inherited| !inherited.is_in_force) {
            writes.extend(inherited.rows.writes_to(&Rows::default()));
        }
        if let Some(inherited) = &mut self.inherited {
            inherited.is_in_force = false;
        }
    }

    /// Steps to a generation that needs these tables: gives numbers to the new ones, and takes out the rows of those
    /// that the generation in force does not use either. `met` is asked when a table is new.
    pub(crate) fn advance<'a>(
        &mut self,
        generation: Generation,
        needed: impl Iterator<Item = &'a Arc<Table>>,
        met: impl FnOnce() -> Met,
        writes: &mut Vec<Write>,
    ) -> Numbering {
        let mut numbering = HashMap::new();
        let mut unknown = Vec::new();
        let mut seen = HashSet::new();
        for table in needed.filter(|table| seen.insert(Arc::as_ptr(table))) {
            match self.numbers.get(table) {
                Some(id) => _ = numbering.insert(Arc::as_ptr(table), *id),
                None => unknown.push(table),
            }
        }
        let mut added = Vec::new();
        if !unknown.is_empty() {
            let mut spare = self.spare(&numbering.values().copied().collect(), met());
            for table in unknown {
                // One that is equal may have got its number a moment ago.
                let known = self.numbers.get(table).copied();
                let known = known.or_else(|| self.adapt(table, &mut spare, writes));
                let id = known.unwrap_or_else(|| self.add(table, &mut added));
                numbering.insert(Arc::as_ptr(table), id);
            }
        }
        let next: BTreeSet<TableId> = numbering.values().copied().collect();
        self.remove_inherited(writes);
        self.remove_unused(&next, generation, writes);
        for id in added {
            write_rows(id, &self.stored[&id], true, writes);
        }
        self.in_force = next;
        Numbering(numbering)
    }

    /// The tables that the next generation needs no longer as they are.
    fn spare(&self, needed: &HashSet<TableId>, met: Met) -> Spare {
        let mut by_likeness: HashMap<_, Vec<_>> = HashMap::new();
        for (id, table) in self.stored.iter().filter(|(id, _)| !needed.contains(id)) {
            by_likeness.entry(likeness(table)).or_default().push(*id);
        }
        Spare { by_likeness, met }
    }

    /// Makes this table of a spare one, if that can be done in place.
    fn adapt(
        &mut self,
        wanted: &Arc<Table>,
        spare: &mut Spare,
        writes: &mut Vec<Write>,
    ) -> Option<TableId> {
        let alike = spare.by_likeness.get_mut(&likeness(wanted))?;
        let mut all = alike.iter().enumerate();
        let (place, adapted) = all.find_map(|(place, id)| {
            let adapted = adapt(&self.stored[id], wanted, &spare.met)?;
            Some((place, adapted))
        })?;
        let id = alike.swap_remove(place);
        writes.extend(adapted.classes.into_iter().map(|(identity, class)| {
            let key = ClassKey {
                table: id,
                identity,
            };
            Write::Class(key, class)
        }));
        if let Some(before) = self.stored.insert(id, Arc::clone(&adapted.table)) {
            self.numbers.remove(&before);
        }
        self.numbers.insert(adapted.table, id);
        Some(id)
    }

    fn add(&mut self, table: &Arc<Table>, added: &mut Vec<TableId>) -> TableId {
        self.last.0 += 1;
        self.numbers.insert(Arc::clone(table), self.last);
        self.stored.insert(self.last, Arc::clone(table));
        added.push(self.last);
        self.last
    }

    fn remove_unused(
        &mut self,
        next: &BTreeSet<TableId>,
        generation: Generation,
        writes: &mut Vec<Write>,
    ) {
        let unused = |id: &TableId| !self.in_force.contains(id) && !next.contains(id);
        for (id, table) in self.stored.extract_if(.., |id, _| unused(id)) {
            write_rows(id, &table, false, writes);
            self.numbers.remove(&table);
            self.remembered.insert(id, (generation, table));
        }
        self.remembered
            .retain(|_, (left, _)| *left + REMEMBERED > generation);
    }

    /// The table with this number, if it is stored or was lately.
    pub(crate) fn table(&self, id: TableId) -> Option<&Arc<Table>> {
        let remembered = || self.remembered.get(&id).map(|(_, table)| table);
        self.stored.get(&id).or_else(remembered)
    }

    /// Adds the rows of every stored table.
    pub(crate) fn collect(&self, rows: &mut Rows) {
        if let Some(inherited) = &self.inherited {
            rows.classes.extend(&inherited.rows.classes);
            rows.verdicts.extend(&inherited.rows.verdicts);
        }
        for (id, table) in &self.stored {
            rows.classes.extend(class_rows(*id, table));
            rows.verdicts.extend(verdict_rows(*id, table));
        }
    }
}

/// Puts or deletes the rows of a table.
fn write_rows(id: TableId, table: &Table, put: bool, writes: &mut Vec<Write>) {
    writes
        .extend(class_rows(id, table).map(|(key, class)| Write::Class(key, put.then_some(class))));
    writes.extend(
        verdict_rows(id, table).map(|(key, verdict)| Write::Verdict(key, put.then_some(verdict))),
    );
}
