//! Rows of the maps: what a plan writes and what the maps then hold.

use crate::{Entry, Table};
use abi::{
    Address, CidrKey, ClassKey, End, EndpointRows, FrontendKey, FrontendRows, IdentityRows,
    MemberKey, Port, SlotKey, SourceKey, TableId, Verdict, VerdictKey,
};
use std::collections::BTreeMap;

/// One row of one map. Applied in order; the last step of a plan is always to activate its generation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Write {
    /// Puts or, with `None`, deletes a row of the endpoints table.
    Endpoint(Address, Option<EndpointRows>),
    /// Puts or deletes a row of the CIDR table.
    Cidr(CidrKey, Option<IdentityRows>),
    /// Puts or deletes a peer class.
    Class(ClassKey, Option<u32>),
    /// Puts or deletes a verdict.
    Verdict(VerdictKey, Option<Verdict>),
    /// Puts or deletes a virtual end.
    Frontend(FrontendKey, Option<FrontendRows>),
    /// Puts or deletes a slot of a set of backends.
    Slot(SlotKey, Option<End>),
    /// Puts or deletes a member of a set of backends.
    Member(MemberKey, Option<u32>),
    /// Puts or deletes a prefix that may come to a set of backends.
    Source(SourceKey, Option<u32>),
}

/// The contents of all maps that generations change.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rows {
    /// The endpoints table.
    pub endpoints: BTreeMap<Address, EndpointRows>,
    /// The CIDR table.
    pub cidrs: BTreeMap<CidrKey, IdentityRows>,
    /// The peer class table.
    pub classes: BTreeMap<ClassKey, u32>,
    /// The verdict table.
    pub verdicts: BTreeMap<VerdictKey, Verdict>,
    /// The table of virtual ends.
    pub frontends: BTreeMap<FrontendKey, FrontendRows>,
    /// The slots of sets of backends.
    pub slots: BTreeMap<SlotKey, End>,
    /// The members of sets of backends.
    pub members: BTreeMap<MemberKey, u32>,
    /// Who may come to sets of backends that not everybody may.
    pub sources: BTreeMap<SourceKey, u32>,
}

impl Rows {
    /// Does what a map does with this write.
    pub fn apply(&mut self, write: &Write) {
        match *write {
            Write::Endpoint(key, row) => put(&mut self.endpoints, key, row),
            Write::Cidr(key, row) => put(&mut self.cidrs, key, row),
            Write::Class(key, row) => put(&mut self.classes, key, row),
            Write::Verdict(key, row) => put(&mut self.verdicts, key, row),
            Write::Frontend(key, row) => put(&mut self.frontends, key, row),
            Write::Slot(key, row) => put(&mut self.slots, key, row),
            Write::Member(key, row) => put(&mut self.members, key, row),
            Write::Source(key, row) => put(&mut self.sources, key, row),
        }
    }
}

impl Rows {
    /// The writes that turn these rows into `wanted`.
    #[must_use]
    pub fn writes_to(&self, wanted: &Self) -> Vec<Write> {
        let mut all = Vec::new();
        let writes = &mut all;
        differ(&self.slots, &wanted.slots, Write::Slot, writes);
        differ(&self.members, &wanted.members, Write::Member, writes);
        differ(&self.sources, &wanted.sources, Write::Source, writes);
        differ(&self.frontends, &wanted.frontends, Write::Frontend, writes);
        differ(&self.classes, &wanted.classes, Write::Class, writes);
        differ(&self.verdicts, &wanted.verdicts, Write::Verdict, writes);
        differ(&self.cidrs, &wanted.cidrs, Write::Cidr, writes);
        differ(&self.endpoints, &wanted.endpoints, Write::Endpoint, writes);
        all
    }
}

fn differ<K: Ord + Copy, V: PartialEq + Copy>(
    held: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    write: impl Fn(K, Option<V>) -> Write,
    writes: &mut Vec<Write>,
) {
    let surplus = held.keys().filter(|key| !wanted.contains_key(key));
    writes.extend(surplus.map(|key| write(*key, None)));
    let missing = wanted
        .iter()
        .filter(|(key, row)| held.get(key) != Some(row));
    writes.extend(missing.map(|(key, row)| write(*key, Some(*row))));
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, row: Option<V>) {
    match row {
        Some(row) => map.insert(key, row),
        None => map.remove(&key),
    };
}

/// The rows of the peer class table that are this table's.
pub(crate) fn class_rows(id: TableId, table: &Table) -> impl Iterator<Item = (ClassKey, u32)> {
    table.classes.iter().map(move |(&identity, &class)| {
        let key = ClassKey {
            table: id,
            identity,
        };
        (key, class)
    })
}

/// The rows of the verdict table that are this table's.
pub(crate) fn verdict_rows(
    id: TableId,
    table: &Table,
) -> impl Iterator<Item = (VerdictKey, Verdict)> {
    table
        .verdicts
        .iter()
        .map(move |(entry, &verdict)| (verdict_key(id, *entry), verdict))
}

fn verdict_key(id: TableId, entry: Entry) -> VerdictKey {
    match entry.ports {
        None => VerdictKey::prefix(id, entry.class, 0, Port::NONE, VerdictKey::ANY_PROTOCOL),
        Some(ports) => VerdictKey::prefix(
            id,
            entry.class,
            ports.protocol,
            Port::new(ports.port),
            VerdictKey::ANY_PORT + u32::from(ports.bits),
        ),
    }
}
