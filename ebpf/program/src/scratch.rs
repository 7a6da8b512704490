//! Working memory of one packet, outside the 512 bytes of a BPF program's stack.

use crate::hook::{Passed, Tunnel};
use crate::parse::{Header, Network, Payload, Transport};
use crate::policy::{Passage, Way};
use abi::{
    Address, Affinity, AffinityKey, Connection, ConnectionKey, DropReason, End, Event,
    FirstFragment, FragmentKey, FrontendKey, MemberKey, Port, SlotKey, SourceKey, Translation,
    TranslationKey,
};

/// Memory for judging one packet. Nothing in it outlives the packet: every field is written before it is read.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub struct Scratch {
    /// Filled when it is about to be sent.
    pub(crate) event: Event,
    /// The packet's own tuple.
    pub(crate) tuple: Tuple,
    /// The tuple of the packet that an ICMP error quotes.
    pub(crate) quoted: Tuple,
    /// What [`settled`] passes through.
    pub(crate) header: Header,
    /// What [`settled`] passes through.
    pub(crate) transport: Transport,
    pub(crate) key: ConnectionKey,
    pub(crate) connection: Connection,
    pub(crate) fragment: FragmentKey,
    pub(crate) first_fragment: FirstFragment,
    /// Of a masqueraded connection the pod's end as the source, and its remote end as the destination. Of one to a service
    /// the client's end, and the virtual one.
    pub(crate) flow: Tuple,
    pub(crate) translation_key: TranslationKey,
    pub(crate) translation: Translation,
    pub(crate) service: ServiceScratch,
    /// The packet's own headers, for chapters.
    outer: Header,
    payload: Payload,
    /// What follows its Ethernet header.
    pub(crate) network: Network,
    /// Whether its IP header was read, and so who talks to whom.
    pub(crate) has_ends: bool,
    /// What the policies say of it, if they let it through.
    pub(crate) passage: Passage,
    /// Whether it got another destination here.
    pub(crate) is_translated: bool,
    /// How it passes, if it does.
    pub(crate) passed: Passed,
    /// The packet that it quotes, if it is an ICMP error.
    pub(crate) inner: Payload,
    /// What its outer header shall say, if it goes through a tunnel.
    pub(crate) tunnel: Tunnel,
    /// Where it is on its way, for the chapter that judges it.
    pub(crate) way: Way,
    /// Why a chapter drops it.
    reason: Option<DropReason>,
}

impl Scratch {
    /// Writes down what the packet's headers say, for chapters.
    #[inline(always)]
    pub(crate) fn write_down(&mut self, (header, payload): (Header, Payload)) {
        self.outer = header;
        self.payload = payload;
    }

    /// Writes down why a chapter drops the packet.
    #[inline(always)]
    pub const fn set_reason(&mut self, reason: DropReason) {
        self.reason = Some(reason);
    }

    /// Why a chapter drops the packet.
    #[inline(always)]
    #[must_use]
    pub const fn reason(&self) -> DropReason {
        match self.reason {
            Some(reason) => reason,
            None => DropReason::Malformed,
        }
    }

    /// What was written down.
    #[inline(always)]
    pub(crate) const fn parsed(&self) -> (Header, Payload) {
        (self.outer, self.payload)
    }
}

/// What is looked up about a service.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub(crate) struct ServiceScratch {
    pub(crate) virtual_end: End,
    pub(crate) backend: End,
    pub(crate) key: FrontendKey,
    pub(crate) slot: SlotKey,
    pub(crate) member: MemberKey,
    pub(crate) source: SourceKey,
    pub(crate) client: AffinityKey,
    pub(crate) affinity: Affinity,
    /// Whether who asks is outside of the cluster.
    pub(crate) is_outside: bool,
    /// Whether it may be for a service, and was not looked at yet.
    pub(crate) may_serve: bool,
    /// Whether the backend was chosen for this packet.
    pub(crate) is_chosen: bool,
}

/// Who talks to whom. An ICMP echo has its identifier as the requester's port.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[repr(C)]
pub(crate) struct Tuple {
    pub(crate) source: Address,
    pub(crate) destination: Address,
    pub(crate) source_port: Port,
    pub(crate) destination_port: Port,
    pub(crate) protocol: u32,
}

impl Tuple {
    /// IP protocol number.
    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a protocol number has eight bits"
    )]
    pub(crate) const fn protocol(&self) -> u8 {
        self.protocol as u8
    }

    /// Makes `key` that of the connection; returns whether the source is its `low` end.
    #[inline(always)]
    pub(crate) fn set_key(&self, key: &mut ConnectionKey) -> bool {
        let source = (self.source, self.source_port);
        let destination = (self.destination, self.destination_port);
        key.set(&source, &destination, self.protocol())
    }

    /// The way back.
    #[inline(always)]
    pub(crate) const fn back(&self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
            protocol: self.protocol,
        }
    }
}

/// `value`, passed through memory.
///
/// What a BPF verifier knows of a value in a register it follows through every branch behind it, once for each way
/// the value came about. What comes from a map's memory is unknown to it, so these ways become one.
#[inline(always)]
pub(crate) fn settled<T: Copy>(memory: &mut T, value: T) -> T {
    let place: *mut T = memory;
    // SAFETY: an exclusive reference; what is read was written just before.
    unsafe {
        place.write_volatile(value);
        place.read_volatile()
    }
}
