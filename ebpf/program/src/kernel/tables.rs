//! The BPF maps as [`Maps`]. The agent sets their sizes when it loads the object.

use abi::{
    Address, Affinity, AffinityKey, CidrKey, ClassKey, Connection, ConnectionKey, DropReason, End,
    Endpoint, EndpointRows, Event, EventLimit, FirstFragment, FragmentKey, Frontend, FrontendKey,
    FrontendRows, Generation, Guard, Home, Identity, IdentityRows, LOST_EVENTS, Link,
    LocalEndpoint, MemberKey, Node, PeerKey, PortRange, SUPPRESSED_EVENTS, SlotKey, SourceKey,
    Timeout, Translation, TranslationKey, Verdict, VerdictKey,
};
use aya_ebpf::bindings::{BPF_ANY, BPF_F_NO_PREALLOC, BPF_NOEXIST};
use aya_ebpf::btf_maps::lpm_trie::Key;
use aya_ebpf::btf_maps::{Array, HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use aya_ebpf::helpers::generated::{
    bpf_get_prandom_u32, bpf_ktime_get_coarse_ns, bpf_ktime_get_ns,
};
use aya_ebpf::macros::btf_map;
use program::{Full, Maps, Scratch};

const ON_DEMAND: usize = BPF_F_NO_PREALLOC as usize;

/// The generation in force.
#[btf_map(name = "GENERATION")]
static GENERATION: Array<Generation, 1> = Array::new();
/// What the conntrack clock is ahead of the kernel's, nanoseconds.
#[btf_map(name = "CLOCK")]
static CLOCK: Array<u64, 1> = Array::new();
/// How long things are remembered, nanoseconds, by [`Timeout`].
#[btf_map(name = "TIMEOUTS")]
static TIMEOUTS: Array<u64, { Timeout::ALL.len() }> = Array::new();
/// Host-side interface index → the endpoint behind it.
#[btf_map(name = "LINKS")]
static LINKS: HashMap<u32, Link, 4096, ON_DEMAND> = HashMap::new();
/// Address → where it is delivered on this node.
#[btf_map(name = "LOCALS")]
static LOCALS: HashMap<Address, LocalEndpoint, 8192, ON_DEMAND> = HashMap::new();
/// The node that the programs run on.
#[btf_map(name = "HOME")]
static HOME: Array<Home, 1> = Array::new();
/// Whether host policies may apply to it.
#[btf_map(name = "GUARD")]
static GUARD: Array<Guard, 1> = Array::new();
/// Each identity of a node → the node.
#[btf_map(name = "NODES")]
static NODES: HashMap<Identity, Node, 8192, ON_DEMAND> = HashMap::new();
/// Address → endpoint, in versions. A trie because its rows are freed only after a grace period:
/// a row that is replaced while it is read stays whole.
#[btf_map(name = "ENDPOINTS")]
static ENDPOINTS: LpmTrie<[u8; 16], EndpointRows, 65536> = LpmTrie::new();
/// Prefix → identity, in versions.
#[btf_map(name = "CIDRS")]
static CIDRS: LpmTrie<[u8; 16], IdentityRows, 65536> = LpmTrie::new();
/// (Table, identity) → peer class.
#[btf_map(name = "CLASSES")]
static CLASSES: HashMap<ClassKey, u32, 65536, ON_DEMAND> = HashMap::new();
/// (Table, class, protocol, port prefix) → verdict.
#[btf_map(name = "VERDICTS")]
static VERDICTS: LpmTrie<[u8; 12], Verdict, 262144> = LpmTrie::new();
/// Connections.
#[btf_map(name = "CONNECTIONS")]
static CONNECTIONS: HashMap<ConnectionKey, Connection, 65536, ON_DEMAND> = HashMap::new();
/// Ports of fragmented packets.
#[btf_map(name = "FRAGMENTS")]
static FRAGMENTS: LruHashMap<FragmentKey, FirstFragment, 4096> = LruHashMap::new();
/// The ports of masqueraded connections: of pods, then of what is sent on for services.
#[btf_map(name = "MASQUERADE")]
static MASQUERADE: Array<PortRange, 2> = Array::new();
/// Prefixes outside of the cluster to which nothing is masqueraded.
#[btf_map(name = "UNMASQUERADED")]
static UNMASQUERADED: LpmTrie<[u8; 16], u32, 1024> = LpmTrie::new();
/// Masqueraded connections as their remote ends see them → the pods' ends.
#[btf_map(name = "TRANSLATIONS")]
static TRANSLATIONS: HashMap<TranslationKey, Translation, 65536, ON_DEMAND> = HashMap::new();
/// Virtual ends, in versions. A trie as that of the endpoints.
#[btf_map(name = "FRONTENDS")]
static FRONTENDS: LpmTrie<[u8; 24], FrontendRows, 65536> = LpmTrie::new();
/// (Set of backends, slot) → backend.
#[btf_map(name = "SLOTS")]
static SLOTS: HashMap<SlotKey, End, 262144, ON_DEMAND> = HashMap::new();
/// (Set of backends, backend) → whether it takes new connections.
#[btf_map(name = "MEMBERS")]
static MEMBERS: HashMap<MemberKey, u32, 262144, ON_DEMAND> = HashMap::new();
/// (Set of backends, prefix): who may come to it.
#[btf_map(name = "SOURCES")]
static SOURCES: LpmTrie<[u8; 20], u32, 16384> = LpmTrie::new();
/// (Client, port of a service) → where it was sent.
#[btf_map(name = "AFFINITIES")]
static AFFINITIES: HashMap<AffinityKey, Affinity, 65536, ON_DEMAND> = HashMap::new();
/// Cookie of a pod's network namespace → its host-side interface.
#[btf_map(name = "NAMESPACES")]
static NAMESPACES: HashMap<u64, u32, 4096, ON_DEMAND> = HashMap::new();
/// (Socket, end) → what the socket knows that end as.
#[btf_map(name = "PEERS")]
static PEERS: LruHashMap<PeerKey, End, 16384> = LruHashMap::new();
/// Drops by reason; number 0 is events that found no room.
#[btf_map(name = "DROPS")]
static DROPS: PerCpuArray<u64, 64> = PerCpuArray::new();
/// Events for user space.
#[btf_map(name = "EVENTS")]
static EVENTS: RingBuf<Event, 524288> = RingBuf::new();
/// How many drops each CPU reports.
#[btf_map(name = "EVENT_LIMIT")]
static EVENT_LIMIT: Array<EventLimit, 1> = Array::new();
/// The time up to which this CPU's reports are paid for, nanoseconds of the conntrack clock.
#[btf_map(name = "EVENT_BUDGET")]
static EVENT_BUDGET: PerCpuArray<u64, 1> = PerCpuArray::new();

/// Working memory, one a CPU: programs for packets do not interrupt each other.
#[btf_map(name = "SCRATCH")]
static SCRATCH: PerCpuArray<Scratch, 1> = PerCpuArray::new();

/// The maps of this object.
pub(crate) struct Tables;

impl Tables {
    /// This CPU's working memory.
    #[inline(always)]
    pub(crate) fn scratch<'a>() -> Option<&'a mut Scratch> {
        // SAFETY: this CPU's own, taken once at the start of a program.
        SCRATCH
            .get_ptr_mut(0)
            .map(|scratch| unsafe { &mut *scratch })
    }

    #[inline(always)]
    fn add_one(index: u32) {
        if let Some(counter) = DROPS.get_ptr_mut(index) {
            // SAFETY: this CPU's own counter; programs for packets do not interrupt each other, and those at sockets do
            // not count.
            unsafe { *counter += 1 };
        }
    }
}

impl Maps for Tables {
    #[inline(always)]
    fn generation(&self) -> Generation {
        GENERATION
            .get_ptr(0)
            // SAFETY: an array's slot is always there; read anew each time because it may have moved.
            .map_or(0, |generation| unsafe { generation.read_volatile() })
    }

    #[inline(always)]
    fn now(&self) -> u64 {
        let offset = CLOCK.get(0).copied().unwrap_or(0);
        // SAFETY: a helper without arguments.
        unsafe { bpf_ktime_get_coarse_ns() }.wrapping_add(offset)
    }

    #[inline(always)]
    fn timeout(&self, timeout: u8) -> u64 {
        TIMEOUTS.get(timeout.into()).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn link(&self, ifindex: u32) -> Option<&Link> {
        // SAFETY: written once when the endpoint comes up, deleted after its link is down.
        unsafe { LINKS.get(&ifindex) }
    }

    #[inline(always)]
    fn local(&self, address: &Address) -> Option<&LocalEndpoint> {
        // SAFETY: as for links.
        unsafe { LOCALS.get(address) }
    }

    #[inline(always)]
    fn home(&self) -> Option<&Home> {
        HOME.get(0)
    }

    #[inline(always)]
    fn guard(&self) -> Option<&Guard> {
        GUARD.get(0)
    }

    #[inline(always)]
    fn node(&self, identity: Identity) -> Option<&Node> {
        // SAFETY: written before a row names this identity, deleted when none does any more.
        unsafe { NODES.get(&identity) }
    }

    #[inline(always)]
    fn endpoint(&self, address: &Address, generation: Generation) -> Option<Endpoint> {
        let rows = ENDPOINTS.get(&Key::new(128, address.octets()))?;
        let endpoint = *rows.at(generation)?;
        (endpoint.identity != Identity::NONE).then_some(endpoint)
    }

    #[inline(always)]
    fn identities(&self, address: &Address) -> [Identity; 2] {
        ENDPOINTS
            .get(&Key::new(128, address.octets()))
            .map_or([Identity::NONE; 2], EndpointRows::identities)
    }

    #[inline(always)]
    fn cidr(&self, address: &Address, generation: Generation) -> Option<Identity> {
        let rows = CIDRS.get(&Key::new(128, address.octets()))?;
        let identity = *rows.at(generation)?;
        (identity != Identity::NONE).then_some(identity)
    }

    #[inline(always)]
    fn class(&self, key: &ClassKey) -> u32 {
        // SAFETY: rows are written before their table is in force and deleted after; a stale read is judged anew.
        unsafe { CLASSES.get(key) }.copied().unwrap_or(0)
    }

    #[inline(always)]
    fn verdict(&self, key: &VerdictKey) -> Option<Verdict> {
        VERDICTS
            .get(&Key::new(key.prefix_length, key.data()))
            .copied()
    }

    #[inline(always)]
    fn with_connection<R>(
        &self,
        key: &ConnectionKey,
        change: impl FnOnce(&mut Connection) -> R,
    ) -> Option<R> {
        let connection = CONNECTIONS.get_ptr_mut(key)?;
        // SAFETY: the entry lives at least until the end of this program (RCU). Two CPUs may see packets of one
        // connection at once; each field is a word of its own, and a lost update only costs a count.
        Some(change(unsafe { &mut *connection }))
    }

    #[inline(always)]
    fn put_connection(&self, key: &ConnectionKey, connection: &Connection) -> Result<(), Full> {
        CONNECTIONS
            .insert(key, connection, u64::from(BPF_ANY))
            .map_err(|_| Full)
    }

    #[inline(always)]
    fn fragment(&self, key: &FragmentKey) -> Option<FirstFragment> {
        // SAFETY: rewritten only by a first fragment with the same identification, of the same sender.
        unsafe { FRAGMENTS.get(key) }.copied()
    }

    #[inline(always)]
    fn put_fragment(&self, key: &FragmentKey, first: &FirstFragment) -> Result<(), Full> {
        FRAGMENTS
            .insert(key, first, u64::from(BPF_ANY))
            .map_err(|_| Full)
    }

    #[inline(always)]
    fn masquerade_ports(&self) -> PortRange {
        MASQUERADE.get(0).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn service_ports(&self) -> PortRange {
        MASQUERADE.get(1).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn is_unmasqueraded(&self, address: &Address) -> bool {
        UNMASQUERADED
            .get(&Key::new(128, address.octets()))
            .is_some()
    }

    #[inline(always)]
    fn translation(&self, key: &TranslationKey) -> Option<Translation> {
        // SAFETY: never written in place; a row that is replaced meanwhile is one of another connection, which the
        // connection's own entry tells.
        unsafe { TRANSLATIONS.get(key) }.copied()
    }

    #[inline(always)]
    fn add_translation(
        &self,
        key: &TranslationKey,
        translation: &Translation,
    ) -> Result<bool, Full> {
        /// `EEXIST` of `linux/errno.h`.
        const EXISTS: i32 = -17;
        match TRANSLATIONS.insert(key, translation, u64::from(BPF_NOEXIST)) {
            Ok(()) => Ok(true),
            Err(EXISTS) => Ok(false),
            Err(_) => Err(Full),
        }
    }

    #[inline(always)]
    fn remove_translation(&self, key: &TranslationKey) {
        // That it is gone already is fine.
        let _ = TRANSLATIONS.remove(key);
    }

    #[inline(always)]
    fn frontend(&self, key: &FrontendKey, generation: Generation) -> Option<&Frontend> {
        // SAFETY: plain data of the same layout, which is checked below.
        let key = unsafe { &*core::ptr::from_ref(key).cast::<Key<[u8; 24]>>() };
        let rows = FRONTENDS.get(key)?;
        let frontend = rows.at(generation)?;
        frontend.is_there().then_some(frontend)
    }

    #[inline(always)]
    fn slot(&self, key: &SlotKey) -> Option<&End> {
        // SAFETY: written before a virtual end leads to its set. Deleted, and its memory used again, only after another
        // generation has come than the one that the set was found in, and that is looked at again behind this.
        unsafe { SLOTS.get(key) }
    }

    #[inline(always)]
    fn member(&self, key: &MemberKey) -> Option<u32> {
        // SAFETY: as for slots.
        unsafe { MEMBERS.get(key) }.copied()
    }

    #[inline(always)]
    fn is_source(&self, key: &SourceKey) -> bool {
        // SAFETY: plain data of the same layout.
        let key = unsafe { &*core::ptr::from_ref(key).cast::<Key<[u8; 20]>>() };
        SOURCES.get(key).is_some()
    }

    #[inline(always)]
    fn with_affinity<R>(&self, key: &AffinityKey, read: impl FnOnce(&Affinity) -> R) -> Option<R> {
        // SAFETY: a row that is replaced meanwhile leads to where its client was sent, or to no backend of the service's.
        unsafe { AFFINITIES.get(key) }.map(read)
    }

    #[inline(always)]
    fn put_affinity(&self, key: &AffinityKey, affinity: &Affinity) {
        // Without room the client is not remembered.
        let _ = AFFINITIES.insert(key, affinity, u64::from(BPF_ANY));
    }

    #[inline(always)]
    fn namespace(&self, cookie: u64) -> Option<u32> {
        // SAFETY: written when the pod comes up and deleted before its link; no cookie is used again.
        unsafe { NAMESPACES.get(&cookie) }.copied()
    }

    #[inline(always)]
    fn peer(&self, key: &PeerKey) -> Option<End> {
        // SAFETY: rewritten in place by the same socket only; one that makes room meanwhile was not asked for lately.
        unsafe { PEERS.get(key) }.copied()
    }

    #[inline(always)]
    fn put_peer(&self, key: &PeerKey, end: &End) {
        // The oldest makes room.
        let _ = PEERS.insert(key, end, u64::from(BPF_ANY));
    }

    #[inline(always)]
    fn remove_peer(&self, key: &PeerKey) {
        // That there is none is fine.
        let _ = PEERS.remove(key);
    }

    #[inline(always)]
    fn random(&self) -> u32 {
        // SAFETY: a helper without arguments.
        unsafe { bpf_get_prandom_u32() }
    }

    #[inline(always)]
    fn emit(&self, event: &mut Event) {
        // SAFETY: a helper without arguments.
        event.time = unsafe { bpf_ktime_get_ns() };
        if EVENTS.output(&*event, 0).is_err() {
            Self::add_one(LOST_EVENTS);
        }
    }

    #[inline(always)]
    fn event_limit(&self) -> EventLimit {
        EVENT_LIMIT.get(0).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn with_event_budget<R: Default>(&self, change: impl FnOnce(&mut u64) -> R) -> R {
        // SAFETY: this CPU's own word; as for counters.
        EVENT_BUDGET
            .get_ptr_mut(0)
            .map_or_else(R::default, |due| change(unsafe { &mut *due }))
    }

    #[inline(always)]
    fn count_suppressed(&self) {
        Self::add_one(SUPPRESSED_EVENTS);
    }

    #[inline(always)]
    fn count(&self, reason: DropReason) {
        Self::add_one(reason as u32);
    }
}

// The trie keys of the contract are what aya's keys are: a prefix length and the data behind it.
const _: () = assert!(size_of::<CidrKey>() == size_of::<Key<[u8; 16]>>());
const _: () = assert!(size_of::<FrontendKey>() == size_of::<Key<[u8; 24]>>());
const _: () = assert!(size_of::<VerdictKey>() == size_of::<Key<[u8; 12]>>());
