//! Access to what the datapath knows and remembers.

use abi::{
    Address, Affinity, AffinityKey, ClassKey, Connection, ConnectionKey, DropReason, End, Endpoint,
    Event, EventLimit, FirstFragment, FragmentKey, Frontend, FrontendKey, Generation, Guard, Home,
    Identity, Link, LocalEndpoint, MemberKey, Node, PeerKey, PortRange, SlotKey, SourceKey,
    Translation, TranslationKey, Verdict, VerdictKey,
};

/// A table has no room for another entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

/// The maps behind the decisions: BPF maps in the kernel, plain collections on the host.
pub trait Maps {
    /// The generation in force; zero if none was ever applied.
    fn generation(&self) -> Generation;

    /// The conntrack clock, nanoseconds: monotonic time plus the scenario's offset.
    fn now(&self) -> u64;

    /// How long something is remembered, nanoseconds, by the number of an [`abi::Timeout`].
    fn timeout(&self, timeout: u8) -> u64;

    /// The endpoint behind a host-side interface.
    fn link(&self, ifindex: u32) -> Option<&Link>;

    /// Where an address is delivered on this node.
    fn local(&self, address: &Address) -> Option<&LocalEndpoint>;

    /// The node that this program runs on.
    fn home(&self) -> Option<&Home>;

    /// Whether host policies may apply to it.
    fn guard(&self) -> Option<&Guard>;

    /// The node that has this identity.
    fn node(&self, identity: Identity) -> Option<&Node>;

    /// The endpoint that has this address at `generation`; `None` also for one that has left.
    fn endpoint(&self, address: &Address, generation: Generation) -> Option<Endpoint>;

    /// The identities that an endpoint's address has, had or is about to have: those of both versions of its row.
    /// [`Identity::NONE`] stands for a version that is not there.
    fn identities(&self, address: &Address) -> [Identity; 2];

    /// The identity of an address that is no endpoint, by longest prefix.
    fn cidr(&self, address: &Address, generation: Generation) -> Option<Identity>;

    /// The peer class of an identity; 0 if the table has no row for it.
    fn class(&self, key: &ClassKey) -> u32;

    /// The verdict with the longest matching prefix.
    fn verdict(&self, key: &VerdictKey) -> Option<Verdict>;

    /// Looks a connection up and lets `change` read and update its entry in place.
    fn with_connection<R>(
        &self,
        key: &ConnectionKey,
        change: impl FnOnce(&mut Connection) -> R,
    ) -> Option<R>;

    /// Remembers a connection, in place of an older one with the same key.
    ///
    /// # Errors
    /// [`Full`] when the table has no room.
    fn put_connection(&self, key: &ConnectionKey, connection: &Connection) -> Result<(), Full>;

    /// What is remembered of a packet's first fragment, also when that is dead already.
    fn fragment(&self, key: &FragmentKey) -> Option<FirstFragment>;

    /// Remembers a first fragment.
    ///
    /// # Errors
    /// [`Full`] when the table has no room.
    fn put_fragment(&self, key: &FragmentKey, first: &FirstFragment) -> Result<(), Full>;

    /// The ports of masqueraded connections; none if nothing is masqueraded.
    fn masquerade_ports(&self) -> PortRange;

    /// The ports on the node's address of what it sends on for services to other nodes; none if no service is there.
    fn service_ports(&self) -> PortRange;

    /// Whether packets to this address outside of the cluster keep their source.
    fn is_unmasqueraded(&self, address: &Address) -> bool;

    /// The pod's end of a masqueraded connection, also when that is dead already.
    fn translation(&self, key: &TranslationKey) -> Option<Translation>;

    /// Remembers the pod's end of a masqueraded connection if nothing is under this key yet; says whether it did.
    ///
    /// # Errors
    /// [`Full`] when the table has no room.
    fn add_translation(
        &self,
        key: &TranslationKey,
        translation: &Translation,
    ) -> Result<bool, Full>;

    /// Forgets what is under this key.
    fn remove_translation(&self, key: &TranslationKey);

    /// The virtual end at `generation`: that of the port, or that of the address, which has the number 0.
    fn frontend(&self, key: &FrontendKey, generation: Generation) -> Option<&Frontend>;

    /// The backend in a slot.
    fn slot(&self, key: &SlotKey) -> Option<&End>;

    /// Whether a backend is in a set: [`abi::MEMBER_TAKES_NEW`] or [`abi::MEMBER_DRAINS`].
    fn member(&self, key: &MemberKey) -> Option<u32>;

    /// Whether somebody may come to a set of backends that has sources.
    fn is_source(&self, key: &SourceKey) -> bool;

    /// Lets `read` look at where a client was sent, also when that is long ago.
    fn with_affinity<R>(&self, key: &AffinityKey, read: impl FnOnce(&Affinity) -> R) -> Option<R>;

    /// Remembers where a client is sent, if there is room.
    fn put_affinity(&self, key: &AffinityKey, affinity: &Affinity);

    /// The host-side interface of the pod that a network namespace belongs to, by the kernel's cookie of it.
    fn namespace(&self, cookie: u64) -> Option<u32>;

    /// What a socket knows an end as.
    fn peer(&self, key: &PeerKey) -> Option<End>;

    /// Remembers what a socket knows an end as; one that was not asked for lately makes room.
    fn put_peer(&self, key: &PeerKey, end: &End);

    /// Forgets what a socket knows an end as.
    fn remove_peer(&self, key: &PeerKey);

    /// A number that nobody can foresee.
    fn random(&self) -> u32;

    /// Hands an event to user space; one that finds no room is counted as lost. Fills in the time.
    fn emit(&self, event: &mut Event);

    /// How many drops may be reported.
    fn event_limit(&self) -> EventLimit;

    /// Lets `change` read and move the time up to which this CPU's events are paid for; see `limit`.
    fn with_event_budget<R: Default>(&self, change: impl FnOnce(&mut u64) -> R) -> R;

    /// Counts a drop that is not reported.
    fn count_suppressed(&self);

    /// Counts a drop.
    fn count(&self, reason: DropReason);
}
