//! ICMP errors: they pass only with the connection they are about.

use crate::conntrack::{self, Flow};
use crate::parse::{self, Datagram, Kind};
use crate::{Maps, Packet};
use abi::DropReason;

/// Lets an ICMP error pass if the packet it quotes was sent by its receiver on a tracked connection.
#[inline(always)]
pub(crate) fn related<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    error: &Datagram,
) -> Result<(), DropReason> {
    let quoted = parse::quoted(packet, error)?;
    let about_receiver = quoted.source == error.destination;
    let about_connection = quoted.transport.kind == Kind::Plain;
    if about_receiver && about_connection && conntrack::is_tracked(maps, &Flow::of(&quoted)) {
        Ok(())
    } else {
        Err(DropReason::UnrelatedIcmpError)
    }
}
