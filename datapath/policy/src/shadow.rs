//! What a table with two versions a row holds, and how to bring it to the next generation.

use abi::{Endpoint, EndpointRows, Frontend, FrontendRows, Generation, Identity, IdentityRows};
use std::collections::{BTreeMap, BTreeSet};

/// A row with two versions: see [`abi::EndpointRows`].
pub(crate) trait Versioned: Copy + Default {
    /// What one version says.
    type Value: Copy + Default + PartialEq;

    /// The row without versions that count only after `generation`; `None` if no other is left.
    fn until(self, generation: Generation) -> Option<Self>;

    /// The value in force at `generation`.
    fn at(&self, generation: Generation) -> Option<Self::Value>;

    /// The row with `value` in force from `since` on.
    #[must_use]
    fn with(self, since: Generation, value: Self::Value) -> Self;
}

impl Versioned for EndpointRows {
    type Value = Endpoint;

    fn until(self, generation: Generation) -> Option<Self> {
        Self::until(self, generation)
    }

    fn at(&self, generation: Generation) -> Option<Endpoint> {
        Self::at(self, generation).copied()
    }

    fn with(self, since: Generation, value: Endpoint) -> Self {
        Self::with(self, since, value)
    }
}

impl Versioned for IdentityRows {
    type Value = Identity;

    fn until(self, generation: Generation) -> Option<Self> {
        Self::until(self, generation)
    }

    fn at(&self, generation: Generation) -> Option<Identity> {
        Self::at(self, generation).copied()
    }

    fn with(self, since: Generation, value: Identity) -> Self {
        Self::with(self, since, value)
    }
}

impl Versioned for FrontendRows {
    type Value = Frontend;

    fn until(self, generation: Generation) -> Option<Self> {
        Self::until(self, generation)
    }

    fn at(&self, generation: Generation) -> Option<Frontend> {
        Self::at(self, generation).copied()
    }

    fn with(self, since: Generation, value: Frontend) -> Self {
        Self::with(self, since, value)
    }
}

/// From the generation in force to a later one; no generation between them ever counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) from: Generation,
    pub(crate) to: Generation,
}

/// The rows of one table: as they are in the map, and as the generation in force sees them.
#[derive(Clone, Debug)]
pub(crate) struct Shadow<K, R: Versioned> {
    rows: BTreeMap<K, R>,
    in_force: BTreeMap<K, R::Value>,
    fallback: Fallback<K, R::Value>,
}

/// What a look-up finds for a key that is not among the rows, for example in the row of a shorter prefix.
pub(crate) type Fallback<K, V> = fn(&BTreeMap<K, V>, K) -> Option<V>;

/// One row to put or, with `None`, to delete.
pub(crate) type RowWrite<K, R> = (K, Option<R>);

impl<K: Ord + Copy, R: Versioned> Shadow<K, R> {
    /// A table without rows.
    pub(crate) fn empty(fallback: Fallback<K, R::Value>) -> Self {
        Self {
            rows: BTreeMap::new(),
            in_force: BTreeMap::new(),
            fallback,
        }
    }

    /// The table that the map holds when `generation` is in force, and the writes that take back what was written for
    /// a generation that never came.
    pub(crate) fn resume(
        held: BTreeMap<K, R>,
        generation: Generation,
        fallback: Fallback<K, R::Value>,
    ) -> (Self, Vec<RowWrite<K, R>>)
    where
        R: PartialEq,
    {
        let mut shadow = Self::empty(fallback);
        let mut writes = Vec::new();
        for (key, row) in held {
            let kept = row.until(generation);
            if kept != Some(row) {
                writes.push((key, kept));
            }
            let Some(kept) = kept else { continue };
            shadow.rows.insert(key, kept);
            if let Some(value) = kept
                .at(generation)
                .filter(|value| *value != Default::default())
            {
                shadow.in_force.insert(key, value);
            }
        }
        (shadow, writes)
    }

    /// The rows in the map.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (K, R)> {
        self.rows.iter().map(|(key, row)| (*key, *row))
    }

    /// Brings the rows to the values of `next`, seen by the later generation of the step, and deletes those that nobody
    /// has seen since the generation in force.
    pub(crate) fn advance(
        &mut self,
        step: Step,
        next: BTreeMap<K, R::Value>,
    ) -> Vec<RowWrite<K, R>> {
        let mut writes = self.purge(&next);
        let new = self.make_room(step.from, &next);
        for (key, row) in &mut self.rows {
            let fallback = || (self.fallback)(&next, *key).unwrap_or_default();
            let value = next.get(key).copied().unwrap_or_else(fallback);
            let changes = row.at(step.from) != Some(value);
            if changes {
                *row = row.with(step.to, value);
            }
            if changes || new.contains(key) {
                writes.push((*key, Some(*row)));
            }
        }
        self.in_force = next;
        writes
    }

    fn purge(&mut self, next: &BTreeMap<K, R::Value>) -> Vec<RowWrite<K, R>> {
        let unseen = |key: &K| !self.in_force.contains_key(key) && !next.contains_key(key);
        let purged = self.rows.extract_if(.., |key, _| unseen(key));
        purged.map(|(key, _)| (key, None)).collect()
    }

    /// Adds the rows that are new, to say what a look-up finds without them until then; returns their keys.
    fn make_room(&mut self, in_force: Generation, next: &BTreeMap<K, R::Value>) -> BTreeSet<K> {
        let mut new = BTreeSet::new();
        for key in next.keys() {
            self.rows.entry(*key).or_insert_with(|| {
                new.insert(*key);
                let found = (self.fallback)(&self.in_force, *key);
                found.map_or_else(R::default, |value| R::default().with(in_force, value))
            });
        }
        new
    }
}
