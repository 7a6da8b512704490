//! The maps in memory, for the host: unit tests and the in-process driver judge with these.

use crate::{Full, Maps};
use abi::{
    Address, Affinity, AffinityKey, CidrKey, ClassKey, Connection, ConnectionKey, DropReason, End,
    Endpoint, EndpointRows, Event, EventLimit, FirstFragment, FragmentKey, Frontend, FrontendKey,
    FrontendRows, Generation, Guard, Home, Identity, IdentityRows, Link, LocalEndpoint, MemberKey,
    Node, PeerKey, PortRange, SlotKey, SourceKey, Timeout, Timeouts, Translation, TranslationKey,
    Verdict, VerdictKey,
};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Maps of plain collections, with the meaning of the BPF maps: longest prefixes, bounded tables, versions of rows.
#[derive(Debug)]
pub struct Memory {
    /// The generation in force.
    pub generation: Generation,
    /// The conntrack clock, nanoseconds.
    pub now: u64,
    /// How long things are remembered.
    pub timeouts: Timeouts,
    /// How many drops are reported.
    pub event_limit: EventLimit,
    /// Host-side interface index → the endpoint behind it.
    pub links: HashMap<u32, Link>,
    /// Address → where it is delivered on this node.
    pub locals: HashMap<Address, LocalEndpoint>,
    /// The node.
    pub home: Home,
    /// Whether host policies may apply to it.
    pub guard: Guard,
    /// Each identity of a node → the node.
    pub nodes: HashMap<Identity, Node>,
    /// Address → endpoint, in versions.
    pub endpoints: HashMap<Address, EndpointRows>,
    /// Prefix → identity, in versions.
    pub cidrs: Trie<16, IdentityRows>,
    /// (Table, identity) → peer class.
    pub classes: HashMap<ClassKey, u32>,
    /// (Table, class, protocol, port prefix) → verdict.
    pub verdicts: Trie<12, Verdict>,
    /// Virtual ends, in versions.
    pub frontends: Trie<24, FrontendRows>,
    /// (Set of backends, slot) → backend.
    pub slots: HashMap<SlotKey, End>,
    /// (Set of backends, backend) → whether it takes new connections.
    pub members: HashMap<MemberKey, u32>,
    /// (Set of backends, prefix): who may come to it.
    pub sources: Trie<20, u32>,
    /// Cookie of a network namespace → host-side interface of its pod.
    pub namespaces: HashMap<u64, u32>,
    /// How many connections, masqueraded connections and fragmented packets there is room for, of each.
    pub capacity: usize,
    connections: RefCell<HashMap<ConnectionKey, Connection>>,
    fragments: RefCell<HashMap<FragmentKey, FirstFragment>>,
    masquerade_ports: PortRange,
    /// The ports on the node's address of what it sends on for services.
    pub service_ports: PortRange,
    unmasqueraded: Trie<16, ()>,
    translations: RefCell<HashMap<TranslationKey, Translation>>,
    affinities: RefCell<HashMap<AffinityKey, Affinity>>,
    peers: RefCell<HashMap<PeerKey, End>>,
    random: Cell<u32>,
    events: RefCell<Vec<Event>>,
    drops: RefCell<BTreeMap<DropReason, u64>>,
    event_budget: Cell<u64>,
    suppressed: Cell<u64>,
    ticks: Cell<u64>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            generation: 0,
            now: 0,
            timeouts: Timeouts::default(),
            event_limit: EventLimit::default(),
            links: HashMap::new(),
            locals: HashMap::new(),
            home: Home::default(),
            guard: Guard::NONE,
            nodes: HashMap::new(),
            endpoints: HashMap::new(),
            cidrs: Trie::default(),
            classes: HashMap::new(),
            verdicts: Trie::default(),
            masquerade_ports: PortRange::NONE,
            service_ports: PortRange::NONE,
            unmasqueraded: Trie::default(),
            frontends: Trie::default(),
            slots: HashMap::new(),
            members: HashMap::new(),
            sources: Trie::default(),
            namespaces: HashMap::new(),
            capacity: 1 << 16,
            connections: RefCell::default(),
            fragments: RefCell::default(),
            translations: RefCell::default(),
            affinities: RefCell::default(),
            peers: RefCell::default(),
            random: Cell::new(1),
            events: RefCell::default(),
            drops: RefCell::default(),
            event_budget: Cell::default(),
            suppressed: Cell::default(),
            ticks: Cell::new(0),
        }
    }
}

