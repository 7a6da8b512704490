//! One sample: what half a second of traffic achieves, and the CPU time that it takes.

use crate::traffic::Traffic;
use crate::way::Way;
use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};
use std::thread;
use std::time::Duration;

/// How often the events of the programs are read meanwhile.
const READING: Duration = Duration::from_millis(20);

/// What traffic achieved.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sample {
    /// Operations a second; bits a second of streams.
    pub(crate) rate: f64,
    /// CPU time of one operation (of one bit), in seconds.
    pub(crate) cpu: f64,
}

/// Sends the traffic over this way.
pub(crate) fn sample(way: &mut Way, traffic: Traffic) -> anyhow::Result<Sample> {
    let ends = way.ends()?;
    let before = cpu_time()?;
    let work = thread::spawn(move || traffic.send(&ends));
    while !work.is_finished() {
        way.read_events();
        thread::park_timeout(READING);
    }
    let achieved = work.join().ok().context("the traffic panicked")??;
    let cpu = cpu_time()?.saturating_sub(before);
    way.check()?;
    Ok(Sample {
        rate: achieved.operations / achieved.elapsed.as_secs_f64(),
        cpu: cpu.as_secs_f64() / achieved.operations,
    })
}

/// What this process has used.
fn cpu_time() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}
