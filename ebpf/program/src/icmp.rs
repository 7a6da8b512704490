//! ICMP errors: they pass only with the connection they are about.

use crate::conntrack::{self, Step};
use crate::parse::{self, Kind, Payload};
use crate::scratch::{Scratch, settled};
use crate::{Maps, Packet};
use abi::DropReason;

/// Lets an ICMP error pass if the packet it quotes was sent by its receiver on a tracked connection.
///
/// Returns the packet that it quotes; the virtual end that this one was sent to is then `scratch.event.frontend`. A router
/// on the way may say so, with any source address. A pod is no router: it speaks of what it was sent itself.
#[inline(always)]
pub(crate) fn related<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    error: Payload,
    from_pod: bool,
    scratch: &mut Scratch,
) -> Result<Payload, DropReason> {
    let mut quoted = parse::quoted(packet, error, scratch)?;
    let nature = quoted.nature;
    let about_receiver = scratch.quoted.source == scratch.tuple.destination;
    let about_sender = scratch.quoted.destination == scratch.tuple.source;
    let is_about_error = matches!(nature.kind, Kind::IcmpError | Kind::Neighbour);
    if is_about_error || !about_receiver || from_pod && !about_sender {
        return Err(DropReason::UnrelatedIcmpError);
    }
    let step = Step::of(&scratch.quoted, nature, &mut scratch.key);
    let frontend =
        conntrack::tracked(maps, &scratch.key, step).ok_or(DropReason::UnrelatedIcmpError)?;
    scratch.event.frontend = frontend;
    // The verifier would follow each kind of packet on its own from here.
    quoted.nature = settled(&mut scratch.transport.nature, nature);
    Ok(quoted)
}
