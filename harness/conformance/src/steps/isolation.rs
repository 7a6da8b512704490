//! Steps about isolation: whether any policy applies to a pod in a direction.

use super::{Arguments, Step};
use crate::judge::{Direction, Expectation, ExpectedSide};
use crate::target::{self, Service, Way};
use crate::world::World;
use anyhow::ensure;
use manifest::EndpointName;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{object} is isolated for {side}",
        meaning: "Some policy isolates the pod in that direction. Asked with echoes from (or to) everybody else.",
        example: "Then shop/db is isolated for ingress",
        run: is_isolated,
    },
    Step {
        expression: "{object} is not isolated for {side}",
        meaning: "No policy isolates the pod in that direction.",
        example: "Then shop/db is not isolated for egress",
        run: is_not_isolated,
    },
];

fn is_isolated(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    isolation(world, arguments, &ExpectedSide::Isolated)
}

fn is_not_isolated(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    isolation(world, arguments, &ExpectedSide::NotIsolated)
}

fn isolation(
    world: &mut World,
    arguments: &Arguments<'_>,
    side: &ExpectedSide,
) -> anyhow::Result<()> {
    let pod = EndpointName::Pod(arguments.object(0)?);
    let direction = arguments.direction(1);
    target::addresses(&world.cluster, &pod)?;
    let mut expectations = Vec::new();
    for other in target::endpoints(&world.cluster) {
        let (from, to) = match direction {
            Direction::Egress => (&pod, &other),
            Direction::Ingress => (&other, &pod),
        };
        if target::is_governed(&world.cluster, from, to) {
            let probes =
                target::shared_probes(&world.cluster, from, to, Service::ECHO, Way::Every)?;
            let sides = probes.into_iter();
            expectations
                .extend(sides.map(|probe| Expectation::side(probe, direction, side.clone())));
        }
    }
    world.expect(&expectations)?;
    ensure!(
        world.was_asked(direction),
        "nothing can tell: the egress of every other end had denied already"
    );
    Ok(())
}
