//! How far long work is: a bar on a terminal, a line every tenth elsewhere, nothing for work that is done in a blink.

use crate::output::warn;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Work of fewer steps is over before anybody asks.
const WORTH_SHOWING: usize = 20_000;

/// Shown on standard error, so that it never mixes with results.
pub(crate) enum Progress {
    Hidden,
    Bar(ProgressBar),
    Lines { done: usize, total: usize },
}

impl Progress {
    /// Of so many steps.
    pub(crate) fn of(total: usize) -> Self {
        if total < WORTH_SHOWING {
            Self::Hidden
        } else if std::io::stderr().is_terminal() {
            Self::Bar(bar(total))
        } else {
            Self::Lines { done: 0, total }
        }
    }

    /// So many steps more are done.
    pub(crate) fn advance(&mut self, steps: usize) {
        match self {
            Self::Hidden => {}
            Self::Bar(bar) => bar.inc(steps as u64),
            Self::Lines { done, total } => {
                let before = *done * 10 / *total;
                *done += steps;
                if *done * 10 / *total > before {
                    warn(&format!("[{done}/{total}] connections tried\n"));
                }
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} connections, {eta} left");
    let bar = ProgressBar::new(total as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
