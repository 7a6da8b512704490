//! A table that is in the maps may serve the next generation with a few peer classes more or less, as when a pod gets
//! labels that nobody had: only classes of identities that the generation in force never meets may change in place.

use crate::Table;
use abi::Identity;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The identities that packets of two generations can meet.
pub(crate) struct Met {
    /// Under the generation in force.
    pub(crate) before: HashSet<Identity>,
    /// Under the next.
    pub(crate) next: HashSet<Identity>,
}

/// A table in the maps and what makes another of it.
pub(crate) struct Adapted {
    /// What the maps hold then: the wanted table, and the classes of identities that only the generation in force meets.
    pub(crate) table: Arc<Table>,
    /// The classes to put or, with `None`, to delete.
    pub(crate) classes: BTreeMap<Identity, Option<u32>>,
}

/// Makes `wanted` of the table that is `held`; `None` when packets of the generation in force would see it.
pub(crate) fn adapt(held: &Table, wanted: &Arc<Table>, met: &Met) -> Option<Adapted> {
    let is_alike = held.direction == wanted.direction
        && held.isolated_by == wanted.isolated_by
        && held.verdicts == wanted.verdicts
        && held.rules == wanted.rules;
    if !is_alike {
        return None;
    }
    let mut classes = BTreeMap::new();
    let mut left = Vec::new();
    for (&identity, &class) in &held.classes {
        let wanted = wanted.classes.get(&identity).copied();
        match wanted {
            Some(wanted) if wanted == class => {}
            _ if !met.before.contains(&identity) => {
                classes.insert(identity, wanted);
            }
            None if !met.next.contains(&identity) => left.push((identity, class)),
            _ => return None,
        }
    }
    for (&identity, &class) in &wanted.classes {
        if held.classes.contains_key(&identity) {
            continue;
        }
        if met.before.contains(&identity) {
            return None;
        }
        classes.insert(identity, Some(class));
    }
    let table = with_classes(wanted, left);
    Some(Adapted { table, classes })
}

fn with_classes(table: &Arc<Table>, classes: Vec<(Identity, u32)>) -> Arc<Table> {
    let mut table = Arc::clone(table);
    if !classes.is_empty() {
        Arc::make_mut(&mut table).classes.extend(classes);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Direction;

    /// A table with these classes of identities.
    fn table(classes: &[(u32, u32)]) -> Arc<Table> {
        let classes = classes
            .iter()
            .map(|&(identity, class)| (Identity(identity), class));
        Arc::new(Table {
            direction: Direction::Ingress,
            isolated_by: Vec::new(),
            classes: classes.collect(),
            verdicts: BTreeMap::new(),
            rules: vec![Vec::new()],
        })
    }

    fn met(before: &[u32], next: &[u32]) -> Met {
        let [before, next] = [before, next].map(|all| all.iter().copied().map(Identity).collect());
        Met { before, next }
    }

    /// Which classes change, and what the maps then hold; `None` when it cannot be done in place.
    type Expected<'a> = Option<(&'a [(u32, Option<u32>)], &'a [(u32, u32)])>;

    fn check(held: &[(u32, u32)], wanted: &[(u32, u32)], met: &Met, expected: Expected) {
        let actual = adapt(&table(held), &table(wanted), met);
        let actual = actual.map(|adapted| (adapted.classes, adapted.table));
        let expected = expected.map(|(classes, held)| {
            let classes = classes
                .iter()
                .map(|(identity, class)| (Identity(*identity), *class));
            (classes.collect(), table(held))
        });
        assert_eq!(actual, expected, "{held:?} to {wanted:?}");
    }

    #[test]
    fn what_the_generation_in_force_never_meets_may_change() {
        let met = met(&[1, 2], &[1, 2, 3]);
        check(
            &[(1, 1)],
            &[(1, 1), (3, 1)],
            &met,
            Some((&[(3, Some(1))], &[(1, 1), (3, 1)])),
        );
        check(
            &[(1, 1), (9, 1)],
            &[(1, 1)],
            &met,
            Some((&[(9, None)], &[(1, 1)])),
        );
        check(
            &[(3, 2)],
            &[(3, 1)],
            &met,
            Some((&[(3, Some(1))], &[(3, 1)])),
        );
        check(&[(3, 2)], &[], &met, Some((&[(3, None)], &[])));
    }

    #[test]
    fn what_it_meets_may_not() {
        let met = met(&[1, 2], &[1, 2, 3]);
        check(&[(1, 1)], &[], &met, None);
        check(&[(1, 1)], &[(1, 2)], &met, None);
        check(&[], &[(2, 1)], &met, None);
    }

    #[test]
    fn what_only_it_meets_stays_until_it_is_over() {
        check(
            &[(1, 1), (2, 1)],
            &[(1, 1)],
            &met(&[1, 2], &[1]),
            Some((&[], &[(1, 1), (2, 1)])),
        );
        check(
            &[(1, 1), (2, 1)],
            &[(1, 1)],
            &met(&[1], &[1]),
            Some((&[(2, None)], &[(1, 1)])),
        );
    }

    #[test]
    fn a_table_that_decides_otherwise_is_another() {
        let held = table(&[(1, 1)]);
        let mut wanted = table(&[(1, 1)]);
        Arc::make_mut(&mut wanted).rules.push(Vec::new());
        assert!(adapt(&held, &wanted, &met(&[], &[1])).is_none());
    }
}
