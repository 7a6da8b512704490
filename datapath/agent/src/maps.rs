//! Every map of the object, typed.

mod masquerade;
mod services;
mod sockets;

use crate::{AgentError, Config};
use abi::{
    Address, Affinity, AffinityKey, CONNTRACK_CHOICE, CidrKey, ClassKey, Connection, ConnectionKey,
    DropReason, End, EndpointRows, Event, EventLimit, FirstFragment, FragmentKey, FrontendRows,
    Generation, Guard, Home, Identity, IdentityRows, LOST_EVENTS, Link, LocalEndpoint, MemberKey,
    Node, PeerKey, PortRange, SUPPRESSED_EVENTS, SlotKey, Timeout, Timeouts, Translation,
    TranslationKey, Verdict, VerdictKey,
};
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray, PerCpuValues, RingBuf};
use aya::{Ebpf, Pod};
use policy::{Rows, Write};
use sockets::{NAMESPACES, PEERS};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, BorrowedFd};
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Plain bytes as the kernel sees a `T`.
type Bytes<const N: usize> = [u8; N];

/// Handles of the maps. Keys and values are the plain bytes of the types in `abi`.
pub(crate) struct Maps {
    config: Config,
    generation: Array<MapData, Generation>,
    clock: Array<MapData, u64>,
    timeouts: Array<MapData, u64>,
    event_limit: Array<MapData, Bytes<{ size_of::<EventLimit>() }>>,
    links: HashMap<MapData, u32, Bytes<{ size_of::<Link>() }>>,
    locals: HashMap<MapData, Bytes<16>, Bytes<{ size_of::<LocalEndpoint>() }>>,
    home: Array<MapData, Bytes<{ size_of::<Home>() }>>,
    guard: Array<MapData, Bytes<{ size_of::<Guard>() }>>,
    nodes: HashMap<MapData, u32, Bytes<{ size_of::<Node>() }>>,
    endpoints: LpmTrie<MapData, Bytes<16>, Bytes<{ size_of::<EndpointRows>() }>>,
    cidrs: LpmTrie<MapData, Bytes<16>, Bytes<{ size_of::<IdentityRows>() }>>,
    classes: HashMap<MapData, Bytes<{ size_of::<ClassKey>() }>, u32>,
    verdicts: LpmTrie<MapData, Bytes<12>, Bytes<{ size_of::<Verdict>() }>>,
    connections:
        HashMap<MapData, Bytes<{ size_of::<ConnectionKey>() }>, Bytes<{ size_of::<Connection>() }>>,
    fragments: HashMap<
        MapData,
        Bytes<{ size_of::<FragmentKey>() }>,
        Bytes<{ size_of::<FirstFragment>() }>,
    >,
    masquerade: Array<MapData, Bytes<{ size_of::<PortRange>() }>>,
    unmasqueraded: LpmTrie<MapData, Bytes<16>, u32>,
    translations: HashMap<
        MapData,
        Bytes<{ size_of::<TranslationKey>() }>,
        Bytes<{ size_of::<Translation>() }>,
    >,
    frontends: LpmTrie<MapData, Bytes<24>, Bytes<{ size_of::<FrontendRows>() }>>,
    slots: HashMap<MapData, Bytes<{ size_of::<SlotKey>() }>, Bytes<{ size_of::<End>() }>>,
    sources: LpmTrie<MapData, Bytes<20>, u32>,
    members: HashMap<MapData, Bytes<{ size_of::<MemberKey>() }>, u32>,
    affinities:
        HashMap<MapData, Bytes<{ size_of::<AffinityKey>() }>, Bytes<{ size_of::<Affinity>() }>>,
    namespaces: HashMap<MapData, u64, u32>,
    peers: HashMap<MapData, Bytes<{ size_of::<PeerKey>() }>, Bytes<{ size_of::<End>() }>>,
    drops: PerCpuArray<MapData, u64>,
    events: RingBuf<MapData>,
}

