//! How long it takes from a packet to its record in the file.

use crate::node::Node;
use crate::report::{Figure, Unit};
use crate::sink::Sink;
use crate::traffic::{Connections, Flood};
use crate::{LOG_ALL, every_event, every_record, sink};
use anyhow::Context as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// Packets, one after the other.
const PACKETS: usize = 500;

pub(crate) fn round() -> anyhow::Result<Vec<Figure>> {
    let mut node = Node::new(LOG_ALL, &every_event())?;
    let (mut sink, _folder) = sink(every_record())?;
    let mut flood = Flood::new(&node.enter("web")?)?;
    let connections = Connections::new(node.enter("app")?, &node.enter("db")?)?;
    let denied = delays(&mut node, &mut sink, move || Ok(flood.send(80..81)?))?;
    let allowed = delays(&mut node, &mut sink, move || connections.make(1))?;
    let figures = [("denial", denied), ("connection", allowed)].map(|(what, mut delays)| {
        delays.sort_by(f64::total_cmp);
        [("median", 50), ("p99", 99)].map(|(name, percent)| {
            let what = format!("delay: from a {what} to its line, {name}");
            Figure::new(what, Unit::Microseconds, delays[PACKETS * percent / 100])
        })
    });
    Ok(figures.into_iter().flatten().collect())
}

/// Microseconds from just before each packet until its line is in the file. A thread of its own sends, and the next
/// packet when the last one's line is there.
fn delays(
    node: &mut Node,
    sink: &mut Sink,
    send: impl FnMut() -> anyhow::Result<()> + Send,
) -> anyhow::Result<Vec<f64>> {
    let (go, asked) = sync_channel(1);
    let (tell, begun_at) = sync_channel(1);
    thread::scope(|scope| {
        let sending = scope.spawn(move || send_when_asked(send, &asked, &tell));
        let delays = (0..PACKETS).map(|_| {
            let before = sink.read;
            go.send(())?;
            while sink.read == before {
                node.wait_for_events()?;
                sink.read(node);
            }
            sink.file.flush();
            let written = Instant::now();
            let begun: Instant = begun_at.recv()?;
            Ok((written - begun).as_secs_f64() * 1e6)
        });
        let delays = delays.collect();
        drop(go);
        sending.join().ok().context("the sender panicked")??;
        delays
    })
}

fn send_when_asked(
    mut send: impl FnMut() -> anyhow::Result<()>,
    asked: &Receiver<()>,
    tell: &SyncSender<Instant>,
) -> anyhow::Result<()> {
    for () in asked {
        let begun = Instant::now();
        send()?;
        tell.send(begun)?;
    }
    Ok(())
}
