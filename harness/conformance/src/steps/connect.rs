//! Steps about one connection: whether it works, and who decided.

use super::{Arguments, Step};
use crate::judge::{Expectation, Expected, ExpectedSide};
use crate::target::{self, Service, Way};
use crate::world::World;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "{endpoint} can connect to {endpoint} on {service}{way}",
        meaning: "It arrives and is answered, and no policy in audit mode would deny it.",
        example: "Then shop/web can connect to shop/db on TCP 5432",
        run: can_connect,
    },
    Step {
        expression: "{endpoint} cannot connect to {endpoint} on {service}{way}",
        meaning: "It is dropped by policy, and the drop's event proves it.",
        example: "Then shop/web cannot connect to shop/db on TCP 5432",
        run: cannot_connect,
    },
    Step {
        expression: "{endpoint} is refused by {endpoint} on {service}{way}",
        meaning: "It arrives and nobody listens: policy lets it through.",
        example: "Then shop/web is refused by shop/db on TCP 81 over IPv6",
        run: is_refused,
    },
    Step {
        expression: "{endpoint} gets no answer from {endpoint} on {service}{way}",
        meaning: "It is dropped in silence, and not by policy; the drop's event proves it.",
        example: "Then external/partner gets no answer from node/node-3 on TCP 30080",
        run: gets_no_answer,
    },
    Step {
        expression: "{endpoint} is audited connecting to {endpoint} on {service}{way}",
        meaning: "It arrives and is answered, and policies in audit mode would deny it.",
        example: "Then shop/web is audited connecting to shop/db on TCP 5432",
        run: is_audited,
    },
    Step {
        expression: "{endpoint} can ping {endpoint}{way}",
        meaning: "An ICMP echo is answered.",
        example: "Then shop/web can ping shop/db",
        run: can_ping,
    },
    Step {
        expression: "{endpoint} cannot ping {endpoint}{way}",
        meaning: "An ICMP echo is dropped by policy.",
        example: "Then shop/web cannot ping shop/db",
        run: cannot_ping,
    },
    Step {
        expression: "it is denied at {side} by {policies}",
        meaning: "Of the connections of the step before: exactly these policies isolate that side, and none of their rules matches; or the rule of this one policy of a tier denies it.",
        example: "And it is denied at ingress by shop/default-deny",
        run: denied_by,
    },
    Step {
        expression: "it is allowed at {side} by {policies}",
        meaning: "Of the connections of the step before: exactly these policies have a rule that matches.",
        example: "And it is allowed at egress by shop/allow-dns, shop/allow-web",
        run: allowed_by,
    },
    Step {
        expression: "it is audited at {side} by {policies}",
        meaning: "Of the connections of the step before: it is let through, and exactly these policies would deny it if they were not in audit mode.",
        example: "And it is audited at ingress by shop/default-deny",
        run: audited_by,
    },
    Step {
        expression: "no policy decides at {side}",
        meaning: "Of the connections of the step before: no policy isolates that side for them.",
        example: "And no policy decides at egress",
        run: no_policy_decides,
    },
];

fn can_connect(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    connect(world, arguments, Expected::Allowed)
}

fn cannot_connect(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    connect(world, arguments, Expected::Denied)
}

fn is_refused(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    connect(world, arguments, Expected::Refused)
}

fn gets_no_answer(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    connect(world, arguments, Expected::Dropped)
}

fn is_audited(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    connect(world, arguments, Expected::Audited)
}

fn can_ping(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    attempt(
        world,
        arguments,
        Service::ECHO,
        arguments.way(2)?,
        Expected::Allowed,
    )
}

fn cannot_ping(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    attempt(
        world,
        arguments,
        Service::ECHO,
        arguments.way(2)?,
        Expected::Denied,
    )
}

fn connect(world: &mut World, arguments: &Arguments<'_>, expected: Expected) -> anyhow::Result<()> {
    attempt(
        world,
        arguments,
        arguments.service(2)?,
        arguments.way(3)?,
        expected,
    )
}

fn attempt(
    world: &mut World,
    arguments: &Arguments<'_>,
    service: Service,
    way: Way,
    expected: Expected,
) -> anyhow::Result<()> {
    let (from, to) = (arguments.endpoint(0)?, arguments.endpoint(1)?);
    let probes = target::probes(&world.cluster, &from, &to, service, way)?;
    let expectations = probes.into_iter();
    let expectations = expectations.map(|probe| Expectation::verdict(probe, expected));
    world.expect(&expectations.collect::<Vec<_>>())
}

fn denied_by(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    decided(
        world,
        arguments,
        &ExpectedSide::DeniedBy(arguments.policies(1)?),
    )
}

fn allowed_by(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    decided(
        world,
        arguments,
        &ExpectedSide::AllowedBy(arguments.policies(1)?),
    )
}

fn audited_by(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let side = ExpectedSide::AuditedBy(arguments.policies(1)?);
    decided(world, arguments, &side)
}

fn no_policy_decides(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    decided(world, arguments, &ExpectedSide::NotIsolated)
}

fn decided(
    world: &mut World,
    arguments: &Arguments<'_>,
    side: &ExpectedSide,
) -> anyhow::Result<()> {
    world.expect_of_last(arguments.direction(0), side)
}