/// The maps that outlive a process when they are pinned: all but the working memory of each CPU, and those of the programs
/// at sockets, which go with the process.
pub(crate) const PINNED: [&str; 25] = [
    "GENERATION",
    "CLOCK",
    "TIMEOUTS",
    "LINKS",
    "LOCALS",
    "HOME",
    "GUARD",
    "NODES",
    "ENDPOINTS",
    "CIDRS",
    "CLASSES",
    "VERDICTS",
    "CONNECTIONS",
    "FRAGMENTS",
    "MASQUERADE",
    "UNMASQUERADED",
    "TRANSLATIONS",
    "FRONTENDS",
    "SLOTS",
    "MEMBERS",
    "AFFINITIES",
    "DROPS",
    "EVENTS",
    "EVENT_LIMIT",
    "EVENT_BUDGET",
];

/// Takes a map out of the loaded object.
fn take<T: TryFrom<Map, Error = MapError>>(
    object: &mut Ebpf,
    name: &'static str,
) -> Result<T, AgentError> {
    let map = object.take_map(name).ok_or(AgentError::Missing(name))?;
    T::try_from(map).map_err(at(name))
}

/// Names the map in an error.
pub(crate) fn at(name: &'static str) -> impl Fn(MapError) -> AgentError {
    move |source| AgentError::Map { name, source }
}

/// Names the map and its size in the error of a write: the kernel says `E2BIG` or `ENOSPC` when there is no room.
fn full_at(table: &'static str, capacity: u32) -> impl Fn(MapError) -> AgentError {
    move |source| {
        let is_full = match &source {
            MapError::SyscallError(error) => matches!(
                error.io_error.kind(),
                ErrorKind::ArgumentListTooLong | ErrorKind::StorageFull
            ),
            _ => false,
        };
        if is_full {
            AgentError::Full { table, capacity }
        } else {
            AgentError::Map {
                name: table,
                source,
            }
        }
    }
}

/// Deleting what is not there is no error: applying twice changes nothing.
fn absent_is_fine(result: Result<(), MapError>) -> Result<(), MapError> {
    match result {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == ErrorKind::NotFound => {
            Ok(())
        }
        other => other,
    }
}

fn cidr_key(key: &CidrKey) -> Key<Bytes<16>> {
    Key::new(key.prefix_length, key.address.octets())
}

fn verdict_key(key: &VerdictKey) -> Key<Bytes<12>> {
    Key::new(key.prefix_length, key.data())
}

fn endpoint_key(address: &Address) -> Key<Bytes<16>> {
    Key::new(128, address.octets())
}

/// The plain bytes of a value.
fn bytes<T: IntoBytes + Immutable, const N: usize>(value: &T) -> Bytes<N> {
    let mut bytes = [0; N];
    bytes.copy_from_slice(value.as_bytes());
    bytes
}

/// A value from its plain bytes, which have its size by the map's type.
fn value<T: FromBytes, const N: usize>(bytes: &Bytes<N>) -> Option<T> {
    T::read_from_bytes(bytes).ok()
}

impl Maps {
    pub(crate) fn take_from(object: &mut Ebpf, config: &Config) -> Result<Self, AgentError> {
        Ok(Self {
            config: *config,
            generation: take(object, "GENERATION")?,
            clock: take(object, "CLOCK")?,
            timeouts: take(object, "TIMEOUTS")?,
            event_limit: take(object, "EVENT_LIMIT")?,
            links: take(object, "LINKS")?,
            locals: take(object, "LOCALS")?,
            home: take(object, "HOME")?,
            guard: take(object, "GUARD")?,
            nodes: take(object, "NODES")?,
            endpoints: take(object, "ENDPOINTS")?,
            cidrs: take(object, "CIDRS")?,
            classes: take(object, "CLASSES")?,
            verdicts: take(object, "VERDICTS")?,
            connections: take(object, "CONNECTIONS")?,
            fragments: take(object, "FRAGMENTS")?,
            masquerade: take(object, "MASQUERADE")?,
            unmasqueraded: take(object, "UNMASQUERADED")?,
            translations: take(object, "TRANSLATIONS")?,
            frontends: take(object, "FRONTENDS")?,
            slots: take(object, "SLOTS")?,
            sources: take(object, "SOURCES")?,
            members: take(object, "MEMBERS")?,
            affinities: take(object, "AFFINITIES")?,
            namespaces: take(object, NAMESPACES)?,
            peers: take(object, PEERS)?,
            drops: take(object, "DROPS")?,
            events: take(object, "EVENTS")?,
        })
    }

