//! Steps that let time pass.

use super::{Arguments, Step};
use crate::world::World;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[Step {
    expression: "{duration} pass(es)",
    meaning: "Moves the clock of connection tracking on. It takes no time.",
    example: "When 5 minutes pass",
    run: pass,
}];

fn pass(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    world.pass_time(arguments.duration(0)?)
}
