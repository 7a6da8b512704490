//! What a run comes to.

use crate::driver::OpenError;
use std::path::PathBuf;
use std::time::Duration;

/// The counts of a run.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Scenarios whose every step held.
    pub passed: usize,
    /// Scenarios with a step that did not hold.
    pub failed: usize,
    /// Scenarios that were chosen and not judged: stopped by `fail_fast` or by an interrupt, or with a step that the
    /// driver cannot judge.
    pub skipped: usize,
    /// Scenarios that the filter left out.
    pub filtered: usize,
    /// How long the run took.
    pub elapsed: Duration,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

impl Summary {
    /// The exit code of the command: 0 passed, 1 failures, 4 nothing ran, 130 interrupted.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        if self.interrupted {
            130
        } else if self.failed > 0 {
            1
        } else if self.passed == 0 {
            4
        } else {
            0
        }
    }
}

/// A run that could not start, or whose reports could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Files that cannot be read or are no scenarios: each message names file and line.
    #[error("{}", .0.join("\n"))]
    Input(Vec<String>),
    /// The machine cannot run the driver.
    #[error(transparent)]
    Driver(#[from] OpenError),
    /// A report cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Report {
        /// Where it should have gone.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

impl RunError {
    /// The exit code of the command: 2 bad input, 3 the machine cannot run it.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Report { .. } => 2,
            Self::Driver(_) => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_tells_the_outcomes_apart() {
        let summary = |passed, failed, interrupted| Summary {
            passed,
            failed,
            interrupted,
            ..Summary::default()
        };
        assert_eq!(summary(1, 0, false).exit_code(), 0);
        assert_eq!(summary(1, 1, false).exit_code(), 1);
        assert_eq!(summary(0, 0, false).exit_code(), 4);
        assert_eq!(summary(1, 1, true).exit_code(), 130);
    }
}