    /// Empties every map and forgets the events. Links and local endpoints must be gone already.
    pub(crate) fn clear(&mut self) -> Result<(), AgentError> {
        self.activate(0)?;
        self.set_clock(0)?;
        self.set_home(Home::default())?;
        self.set_guard(Guard::NONE)?;
        clear_hash(&mut self.nodes).map_err(at("NODES"))?;
        clear_trie(&mut self.endpoints).map_err(at("ENDPOINTS"))?;
        clear_trie(&mut self.cidrs).map_err(at("CIDRS"))?;
        clear_trie(&mut self.verdicts).map_err(at("VERDICTS"))?;
        clear_hash(&mut self.classes).map_err(at("CLASSES"))?;
        clear_hash(&mut self.connections).map_err(at("CONNECTIONS"))?;
        clear_hash(&mut self.fragments).map_err(at("FRAGMENTS"))?;
        self.set_masquerade_ports(PortRange::NONE)?;
        self.set_service_ports(PortRange::NONE)?;
        clear_trie(&mut self.unmasqueraded).map_err(at("UNMASQUERADED"))?;
        clear_hash(&mut self.translations).map_err(at("TRANSLATIONS"))?;
        self.clear_services()?;
        self.clear_sockets()?;
        self.clear_counters()?;
        self.events(|_| ());
        Ok(())
    }

    fn clear_counters(&mut self) -> Result<(), AgentError> {
        for index in 0..self.drops.len() {
            let counters = self.drops.get(&index, 0).map_err(at("DROPS"))?;
            if counters.iter().any(|counter| *counter > 0) {
                let zeros = PerCpuValues::try_from(vec![0; counters.len()]);
                let zeros = zeros.map_err(|error| at("DROPS")(error.into()))?;
                self.drops.set(index, zeros, 0).map_err(at("DROPS"))?;
            }
        }
        Ok(())
    }

    /// The generation in force.
    pub(crate) fn generation(&self) -> Result<Generation, AgentError> {
        self.generation.get(&0, 0).map_err(at("GENERATION"))
    }

    /// Puts a generation in force: one aligned word, so every packet sees the old or the new one.
    pub(crate) fn activate(&mut self, generation: Generation) -> Result<(), AgentError> {
        self.generation
            .set(0, generation, 0)
            .map_err(at("GENERATION"))
    }

    pub(crate) fn set_clock(&mut self, offset: u64) -> Result<(), AgentError> {
        self.clock.set(0, offset, 0).map_err(at("CLOCK"))
    }

