//! Writing to standard output.

use crate::exit::{Exit, Failure};
use anyhow::Context;
use std::io::{self, BufWriter, ErrorKind, Write};

/// Lets `render` write to standard output. A reader that has gone (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written to, for example because a disk is full.
pub(crate) fn print(render: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::new(anstream::stdout().lock());
    match render(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result
            .context("cannot write to standard output")
            .map_err(|error| Failure::new(Exit::CannotRun, error)),
    }
}

/// Writes `text` to standard error; when nobody can read it, there is nobody to tell.
pub(crate) fn warn(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Columns to fill: the terminal's, `COLUMNS`, or enough for a log.
pub(crate) fn width() -> usize {
    let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into());
    let from_environment = || std::env::var("COLUMNS").ok()?.parse().ok();
    terminal.or_else(from_environment).unwrap_or(120)
}
