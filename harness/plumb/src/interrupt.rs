//! Ctrl-C: labs are held by descriptors and go with the process, so leaving at once leaves nothing behind.

use crate::exit::Exit;
use conformance::Interrupt;
use nix::sys::signal::{SigSet, Signal};

/// From now on SIGINT ends the program with [`Exit::Interrupted`]. A `run` that can stop in order is asked to at the
/// first signal and left at the second. Called before any other thread starts: threads inherit the mask that
/// leaves the signal to the one that waits for it.
pub(crate) fn watch(run: Option<Interrupt>) -> nix::Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    std::thread::spawn(move || {
        if let Some(run) = run
            && signals.wait().is_ok()
        {
            run.raise();
        }
        if signals.wait().is_ok() {
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    Ok(())
}