    pub(crate) fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), AgentError> {
        Timeout::ALL.into_iter().try_for_each(|timeout| {
            let nanoseconds = timeouts.get(timeout);
            let place = timeout as u32;
            self.timeouts
                .set(place, nanoseconds, 0)
                .map_err(at("TIMEOUTS"))
        })
    }

    pub(crate) fn set_event_limit(&mut self, limit: &EventLimit) -> Result<(), AgentError> {
        self.event_limit
            .set(0, bytes(limit), 0)
            .map_err(at("EVENT_LIMIT"))
    }

    pub(crate) fn set_home(&mut self, home: Home) -> Result<(), AgentError> {
        self.home.set(0, bytes(&home), 0).map_err(at("HOME"))
    }

    /// Says whether host policies may apply to the node.
    pub(crate) fn set_guard(&mut self, guard: Guard) -> Result<(), AgentError> {
        self.guard.set(0, bytes(&guard), 0).map_err(at("GUARD"))
    }

    /// Every node, by each of its identities.
    pub(crate) fn nodes(&self) -> Result<BTreeMap<Identity, Node>, AgentError> {
        read(self.nodes.iter(), "NODES", |identity, row| {
            Some((Identity(*identity), value(row)?))
        })
    }

    pub(crate) fn put_node(&mut self, identity: Identity, node: &Node) -> Result<(), AgentError> {
        let row: Bytes<{ size_of::<Node>() }> = bytes(node);
        self.nodes
            .insert(identity.0, row, 0)
            .map_err(full_at("NODES", self.config.nodes))
    }

    pub(crate) fn delete_node(&mut self, identity: Identity) -> Result<(), AgentError> {
        absent_is_fine(self.nodes.remove(&identity.0)).map_err(at("NODES"))
    }

    pub(crate) fn put_link(&mut self, ifindex: u32, link: &Link) -> Result<(), AgentError> {
        let row: Bytes<{ size_of::<Link>() }> = bytes(link);
        self.links
            .insert(ifindex, row, 0)
            .map_err(full_at("LINKS", self.config.links))
    }

    pub(crate) fn delete_link(&mut self, ifindex: u32) -> Result<(), AgentError> {
        absent_is_fine(self.links.remove(&ifindex)).map_err(at("LINKS"))
    }

    pub(crate) fn put_local(
        &mut self,
        address: &Address,
        local: &LocalEndpoint,
    ) -> Result<(), AgentError> {
        let row: Bytes<{ size_of::<LocalEndpoint>() }> = bytes(local);
        self.locals
            .insert(address.octets(), row, 0)
            .map_err(full_at("LOCALS", self.config.locals))
    }

    /// Every endpoint of the node, by interface index.
    pub(crate) fn links(&self) -> Result<BTreeMap<u32, Link>, AgentError> {
        read(self.links.iter(), "LINKS", |ifindex, row| {
            Some((*ifindex, value(row)?))
        })
    }

    /// Deletes the row of an address, unless it leads to another interface meanwhile.
    pub(crate) fn delete_local_of(
        &mut self,
        address: &Address,
        ifindex: u32,
    ) -> Result<(), AgentError> {
        let row = match self.locals.get(&address.octets(), 0) {
            Err(MapError::KeyNotFound) => return Ok(()),
            row => row.map_err(at("LOCALS"))?,
        };
        let leads_here = value(&row).is_some_and(|local: LocalEndpoint| local.ifindex == ifindex);
        if !leads_here {
            return Ok(());
        }
        absent_is_fine(self.locals.remove(&address.octets())).map_err(at("LOCALS"))
    }

    /// Writes one row.
    pub(crate) fn write(&mut self, write: &Write) -> Result<(), AgentError> {
        match write {
            Write::Endpoint(address, rows) => self.write_endpoint(address, rows.as_ref()),
            Write::Cidr(key, rows) => self.write_cidr(key, rows.as_ref()),
            Write::Class(key, class) => self.write_class(*key, *class),
            Write::Verdict(key, verdict) => self.write_verdict(key, verdict.as_ref()),
            Write::Frontend(key, rows) => self.write_frontend(key, rows.as_ref()),
            Write::Slot(key, backend) => self.write_slot(*key, backend.as_ref()),
            Write::Member(key, state) => self.write_member(key, *state),
            Write::Source(key, row) => self.write_source(key, *row),
        }
    }

    fn write_endpoint(
        &mut self,
        address: &Address,
        rows: Option<&EndpointRows>,
    ) -> Result<(), AgentError> {
        let key = endpoint_key(address);
        match rows {
            Some(rows) => self.endpoints.insert(&key, bytes(rows), 0),
            None => absent_is_fine(self.endpoints.remove(&key)),
        }
        .map_err(full_at("ENDPOINTS", self.config.endpoints))
    }

    fn write_cidr(&mut self, key: &CidrKey, rows: Option<&IdentityRows>) -> Result<(), AgentError> {
        let key = cidr_key(key);
        match rows {
            Some(rows) => self.cidrs.insert(&key, bytes(rows), 0),
            None => absent_is_fine(self.cidrs.remove(&key)),
        }
        .map_err(full_at("CIDRS", self.config.cidrs))
    }

    fn write_class(&mut self, key: ClassKey, class: Option<u32>) -> Result<(), AgentError> {
        let key: Bytes<{ size_of::<ClassKey>() }> = bytes(&key);
        match class {
            Some(class) => self.classes.insert(key, class, 0),
            None => absent_is_fine(self.classes.remove(&key)),
        }
        .map_err(full_at("CLASSES", self.config.classes))
    }

    fn write_verdict(
        &mut self,
        key: &VerdictKey,
        verdict: Option<&Verdict>,
    ) -> Result<(), AgentError> {
        let key = verdict_key(key);
        match verdict {
            Some(verdict) => self.verdicts.insert(&key, bytes(verdict), 0),
            None => absent_is_fine(self.verdicts.remove(&key)),
        }
        .map_err(full_at("VERDICTS", self.config.verdicts))
    }

    /// Reads every row of the maps that generations change.
    pub(crate) fn rows(&self) -> Result<Rows, AgentError> {
        Ok(Rows {
            endpoints: read(self.endpoints.iter(), "ENDPOINTS", |key, row| {
                Some((Address::from_v6(key.data()), value(row)?))
            })?,
            cidrs: read(self.cidrs.iter(), "CIDRS", |key, row| {
                let key = CidrKey {
                    prefix_length: key.prefix_len(),
                    address: Address::from_v6(key.data()),
                };
                Some((key, value(row)?))
            })?,
            classes: read(self.classes.iter(), "CLASSES", |key, class| {
                Some((value(key)?, *class))
            })?,
            verdicts: read(self.verdicts.iter(), "VERDICTS", |key, row| {
                let mut whole = [0; size_of::<VerdictKey>()];
                whole[..4].copy_from_slice(&key.prefix_len().to_ne_bytes());
                whole[4..].copy_from_slice(&key.data());
                Some((value(&whole)?, value(row)?))
            })?,
            frontends: self.frontend_rows()?,
            slots: read(self.slots.iter(), "SLOTS", |key, backend| {
                Some((value(key)?, value(backend)?))
            })?,
            sources: self.source_rows()?,
            members: read(self.members.iter(), "MEMBERS", |key, state| {
                Some((value(key)?, *state))
            })?,
        })
    }

    /// Entries of each table by its name. How much waits in the ring buffer only the kernel knows.
    pub(crate) fn entries(&self) -> BTreeMap<&'static str, u64> {
        let counts = [
            ("LINKS", self.links.keys().count()),
            ("LOCALS", self.locals.keys().count()),
            ("NODES", self.nodes.keys().count()),
            ("ENDPOINTS", self.endpoints.keys().count()),
            ("CIDRS", self.cidrs.keys().count()),
            ("CLASSES", self.classes.keys().count()),
            ("VERDICTS", self.verdicts.keys().count()),
            ("CONNECTIONS", self.connections.keys().count()),
            ("FRAGMENTS", self.fragments.keys().count()),
            ("TRANSLATIONS", self.translations.keys().count()),
            ("UNMASQUERADED", self.unmasqueraded.keys().count()),
            ("FRONTENDS", self.frontends.keys().count()),
            ("SLOTS", self.slots.keys().count()),
            ("MEMBERS", self.members.keys().count()),
            ("SOURCES", self.sources.keys().count()),
            ("AFFINITIES", self.affinities.keys().count()),
            (NAMESPACES, self.namespaces.keys().count()),
            (PEERS, self.peers.keys().count()),
        ];
        counts.map(|(name, count)| (name, count as u64)).into()
    }

    /// Deletes the connections and fragments that expired at `now` or before; returns how many.
    pub(crate) fn sweep(&mut self, now: u64) -> Result<usize, AgentError> {
        let is_dead = |expires: u64| expires <= now;
        let connections = delete_if(&mut self.connections, |_, row| {
            value(row).is_some_and(|connection: Connection| {
                connection.flags & CONNTRACK_CHOICE == 0 && is_dead(connection.expires)
            })
        });
        let fragments = delete_if(&mut self.fragments, |_, row| {
            value(row).is_some_and(|first: FirstFragment| is_dead(first.expires))
        });
        let services = self.sweep_services(now)?;
        let translations = self.sweep_translations(now)?;
        let fragments = fragments.map_err(at("FRAGMENTS"))?;
        Ok(connections.map_err(at("CONNECTIONS"))? + fragments + translations + services)
    }

    /// Deletes the connections of which an end has one of these addresses.
    pub(crate) fn forget_connections_of(
        &mut self,
        addresses: &BTreeSet<Address>,
    ) -> Result<(), AgentError> {
        if addresses.is_empty() {
            return Ok(());
        }
        let deleted = delete_if(&mut self.connections, |key, _| {
            value(key).is_some_and(|key: ConnectionKey| {
                addresses.contains(&key.low) || addresses.contains(&key.high)
            })
        });
        deleted.map(|_| ()).map_err(at("CONNECTIONS"))
    }

    /// What the conntrack clock is ahead of the kernel's, nanoseconds.
    pub(crate) fn clock(&self) -> Result<u64, AgentError> {
        self.clock.get(&0, 0).map_err(at("CLOCK"))
    }

    /// Empties the connection table.
    pub(crate) fn forget_connections(&mut self) -> Result<(), AgentError> {
        clear_hash(&mut self.connections).map_err(at("CONNECTIONS"))
    }

    /// Drops by reason, zeros left out.
    pub(crate) fn drops(&self) -> Result<BTreeMap<DropReason, u64>, AgentError> {
        let mut drops = BTreeMap::new();
        for reason in DropReason::ALL {
            let count = self.drop_counter(u32::from(*reason as u8))?;
            if count > 0 {
                drops.insert(*reason, count);
            }
        }
        Ok(drops)
    }

    /// Events that found no room in the ring buffer.
    pub(crate) fn lost_events(&self) -> Result<u64, AgentError> {
        self.drop_counter(LOST_EVENTS)
    }

    /// Drops that were counted and not reported.
    pub(crate) fn suppressed_events(&self) -> Result<u64, AgentError> {
        self.drop_counter(SUPPRESSED_EVENTS)
    }

    fn drop_counter(&self, index: u32) -> Result<u64, AgentError> {
        let per_cpu = self.drops.get(&index, 0).map_err(at("DROPS"))?;
        Ok(per_cpu.iter().sum())
    }

    /// Hands every event that waits to `each`; no more than can wait at once, or a flood would never let go.
    pub(crate) fn events(&mut self, mut each: impl FnMut(&Event)) {
        for _ in 0..self.config.events_that_fit() {
            let Some(item) = self.events.next() else {
                return;
            };
            if let Ok(event) = Event::read_from_bytes(&item) {
                each(&event);
            }
        }
    }

    /// Readable when an event waits.
    pub(crate) fn events_descriptor(&self) -> BorrowedFd<'_> {
        let descriptor = self.events.as_raw_fd();
        // SAFETY: the ring buffer owns the descriptor and outlives the borrow of self.
        unsafe { BorrowedFd::borrow_raw(descriptor) }
    }
}