impl Memory {
    /// Takes the events since the last call, oldest first.
    pub fn take_events(&self) -> Vec<Event> {
        self.events.take()
    }

    /// The time by which events are told, nanoseconds: no event so far is later.
    #[must_use]
    pub fn event_time(&self) -> u64 {
        self.now + self.ticks.get()
    }

    /// Drops by reason.
    #[must_use]
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        self.drops.borrow().clone()
    }

    /// Drops that were not reported.
    #[must_use]
    pub fn suppressed_events(&self) -> u64 {
        self.suppressed.get()
    }

    /// The tracked connections.
    #[must_use]
    pub fn connections(&self) -> HashMap<ConnectionKey, Connection> {
        self.connections.borrow().clone()
    }

    /// The masqueraded connections, dead ones included.
    #[must_use]
    pub fn translations(&self) -> HashMap<TranslationKey, Translation> {
        self.translations.borrow().clone()
    }

    /// Empties the connection table, and frees the ports that masqueraded connections had.
    pub fn forget_connections(&mut self) {
        self.connections.get_mut().clear();
        self.translations.get_mut().clear();
    }

    /// Forgets the connections that have one of these addresses at an end.
    pub fn forget_connections_of(&mut self, addresses: &BTreeSet<Address>) {
        let has_left = |address: &Address| addresses.contains(address);
        let connections = self.connections.get_mut();
        connections.retain(|key, _| !has_left(&key.low) && !has_left(&key.high));
    }
}

