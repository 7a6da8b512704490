//! How many events a second user space takes without loss.

use crate::node::Node;
use crate::report::{Figure, Unit, count};
use crate::traffic::Flood;
use crate::{LOG_ALL, every_event, every_record, sink};
use anyhow::Context as _;
use flow::log::Settings;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Denied packets a second, more and more.
const RATES: [u32; 9] = [
    10_000, 20_000, 40_000, 60_000, 80_000, 100_000, 150_000, 200_000, 300_000,
];
/// How long each rate is held.
const LENGTH: Duration = Duration::from_millis(250);
/// Packets that are sent at once.
const BATCH: u16 = 50;

pub(crate) fn round() -> anyhow::Result<Vec<Figure>> {
    let counted = without_loss(Settings::default())?;
    let written = without_loss(every_record())?;
    let figure = |what: &str, value| Figure::new(what, Unit::PerSecond, value);
    Ok(vec![
        figure("sustained: denials counted in windows", counted),
        figure("sustained: denials that are each a record", written),
    ])
}

/// The highest rate that is reached before the first one with a loss.
fn without_loss(settings: Settings) -> anyhow::Result<f64> {
    let mut highest = 0.0;
    for rate in RATES {
        let (reached, lost) = hold(settings, rate)?;
        if lost > 0 || reached < highest {
            break;
        }
        highest = reached;
    }
    Ok(highest)
}

/// The rate that was reached, and the events and records that were lost.
fn hold(settings: Settings, rate: u32) -> anyhow::Result<(f64, u64)> {
    let mut node = Node::new(LOG_ALL, &every_event())?;
    let (mut sink, _folder) = sink(settings)?;
    let mut flood = Flood::new(&node.enter("web")?)?;
    let sending = thread::spawn(move || send(&mut flood, rate));
    while !sending.is_finished() {
        node.wait_for_events()?;
        sink.read(&mut node);
    }
    let reached = sending.join().ok().context("the sender panicked")??;
    sink.read(&mut node);
    sink.file.flush();
    let lost = node.agent.lost_events()? + sink.file.counters().lost_to_queue;
    Ok((reached, lost))
}

fn send(flood: &mut Flood, rate: u32) -> io::Result<f64> {
    let started = Instant::now();
    while started.elapsed() < LENGTH {
        let due = started.elapsed().as_secs_f64() * f64::from(rate);
        if count(flood.sent) < due {
            flood.send(1_000..1_000 + BATCH)?;
        }
    }
    Ok(count(flood.sent) / started.elapsed().as_secs_f64())
}
