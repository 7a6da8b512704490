//! What events add to a packet in the programs: `BPF_PROG_TEST_RUN` with and without room for them.

use crate::node::{DB, Node, PODS};
use crate::report::{Figure, Unit};
use crate::{LOG_ALL, every_event};
use abi::{Event, Hook};
use agent::{Config, DropEvents};
use anyhow::{Context as _, ensure};
use bench::Spread;
use etherparse::PacketBuilder;
use lab::GATEWAY_MAC;
use std::num::NonZeroU32;

/// So few that the ring buffer has room for an event of each.
pub(crate) const FEW: u16 = 2_000;
/// More than it has room for.
const MANY: u32 = 20_000;
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;

/// A node that reports every denial, and one that reports none.
pub(crate) struct Kernel {
    reporting: Node,
    silent: Node,
}

impl Kernel {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let one = DropEvents {
            per_second: NonZeroU32::MIN,
            burst: 1,
        };
        let silent = Config {
            drop_events: Some(one),
            ..Config::default()
        };
        Ok(Self {
            reporting: Node::new(LOG_ALL, &every_event())?,
            silent: Node::new(LOG_ALL, &silent)?,
        })
    }

    pub(crate) fn round(&mut self, round: u16) -> anyhow::Result<Vec<Figure>> {
        let denied = frame(&self.reporting, "web", 40_000, 80)?;
        let silent = run(&mut self.silent, "web", &denied, FEW.into(), SHOT)?;
        let reported = run(&mut self.reporting, "web", &denied, FEW.into(), SHOT)?;
        take_events(&mut self.reporting);
        let connection = self.connections(round)?;
        run(&mut self.reporting, "web", &denied, MANY, SHOT)?;
        let unreported = self.connections(round)?;
        take_events(&mut self.reporting);
        let figure = |what: &str, value| Figure::new(what, Unit::Nanoseconds, value);
        Ok(vec![
            figure("kernel: denied, over the limit for floods", silent).with_goal(250.0),
            figure("kernel: denied, with its event", reported).with_goal(600.0),
            figure("kernel: new connection, no room for its event", unreported),
            figure("kernel: new connection, with its event", connection).with_goal(1500.0),
        ])
    }

    /// The first packet of a connection: each can be only once.
    fn connections(&mut self, round: u16) -> anyhow::Result<f64> {
        let node = &mut self.reporting;
        node.agent.forget_connections()?;
        let times = (0..501).map(|number| {
            let first = frame(node, "app", 2_000 + round * 600 + number, 5_432)?;
            run(node, "app", &first, 1, REDIRECT)
        });
        Ok(Spread::of(times.collect::<anyhow::Result<_>>()?).median)
    }
}

/// Events of denials to different ports, or of different connections, as many as there is room for.
pub(crate) fn events(node: &mut Node, from: &str) -> anyhow::Result<Vec<Event>> {
    for number in 0..FEW {
        let (source, port, action) = match from {
            "web" => (40_000, 1_000 + number, SHOT),
            _ => (10_000 + number, 5_432, REDIRECT),
        };
        let frame = frame(node, from, source, port)?;
        run(node, from, &frame, 1, action)?;
    }
    let events = take_events(node);
    ensure!(events.len() == usize::from(FEW), "{} events", events.len());
    node.agent.forget_connections()?;
    Ok(events)
}

fn take_events(node: &mut Node) -> Vec<Event> {
    let mut events = Vec::new();
    node.agent.events(|event| events.push(*event));
    events
}

/// The first segment of a pod's connection to `db`.
fn frame(node: &Node, from: &str, source: u16, port: u16) -> anyhow::Result<Vec<u8>> {
    let mac = node.lab.endpoint(from).context("no such pod")?.mac();
    let address = PODS.into_iter().find(|(name, _)| *name == from);
    let (_, address) = address.context("no such pod")?;
    let builder = PacketBuilder::ethernet2(mac, GATEWAY_MAC);
    let builder = builder.ipv4(address.octets(), DB.octets(), 64);
    let mut frame = Vec::new();
    let builder = builder.tcp(source, port, 1, 1024).syn();
    builder.write(&mut frame, &[0; 64])?;
    Ok(frame)
}

/// The mean time of a run, nanoseconds.
fn run(node: &mut Node, from: &str, frame: &[u8], times: u32, action: u32) -> anyhow::Result<f64> {
    let ifindex = node.lab.endpoint(from).context("no such pod")?.ifindex();
    let agent = &mut node.agent;
    let run = || agent.test_run(Hook::FromEndpoint, ifindex, frame, times);
    let result = node.lab.namespace().run(run)??;
    ensure!(result.action == action, "{from}: action {}", result.action);
    Ok(result.duration.as_secs_f64() * 1e9)
}
