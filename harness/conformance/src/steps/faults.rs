//! Steps that break nodes and links, and mend them.

use super::{Arguments, Step};
use crate::driver::{Fault, FaultKind};
use crate::world::World;
use anyhow::{Context as _, bail};
use manifest::EndpointName;
use std::num::NonZeroU32;

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
        expression: "the link of {endpoint} goes down",
        meaning: "The link of a pod to its node goes down: what is sent over it is lost.",
        example: "When the link of shop/web goes down",
        run: goes_down,
    },
    Step {
        expression: "the link of {endpoint} comes up",
        meaning: "The link of a pod comes up again.",
        example: "When the link of shop/web comes up",
        run: comes_up,
    },
    Step {
        expression: "the link of {endpoint} loses every {number}(st)(nd)(rd)(th) packet",
        meaning: "The link of a node to other nodes and the outside loses packets from now on: of those to the node every \
                  so manieth, and of those from it.",
        example: "When the link of node/n2 loses every 3rd packet",
        run: loses,
    },
    Step {
        expression: "the link of {endpoint} is whole again",
        meaning: "The link of a node loses nothing any more.",
        example: "When the link of node/n2 is whole again",
        run: is_whole,
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
    inflict_on_node(world, arguments, FaultKind::LinkDown)
}

fn joined(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_node(world, arguments, FaultKind::LinkUp)
}

fn goes_down(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_pod(world, arguments, FaultKind::LinkDown)
}

fn comes_up(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_pod(world, arguments, FaultKind::LinkUp)
}

fn loses(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let every = u32::try_from(arguments.number(1)?).ok();
    let every = every.and_then(NonZeroU32::new);
    let every = every.context("a link loses every 1st, 2nd, 3rd … packet")?;
    inflict_on_node(world, arguments, FaultKind::LinkLoses(every))
}

fn is_whole(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_node(world, arguments, FaultKind::LinkWhole)
}

fn agent_stops(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_node(world, arguments, FaultKind::AgentStops)
}

fn agent_starts(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    inflict_on_node(world, arguments, FaultKind::AgentStarts)
}

fn inflict_on_node(
    world: &mut World,
    arguments: &Arguments<'_>,
    kind: FaultKind,
) -> anyhow::Result<()> {
    match arguments.endpoint(0)? {
        at @ EndpointName::Node(_) => world.inflict(&Fault { at, kind }),
        other => bail!("{other} is no node: write node/NAME"),
    }
}

fn inflict_on_pod(
    world: &mut World,
    arguments: &Arguments<'_>,
    kind: FaultKind,
) -> anyhow::Result<()> {
    match arguments.endpoint(0)? {
        at @ EndpointName::Pod(_) => world.inflict(&Fault { at, kind }),
        at @ EndpointName::Node(_) => bail!("a node is cut off: write `{at} is cut off`"),
        at @ (EndpointName::External(_) | EndpointName::Service(_)) => {
            bail!("{at} is no pod: write NAMESPACE/NAME")
        }
    }
}