impl Maps for Memory {
    fn generation(&self) -> Generation {
        self.generation
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn timeout(&self, timeout: u8) -> u64 {
        let timeout = Timeout::ALL.get(usize::from(timeout)).copied();
        timeout.map_or(0, |timeout| self.timeouts.get(timeout))
    }

    fn link(&self, ifindex: u32) -> Option<&Link> {
        self.links.get(&ifindex)
    }

    fn local(&self, address: &Address) -> Option<&LocalEndpoint> {
        self.locals.get(address)
    }

    fn home(&self) -> Option<&Home> {
        Some(&self.home)
    }

    fn guard(&self) -> Option<&Guard> {
        Some(&self.guard)
    }

    fn node(&self, identity: Identity) -> Option<&Node> {
        self.nodes.get(&identity)
    }

    fn endpoint(&self, address: &Address, generation: Generation) -> Option<Endpoint> {
        let endpoint = *self.endpoints.get(address)?.at(generation)?;
        (endpoint.identity != Identity::NONE).then_some(endpoint)
    }

    fn identities(&self, address: &Address) -> [Identity; 2] {
        let rows = self.endpoints.get(address);
        rows.map_or([Identity::NONE; 2], EndpointRows::identities)
    }

    fn cidr(&self, address: &Address, generation: Generation) -> Option<Identity> {
        let identity = *self.cidrs.get(address.octets())?.at(generation)?;
        (identity != Identity::NONE).then_some(identity)
    }

    fn class(&self, key: &ClassKey) -> u32 {
        self.classes.get(key).copied().unwrap_or(0)
    }

    fn verdict(&self, key: &VerdictKey) -> Option<Verdict> {
        self.verdicts.get(key.data()).copied()
    }

    fn with_connection<R>(
        &self,
        key: &ConnectionKey,
        change: impl FnOnce(&mut Connection) -> R,
    ) -> Option<R> {
        self.connections.borrow_mut().get_mut(key).map(change)
    }

    fn put_connection(&self, key: &ConnectionKey, connection: &Connection) -> Result<(), Full> {
        put(
            &mut self.connections.borrow_mut(),
            *key,
            *connection,
            self.capacity,
        )
    }

    fn fragment(&self, key: &FragmentKey) -> Option<FirstFragment> {
        self.fragments.borrow().get(key).copied()
    }

    fn put_fragment(&self, key: &FragmentKey, first: &FirstFragment) -> Result<(), Full> {
        put(
            &mut self.fragments.borrow_mut(),
            *key,
            *first,
            self.capacity,
        )
    }

    fn masquerade_ports(&self) -> PortRange {
        self.masquerade_ports
    }

    fn service_ports(&self) -> PortRange {
        self.service_ports
    }

    fn is_unmasqueraded(&self, address: &Address) -> bool {
        self.unmasqueraded.get(address.octets()).is_some()
    }

    fn translation(&self, key: &TranslationKey) -> Option<Translation> {
        self.translations.borrow().get(key).copied()
    }

    fn add_translation(
        &self,
        key: &TranslationKey,
        translation: &Translation,
    ) -> Result<bool, Full> {
        let mut translations = self.translations.borrow_mut();
        if translations.contains_key(key) {
            return Ok(false);
        }
        put(&mut translations, *key, *translation, self.capacity).map(|()| true)
    }

    fn remove_translation(&self, key: &TranslationKey) {
        self.translations.borrow_mut().remove(key);
    }

    fn frontend(&self, key: &FrontendKey, generation: Generation) -> Option<&Frontend> {
        let frontend = self.frontends.get(key.data())?.at(generation)?;
        frontend.is_there().then_some(frontend)
    }

    fn slot(&self, key: &SlotKey) -> Option<&End> {
        self.slots.get(key)
    }

    fn member(&self, key: &MemberKey) -> Option<u32> {
        self.members.get(key).copied()
    }

    fn is_source(&self, key: &SourceKey) -> bool {
        self.sources.get(key.data()).is_some()
    }

    fn with_affinity<R>(&self, key: &AffinityKey, read: impl FnOnce(&Affinity) -> R) -> Option<R> {
        self.affinities.borrow().get(key).map(read)
    }

    fn put_affinity(&self, key: &AffinityKey, affinity: &Affinity) {
        let mut affinities = self.affinities.borrow_mut();
        let _ = put(&mut affinities, *key, *affinity, self.capacity);
    }

    fn namespace(&self, cookie: u64) -> Option<u32> {
        self.namespaces.get(&cookie).copied()
    }

    fn peer(&self, key: &PeerKey) -> Option<End> {
        self.peers.borrow().get(key).copied()
    }

    fn put_peer(&self, key: &PeerKey, end: &End) {
        self.peers.borrow_mut().insert(*key, *end);
    }

    fn remove_peer(&self, key: &PeerKey) {
        self.peers.borrow_mut().remove(key);
    }

    /// Always the same numbers (xorshift), so that what went wrong goes wrong again.
    fn random(&self) -> u32 {
        let mut number = self.random.get();
        number ^= number << 13;
        number ^= number >> 17;
        number ^= number << 5;
        self.random.set(number);
        number
    }

    fn emit(&self, event: &mut Event) {
        event.time = self.now + self.ticks.replace(self.ticks.get() + 1);
        self.events.borrow_mut().push(*event);
    }

    fn event_limit(&self) -> EventLimit {
        self.event_limit
    }

    fn with_event_budget<R: Default>(&self, change: impl FnOnce(&mut u64) -> R) -> R {
        let mut due = self.event_budget.get();
        let result = change(&mut due);
        self.event_budget.set(due);
        result
    }

    fn count_suppressed(&self) {
        self.suppressed.set(self.suppressed.get() + 1);
    }

    fn count(&self, reason: DropReason) {
        *self.drops.borrow_mut().entry(reason).or_default() += 1;
    }
}

fn put<K: Eq + std::hash::Hash, V>(
    table: &mut HashMap<K, V>,
    key: K,
    value: V,
    capacity: usize,
) -> Result<(), Full> {
    if table.len() >= capacity && !table.contains_key(&key) {
        return Err(Full);
    }
    table.insert(key, value);
    Ok(())
}

/// A longest-prefix table over strings of `N` bytes, most significant bit first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trie<const N: usize, V> {
    by_length: BTreeMap<Reverse<u32>, HashMap<[u8; N], V>>,
}

impl<const N: usize, V> Default for Trie<N, V> {
    fn default() -> Self {
        Self {
            by_length: BTreeMap::new(),
        }
    }
}

impl<const N: usize, V> Trie<N, V> {
    /// Puts a value under the first `length` bits of `data`.
    pub fn insert(&mut self, length: u32, data: [u8; N], value: V) {
        let rows = self.by_length.entry(Reverse(length)).or_default();
        rows.insert(masked(data, length), value);
    }

