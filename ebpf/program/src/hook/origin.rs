//! Which node an address is on.

use crate::Maps;
use abi::{Address, Endpoint, Generation, Node, Routing};

/// The other node that an endpoint is on; `None` if it is on this one or on none that is known.
#[inline(always)]
pub(super) fn other_node<'a, M: Maps>(maps: &'a M, endpoint: &Endpoint) -> Option<&'a Node> {
    let home = maps.home()?;
    let node = maps.node(endpoint.node)?;
    (home.number != 0 && node.number != home.number).then_some(node)
}

/// Whether packets between pods go this way.
#[inline(always)]
pub(super) fn routes<M: Maps>(maps: &M, routing: Routing) -> bool {
    maps.home()
        .is_some_and(|home| home.routing == routing as u32)
}

/// Whether an address is this node's own.
#[inline(always)]
pub(super) fn is_home<M: Maps>(maps: &M, address: &Address, generation: Generation) -> bool {
    let Some(endpoint) = maps.endpoint(address, generation) else {
        return false;
    };
    let number = maps.node(endpoint.node).map(|node| node.number);
    endpoint.is_node() && number.is_some() && number == maps.home().map(|home| home.number)
}
