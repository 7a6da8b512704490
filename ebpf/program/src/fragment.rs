//! Fragments: later ones have no ports and follow the first.

use crate::parse::Transport;
use crate::scratch::Scratch;
use crate::{Full, Maps};
use abi::{DropReason, FirstFragment, FragmentKey, Ports, Timeout};

/// Remembers the ports of a first fragment, for the later ones.
#[inline(always)]
pub(crate) fn remember<M: Maps>(maps: &M, scratch: &mut Scratch) -> Result<(), DropReason> {
    scratch.first_fragment = FirstFragment {
        expires: maps.now() + maps.timeout(Timeout::Fragment as u8),
        ports: Ports {
            source: scratch.tuple.source_port,
            destination: scratch.tuple.destination_port,
        },
        reserved: [0; 4],
    };
    maps.put_fragment(&scratch.fragment, &scratch.first_fragment)
        .map_err(|Full| DropReason::FragmentTableFull)
}

/// What a later fragment takes from the first. One that comes before it is dropped, not held: its sender repeats the
/// packet, as for any loss.
#[inline(always)]
pub(crate) fn ports_of_first<M: Maps>(
    maps: &M,
    key: &FragmentKey,
) -> Result<Transport, DropReason> {
    let first = maps.fragment(key).ok_or(DropReason::FragmentWithoutFirst)?;
    if first.expires <= maps.now() {
        return Err(DropReason::FragmentWithoutFirst);
    }
    Ok(Transport::later_fragment(first.ports))
}