    /// Deletes the value under exactly this prefix.
    pub fn remove(&mut self, length: u32, data: [u8; N]) {
        if let Some(rows) = self.by_length.get_mut(&Reverse(length)) {
            rows.remove(&masked(data, length));
        }
    }

    /// The value under the longest prefix of `data`.
    #[must_use]
    pub fn get(&self, data: [u8; N]) -> Option<&V> {
        self.by_length
            .iter()
            .find_map(|(length, rows)| rows.get(&masked(data, length.0)))
    }
}

/// `data` with all bits behind the first `length` cleared.
fn masked<const N: usize>(mut data: [u8; N], length: u32) -> [u8; N] {
    for (index, byte) in (0..).zip(data.iter_mut()) {
        let kept = length.saturating_sub(index * 8).min(8);
        *byte &= u8::MAX.checked_shl(8 - kept).unwrap_or(0);
    }
    data
}

impl Memory {
    /// Puts or deletes an endpoint's row.
    pub fn write_endpoint(&mut self, address: Address, rows: Option<EndpointRows>) {
        match rows {
            Some(rows) => self.endpoints.insert(address, rows),
            None => self.endpoints.remove(&address),
        };
    }

    /// Says which ports masqueraded connections get, none for no masquerade, and to which prefixes outside of the cluster
    /// nothing is masqueraded.
    pub fn set_masquerade(
        &mut self,
        ports: PortRange,
        exceptions: impl IntoIterator<Item = CidrKey>,
    ) {
        self.masquerade_ports = ports;
        self.unmasqueraded = Trie::default();
        for key in exceptions {
            let prefix = key.address.octets();
            self.unmasqueraded.insert(key.prefix_length, prefix, ());
        }
    }

    /// Puts or deletes a prefix's row.
    pub fn write_cidr(&mut self, key: CidrKey, rows: Option<IdentityRows>) {
        match rows {
            Some(rows) => self
                .cidrs
                .insert(key.prefix_length, key.address.octets(), rows),
            None => self.cidrs.remove(key.prefix_length, key.address.octets()),
        }
    }

    /// Puts or deletes a virtual end's row.
    pub fn write_frontend(&mut self, key: FrontendKey, rows: Option<FrontendRows>) {
        match rows {
            Some(rows) => self.frontends.insert(key.prefix_length, key.data(), rows),
            None => self.frontends.remove(key.prefix_length, key.data()),
        }
    }

    /// Puts or deletes a slot.
    pub fn write_slot(&mut self, key: SlotKey, backend: Option<End>) {
        match backend {
            Some(backend) => self.slots.insert(key, backend),
            None => self.slots.remove(&key),
        };
    }

    /// Puts or deletes a member of a set.
    pub fn write_member(&mut self, key: MemberKey, member: Option<u32>) {
        match member {
            Some(member) => self.members.insert(key, member),
            None => self.members.remove(&key),
        };
    }

    /// Puts or deletes a prefix that may come to a set.
    pub fn write_source(&mut self, key: SourceKey, row: Option<u32>) {
        match row {
            Some(row) => self.sources.insert(key.prefix_length, key.data(), row),
            None => self.sources.remove(key.prefix_length, key.data()),
        }
    }

    /// Puts or deletes a peer class.
    pub fn write_class(&mut self, key: ClassKey, class: Option<u32>) {
        match class {
            Some(class) => self.classes.insert(key, class),
            None => self.classes.remove(&key),
        };
    }

    /// Puts or deletes a verdict.
    pub fn write_verdict(&mut self, key: VerdictKey, verdict: Option<Verdict>) {
        match verdict {
            Some(verdict) => self.verdicts.insert(key.prefix_length, key.data(), verdict),
            None => self.verdicts.remove(key.prefix_length, key.data()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trie_answers_with_the_longest_prefix() {
        let mut trie = Trie::default();
        trie.insert(0, [0, 0], "all");
        trie.insert(4, [0xa0, 0], "a");
        trie.insert(12, [0xab, 0xc0], "abc");
        assert_eq!(trie.get([0xab, 0xcd]), Some(&"abc"));
        assert_eq!(trie.get([0xab, 0xdd]), Some(&"a"));
        assert_eq!(trie.get([0x1b, 0xcd]), Some(&"all"));
        trie.remove(4, [0xaf, 0xff]);
        assert_eq!(trie.get([0xab, 0xdd]), Some(&"all"));
    }
}
