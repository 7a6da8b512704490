//! What this process has used, and what time it is.

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::time::Duration;

/// CPU time of all threads.
pub(crate) fn of_process() -> anyhow::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID)?.into())
}

/// The CPU time in nanoseconds that each of `count` operations takes, of all threads.
pub(crate) fn each(count: u16, all: impl FnOnce()) -> anyhow::Result<f64> {
    let before = of_process()?;
    all();
    let took = of_process()?.saturating_sub(before);
    Ok(took.as_secs_f64() * 1e9 / f64::from(count))
}

/// The clock of events, nanoseconds.
pub(crate) fn monotonic() -> anyhow::Result<u64> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    Ok(u64::try_from(now.as_nanos())?)
}

/// Memory that is resident, in MiB.
pub(crate) fn resident() -> anyhow::Result<f64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).context("no second field")?;
    let page = sysconf(SysconfVar::PAGE_SIZE)?.context("no page size")?;
    let mebibyte = f64::from(1 << 20);
    Ok(pages.parse::<f64>()? * f64::from(u32::try_from(page)?) / mebibyte)
}
