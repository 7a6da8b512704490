//! What logging takes from connections: connect, one byte there and one back, close.

use crate::node::Node;
use crate::report::{Figure, Unit};
use crate::resources::{monotonic, of_process};
use crate::sink::Sink;
use crate::traffic::Connections;
use crate::{every_record, sink};
use agent::Config;
use anyhow::Context as _;
use flow::Clock;
use flow::log::Settings;
use jiff::Timestamp;
use std::thread;
use std::time::{Duration, Instant};

/// Connections of one slice.
const CONNECTIONS: u32 = 500;
/// Slices of a round: short ones of all ways in turn, so that a noisy moment hits all alike.
const SLICES: u32 = 20;
/// How often the events are read meanwhile.
const READING: Duration = Duration::from_millis(20);
/// What logging may add.
const GOAL: f64 = 1.03;

/// One way to log.
pub(crate) struct Way {
    what: &'static str,
    node: Node,
    connections: Connections,
    sink: Sink,
    /// What the log's clock shows between the slices: the time of other ways is none in which the limit recovers.
    now: Timestamp,
    _folder: tempfile::TempDir,
}

/// What the connections of a round take.
#[derive(Clone, Copy, Default)]
struct Sample {
    elapsed: Duration,
    /// Of all threads.
    cpu: Duration,
}

/// The ways that are compared, the one without logging first.
pub(crate) fn ways() -> anyhow::Result<Vec<Way>> {
    let delegated = "{allow: {log: true, delegate: true}}";
    let limited = Settings::default();
    let ways = [
        ("off", "{}", limited),
        // What differs here is noise.
        ("off once more", "{}", limited),
        ("on", "{allow: {log: true}}", limited),
        ("on, delegated", delegated, limited),
        (
            "on, a line for each",
            "{allow: {log: true}}",
            every_record(),
        ),
    ];
    let ways = ways.into_iter().map(|(what, logging, settings)| {
        let (sink, folder) = sink(settings)?;
        let node = Node::new(logging, &Config::default())?;
        Ok(Way {
            what,
            connections: Connections::new(node.enter("app")?, &node.enter("db")?)?,
            node,
            sink,
            now: Timestamp::UNIX_EPOCH,
            _folder: folder,
        })
    });
    ways.collect()
}

/// Every way in turn: its costs, of those without logging in the same round.
pub(crate) fn round(ways: &mut [Way]) -> anyhow::Result<Vec<Figure>> {
    let mut samples = vec![Sample::default(); ways.len()];
    let mut places: Vec<usize> = (0..ways.len()).collect();
    for _ in 0..SLICES {
        for place in &places {
            samples[*place].add(&mut ways[*place])?;
        }
        places.rotate_left(1);
    }
    let [elapsed, cpu] = samples[0].each();
    let mut figures = vec![
        Figure::new("connections: off", Unit::PerSecond, elapsed.recip()),
        Figure::new("connections: off, CPU", Unit::Microseconds, cpu * 1e6),
    ];
    for (way, sample) in ways.iter().zip(samples).skip(1) {
        let ratios = [sample.each()[0] / elapsed, sample.each()[1] / cpu];
        for (what, ratio) in ["time", "CPU"].into_iter().zip(ratios) {
            let what = format!("connections: {}, {what}", way.what);
            figures.push(Figure::new(what, Unit::Ratio, ratio).with_goal(GOAL));
        }
    }
    Ok(figures)
}

impl Sample {
    /// Adds a slice. The events are read and logged meanwhile; what that takes after the last connection counts as CPU
    /// time.
    fn add(&mut self, way: &mut Way) -> anyhow::Result<()> {
        let (node, sink, connections) = (&mut way.node, &mut way.sink, &way.connections);
        sink.clock = Clock::that_shows(way.now, monotonic()?);
        let before = of_process()?;
        self.elapsed += thread::scope(|scope| {
            let work = scope.spawn(|| make(connections));
            while !work.is_finished() {
                thread::park_timeout(READING);
                sink.read(node);
            }
            work.join().ok().context("the traffic panicked")?
        })?;
        sink.read(node);
        sink.file.flush();
        self.cpu += of_process()?.saturating_sub(before);
        way.now = sink.clock.at(monotonic()?);
        Ok(node.agent.forget_connections()?)
    }

    /// What one connection takes, elapsed and of the processors, seconds.
    fn each(&self) -> [f64; 2] {
        let connections = f64::from(CONNECTIONS * SLICES);
        [self.elapsed, self.cpu].map(|time| time.as_secs_f64() / connections)
    }
}

fn make(connections: &Connections) -> anyhow::Result<Duration> {
    let started = Instant::now();
    connections.make(CONNECTIONS)?;
    Ok(started.elapsed())
}
