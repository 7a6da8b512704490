//! What a flood of denied packets does to memory and to what is allowed.

use crate::node::Node;
use crate::report::{Figure, Unit, count};
use crate::resources::resident;
use crate::traffic::{Connections, Flood};
use crate::{LOG_ALL, every_event, sink};
use anyhow::{Context as _, ensure};
use flow::log::Settings;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long it is.
const LENGTH: Duration = Duration::from_secs(2);
/// Connections after which it is asked whether the flood is over.
const SOME: u32 = 10;

pub(crate) fn round() -> anyhow::Result<Vec<Figure>> {
    let mut node = Node::new(LOG_ALL, &every_event())?;
    let (mut sink, _folder) = sink(Settings::default())?;
    let mut flood = Flood::new(&node.enter("web")?)?;
    let connections = Connections::new(node.enter("app")?, &node.enter("db")?)?;
    let before = resident()?;
    let mut most = before;
    let is_over = AtomicBool::new(false);
    let started = Instant::now();
    let made = thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            let sent = send(&mut flood, started);
            is_over.store(true, Ordering::Relaxed);
            sent
        });
        let connecting = scope.spawn(|| {
            let mut made = 0;
            while !is_over.load(Ordering::Relaxed) {
                connections.make(SOME)?;
                made += SOME;
            }
            anyhow::Ok(made)
        });
        while !flooding.is_finished() {
            node.wait_for_events()?;
            sink.read(&mut node);
            most = most.max(resident()?);
        }
        flooding.join().ok().context("the flood panicked")??;
        connecting.join().ok().context("the client panicked")?
    })?;
    let drops = node.agent.drops()?;
    let denied: u64 = drops.values().sum();
    ensure!(drops.len() == 1 && denied == flood.sent, "{drops:?}");
    let seconds = started.elapsed().as_secs_f64();
    let rate = |what: &str, times: f64| {
        let what = format!("flood: {what}");
        Figure::new(what, Unit::PerSecond, times / seconds)
    };
    Ok(vec![
        rate("packets denied", count(denied)).with_goal(100_000.0),
        rate("events read", count(sink.read)),
        rate("events lost, counted", count(node.agent.lost_events()?)),
        rate("connections beside it", f64::from(made)),
        Figure::new("flood: memory that it adds", Unit::Mebibytes, most - before),
        Figure::new("flood: memory in all", Unit::Mebibytes, most),
    ])
}

fn send(flood: &mut Flood, started: Instant) -> io::Result<()> {
    while started.elapsed() < LENGTH {
        flood.send_round()?;
    }
    Ok(())
}
