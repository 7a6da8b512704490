//! Fragments: later ones have no ports and follow the first.

use crate::parse::Transport;
use crate::{Full, Maps};
use abi::{DropReason, FragmentKey, Ports};

/// Remembers the ports of a first fragment, for the later ones.
#[inline(always)]
pub(crate) fn remember<M: Maps>(
    maps: &M,
    key: &FragmentKey,
    first: Transport,
) -> Result<Transport, DropReason> {
    let ports = Ports {
        source: first.source,
        destination: first.destination,
    };
    match maps.put_fragment(key, &ports) {
        Ok(()) => Ok(first),
        Err(Full) => Err(DropReason::FragmentTableFull),
    }
}

/// What a later fragment takes from the first.
#[inline(always)]
pub(crate) fn ports_of_first<M: Maps>(
    maps: &M,
    key: &FragmentKey,
) -> Result<Transport, DropReason> {
    let ports = maps.fragment(key).ok_or(DropReason::FragmentWithoutFirst)?;
    Ok(Transport::later_fragment(ports))
}
