//! Steps that break nodes and mend them.

use super::{Arguments, Step};
use crate::driver::{Fault, FaultKind};
use crate::world::World;
use anyhow::bail;
use manifest::EndpointName;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{endpoint} is cut off",
        meaning: "The link of a node to other nodes and the outside goes down: what is sent over it is lost.",
        example: "When node/n2 is cut off",
        run: cut_off,
    },
    Step {
        expression: "{endpoint} is joined again",
        meaning: "The link of a node comes up again.",
        example: "When node/n2 is joined again",
        run: joined,
    },
    Step {
        expression: "the agent of {endpoint} stops",
        meaning: "The programs of a node judge on by the tables that they have, and no change reaches them.",
        example: "When the agent of node/n2 stops",
        run: agent_stops,
    },
    Step {
        expression: "the agent of {endpoint} starts again",
        meaning: "An agent takes over at a node, and brings everything up to date.",
        example: "When the agent of node/n2 starts again",
        run: agent_starts,
    },
];

fn cut_off(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict(world, arguments, FaultKind::CutOff)
}

fn joined(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict(world, arguments, FaultKind::Joined)
}

fn agent_stops(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict(world, arguments, FaultKind::AgentStops)
}

fn agent_starts(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict(world, arguments, FaultKind::AgentStarts)
}

fn inflict(world: &mut World, arguments: &Arguments<'_>, kind: FaultKind) -> anyhow::Result<()> {
    match arguments.endpoint(0)? {
        EndpointName::Node(node) => world.inflict(&Fault { node, kind }),
        other => bail!("{other} is no node: write node/NAME"),
    }
}
