//! From bytes to what the decisions need. Everything that is cut off or contradicts itself is an error.

mod network;
mod transport;

pub(crate) use network::{Header, NETWORK, Network, ethernet, header};
pub(crate) use transport::{CLOSES, ENDS, Kind, Nature, OPENS, RESETS, Transport};

use crate::fragment;
use crate::scratch::{Scratch, Tuple, settled};
use crate::{Chapter, Maps, Packet};
use abi::{DropReason, FragmentKey};
use network::Fragmentation;

/// Where a packet's transport header is and what kind of packet that makes it.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(C)]
pub(crate) struct Payload {
    pub(crate) nature: Nature,
    /// Offset of the transport header.
    pub(crate) offset: u32,
}

/// Reads a whole packet and writes down what its headers say, and who talks to whom as far as it says.
#[inline(always)]
pub(crate) fn whole<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    network: Network,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    scratch.network = network;
    packet.tell(Chapter::Read, maps, scratch)
}

/// The chapter behind [`whole`].
#[inline(always)]
pub(crate) fn read<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    scratch.has_ends = false;
    let header = header(packet, scratch.network, scratch)?;
    scratch.has_ends = true;
    let payload = payload(maps, packet, header, scratch)?;
    scratch.write_down((header, payload));
    Ok(())
}

/// Reads on to the ports and notes them. A later fragment takes them from the first.
#[inline(always)]
pub(crate) fn payload<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    header: Header,
    scratch: &mut Scratch,
) -> Result<Payload, DropReason> {
    let found = if header.fragmentation == Fragmentation::Later {
        note_fragment(header, scratch);
        fragment::ports_of_first(maps, &scratch.fragment)?
    } else {
        transport::whole(packet, header)?
    };
    let transport = settled(&mut scratch.transport, found);
    note_ports(&mut scratch.tuple, transport);
    Ok(Payload {
        nature: transport.nature,
        offset: header.payload,
    })
}

/// Remembers the ports of a first fragment. Its source must be known to be true.
#[inline(always)]
pub(crate) fn remember_first<M: Maps>(
    maps: &M,
    header: Header,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    if header.fragmentation != Fragmentation::First {
        return Ok(());
    }
    note_fragment(header, scratch);
    fragment::remember(maps, scratch)
}

#[inline(always)]
fn note_fragment(header: Header, scratch: &mut Scratch) {
    scratch.fragment = FragmentKey {
        source: scratch.tuple.source,
        destination: scratch.tuple.destination,
        identification: header.identification,
        protocol: header.protocol,
        reserved: [0; 3],
    };
}

/// Writes down the ports.
#[inline(always)]
fn note_ports(tuple: &mut Tuple, transport: Transport) {
    tuple.source_port = transport.source;
    tuple.destination_port = transport.destination;
}

/// Reads the packet that an ICMP error quotes: its header and the first 8 bytes behind it.
#[inline(always)]
pub(crate) fn quoted<P: Packet>(
    packet: &P,
    error: Payload,
    scratch: &mut Scratch,
) -> Result<Payload, DropReason> {
    let header = network::quoted(packet, error.offset + 8, scratch)?;
    // Behind the header of a later fragment stands whatever its sender likes.
    if header.fragmentation == Fragmentation::Later {
        return Err(DropReason::UnrelatedIcmpError);
    }
    let transport = transport::quoted(packet, header)?;
    note_ports(&mut scratch.quoted, transport);
    Ok(Payload {
        nature: transport.nature,
        offset: header.payload,
    })
}
