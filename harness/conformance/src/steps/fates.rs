//! Steps about what became of the packets of the step before.

use super::{Arguments, Step};
use crate::traffic::{EVENTS, network_of};
use crate::world::World;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "it arrives",
        meaning: "Each packet of the step before arrives once, at the end it was sent to.",
        example: "Then it arrives",
        run: arrives,
    },
    Step {
        expression: "nothing arrives",
        meaning: "No packet of the step before arrives anywhere.",
        example: "Then nothing arrives",
        run: nothing_arrives,
    },
    Step {
        expression: "{number} packet(s) arrive(s) at {endpoint}",
        meaning: "So many packets arrive there after the step before, answers of the gateway included.",
        example: "Then 3 packets arrive at shop/db",
        run: arrive_at,
    },
    Step {
        expression: "it is dropped: {reason}",
        meaning: "Each packet of the step before is dropped with this reason, its event says so, and it arrives nowhere.",
        example: "Then it is dropped: spoofed_source",
        run: is_dropped,
    },
    Step {
        expression: "{number} packet(s) is/are dropped: {reason}",
        meaning: "So many packets of the step before are dropped with this reason.",
        example: "Then 2 packets are dropped: fragment_without_first",
        run: are_dropped,
    },
    Step {
        expression: "it is lost",
        meaning: "No packet of the step before arrives anywhere, and nobody has dropped it: links lost it.",
        example: "Then it is lost",
        run: is_lost,
    },
    Step {
        expression: "{number} packet(s) is/are lost",
        meaning: "So many packets of the step before arrive nowhere, and nobody has dropped them.",
        example: "Then 2 packets are lost",
        run: are_lost,
    },
    Step {
        expression: "no event is written",
        meaning: "The datapath has nothing to say about the packets of the step before.",
        example: "Then no event is written",
        run: no_event,
    },
    Step {
        expression: "{number} event(s) is/are written",
        meaning: "The datapath writes so many events about the packets of the step before.",
        example: "Then 1 event is written",
        run: events,
    },
    Step {
        expression: "{number} packet(s) is/are counted as {reason}",
        meaning: "The counter of this reason has grown by so many with the step before.",
        example: "Then 1 packet is counted as malformed",
        run: counted,
    },
];

fn arrives(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_each("it arrives", |sent| sent.has_arrived(&world.cluster))
}

fn nothing_arrives(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_each("it arrives nowhere", |sent| sent.fate.arrivals.is_empty())
}

fn arrive_at(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let end = network_of(&world.cluster, &arguments.endpoint(1)?);
    let arrivals = world.sent()?.iter().flat_map(|sent| &sent.fate.arrivals);
    let seen = arrivals.filter(|arrival| arrival.at == end).count();
    let what = format!("packets at {end}");
    world.expect_count(&what, arguments.number(0)?, seen as u64)
}

fn is_dropped(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let reason = arguments.reason(0)?;
    world.expect_each(&format!("it is dropped: {reason}"), |sent| {
        sent.fate.reason() == Some(reason) && sent.fate.arrivals.is_empty()
    })
}

fn are_dropped(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let reason = arguments.reason(1)?;
    let sent = world.sent()?.iter();
    let seen = sent
        .filter(|sent| sent.fate.reason() == Some(reason))
        .count();
    let what = format!("packets dropped: {reason}");
    world.expect_count(&what, arguments.number(0)?, seen as u64)
}

fn is_lost(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    world.expect_each("it is lost", |sent| sent.fate.is_lost())
}

fn are_lost(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let sent = world.sent()?.iter();
    let seen = sent.filter(|sent| sent.fate.is_lost()).count();
    world.expect_count("packets lost", arguments.number(0)?, seen as u64)
}

fn no_event(world: &mut World, _: &Arguments<'_>) -> anyhow::Result<()> {
    count_events(world, 0)
}

fn events(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    count_events(world, arguments.number(0)?)
}

fn count_events(world: &World, expected: u64) -> anyhow::Result<()> {
    let events = world.sent()?.iter().flat_map(|sent| &sent.fate.events);
    let seen = events.count();
    // Who counts nothing writes no events either.
    world.traffic.drops.as_ref().ok_or(EVENTS)?;
    world.expect_count("events", expected, seen as u64)
}

fn counted(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let reason = arguments.reason(1)?;
    let drops = world.traffic.drops.as_ref().ok_or(EVENTS)?;
    let seen = drops.get(&reason).copied().unwrap_or(0);
    let what = format!("packets counted as {reason}");
    world.expect_count(&what, arguments.number(0)?, seen)
}
