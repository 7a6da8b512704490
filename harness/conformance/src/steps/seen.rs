//! Steps about whom the other end sees.

use super::{Arguments, Step};
use crate::driver::Arrival;
use crate::evidence;
use crate::target;
use crate::world::World;
use anyhow::{bail, ensure};
use manifest::{Addresses, EndpointName};
use std::net::IpAddr;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[Step {
    expression: "{endpoint} sees it from {endpoint}",
    meaning: "The connections or packets of the step before reach this outside host with an address of that end: the \
              pod's own, or its node's where pods are masqueraded.",
    example: "Then external/internet sees it from node/n1",
    run: sees,
}];

fn sees(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let (at, from) = (arguments.endpoint(0)?, arguments.endpoint(1)?);
    ensure!(
        matches!(at, EndpointName::External(_)),
        "{at} is no outside host, and only those may see others than the sender: write external/NAME"
    );
    let expected = target::addresses(&world.cluster, &from)?;
    if world.traffic.sent.is_empty() {
        connections(world, &at, expected)
    } else {
        packets(world, &at, expected)
    }
}

fn connections(world: &World, at: &EndpointName, expected: Addresses) -> anyhow::Result<()> {
    let there = world.last().iter().filter(|(probe, _)| probe.to == *at);
    let seen: Vec<_> = there
        .map(|(probe, outcome)| (evidence::name(probe), outcome.seen_from))
        .collect();
    hold(world, at, expected, &seen)
}

fn packets(world: &World, at: &EndpointName, expected: Addresses) -> anyhow::Result<()> {
    let seen = world.sent()?.iter().flat_map(|sent| {
        let there = |arrival: &&Arrival| arrival.at == *at;
        let arrivals = sent.fate.arrivals.iter().filter(there);
        arrivals.map(|arrival| (sent.outgoing.text.clone(), arrival.source))
    });
    let seen: Vec<_> = seen.collect();
    hold(world, at, expected, &seen)
}

/// Fails with everything that is seen from elsewhere. Two drivers were compared with each other already.
fn hold(
    world: &World,
    at: &EndpointName,
    expected: Addresses,
    seen: &[(String, Option<IpAddr>)],
) -> anyhow::Result<()> {
    ensure!(!seen.is_empty(), "nothing has reached {at}");
    if world.session.kinds().against.is_some() {
        return Ok(());
    }
    let is_wrong = |seen: &Option<IpAddr>| !seen.is_some_and(|from| expected.contains(from));
    let wrong = seen.iter().filter(|(_, from)| is_wrong(from));
    let wrong: Vec<String> = wrong
        .map(|(what, from)| {
            let from = from.map_or("nobody".to_owned(), |from| from.to_string());
            format!("  {what}: seen from {from}")
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let expected: Vec<String> = expected.iter().map(|address| address.to_string()).collect();
    bail!(
        "expected at {at}: seen from {} ({} driver):\n{}",
        expected.join(" or "),
        world.session.kinds().driver,
        wrong.join("\n")
    )
}
