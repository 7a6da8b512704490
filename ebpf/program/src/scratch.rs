//! Working memory of one packet, outside the 512 bytes of a BPF program's stack.

use crate::parse::{Header, Transport};
use abi::{
    Address, Connection, ConnectionKey, Event, FirstFragment, FragmentKey, Port, Translation,
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
    /// The pod's end of a masqueraded connection as the source, its remote end as the destination.
    pub(crate) flow: Tuple,
    pub(crate) translation_key: TranslationKey,
    pub(crate) translation: Translation,
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
