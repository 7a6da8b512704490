//! Steps about what is on links, as it is on the wire.

use super::log::{exactly, wanted};
use super::{Arguments, Step};
use crate::entry::CARRIED_COLUMNS;
use crate::world::World;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the link of {endpoint} carries:",
        meaning: "One row an IP packet, in any order, and no others on this link since the last step about it. A node's link \
                  is that to other nodes and the outside. Any of these columns: `direction` (`in`, `out`), `from` and `to` \
                  by address, `protocol`, `from port`, `to port`; `tunnel` (`node/n1 to node/n2`, empty for what is in \
                  clear: the other columns are about the packet inside) and `identity`, who the tunnel says has sent it.",
        example: "Then the link of node/n1 carries:
      | direction | from     | to       | to port | tunnel             | identity |
      | out       | shop/web | shop/far | 5432    | node/n1 to node/n2 | shop/web |",
        run: carries,
    },
    Step {
        expression: "the link of {endpoint} carries nothing",
        meaning: "No IP packet was on this link since the last step about it.",
        example: "Then the link of node/n3 carries nothing",
        run: carries_nothing,
    },
];

fn carries(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let at = arguments.endpoint(0)?;
    let seen = world.take_carried(&at)?;
    exactly("packet", &wanted(arguments, &CARRIED_COLUMNS)?, &seen)
}

fn carries_nothing(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let at = arguments.endpoint(0)?;
    let seen = world.take_carried(&at)?;
    exactly("packet", &[], &seen)
}