/// Deletes every row; a row that is gone by itself meanwhile is no error.
fn clear_trie<K: Pod, V: Pod>(map: &mut LpmTrie<MapData, K, V>) -> Result<(), MapError> {
    let keys: Vec<Key<K>> = map
        .iter()
        .map(|row| Ok(row?.0))
        .collect::<Result<_, MapError>>()?;
    keys.iter()
        .try_for_each(|key| absent_is_fine(map.remove(key)))
}

/// Deletes the rows that `is_due` picks; returns how many there were.
fn delete_if<K: Pod, V: Pod>(
    map: &mut HashMap<MapData, K, V>,
    is_due: impl Fn(&K, &V) -> bool,
) -> Result<usize, MapError> {
    let mut due = Vec::new();
    for row in map.iter() {
        let (key, value) = row?;
        if is_due(&key, &value) {
            due.push(key);
        }
    }
    due.iter()
        .try_for_each(|key| absent_is_fine(map.remove(key)))?;
    Ok(due.len())
}

/// Deletes every row; a row that is gone by itself meanwhile is no error.
fn clear_hash<K: Pod, V: Pod>(map: &mut HashMap<MapData, K, V>) -> Result<(), MapError> {
    let keys: Vec<K> = map.keys().collect::<Result<_, MapError>>()?;
    keys.iter()
        .try_for_each(|key| absent_is_fine(map.remove(key)))
}

/// Collects a map's rows.
fn read<K, V, Key2: Ord, Row>(
    rows: impl Iterator<Item = Result<(K, V), MapError>>,
    name: &'static str,
    convert: impl Fn(&K, &V) -> Option<(Key2, Row)>,
) -> Result<BTreeMap<Key2, Row>, AgentError> {
    let mut table = BTreeMap::new();
    for row in rows {
        let (key, value) = row.map_err(at(name))?;
        table.extend(convert(&key, &value));
    }
    Ok(table)
}
