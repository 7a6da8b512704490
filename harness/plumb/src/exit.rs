//! How a command ends: the exit code, and the message that goes with a bad one.

use crate::style::{BAD, HELP};
use std::fmt;
use std::process::ExitCode;

/// The exit codes, the same for every command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// Everything is as it should be.
    Passed = 0,
    /// A check failed, two drivers differ, a probe was lost.
    Failed = 1,
    /// Wrong flags, or input that cannot be used.
    BadInput = 2,
    /// The machine lacks something: root, BPF, memory.
    CannotRun = 3,
    /// No scenario or connection was selected.
    NothingRan = 4,
    /// Stopped by the user.
    Interrupted = 130,
}

impl Exit {
    /// What the exit code of a run of scenarios stands for.
    pub(crate) const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Passed,
            2 => Self::BadInput,
            3 => Self::CannotRun,
            4 => Self::NothingRan,
            130 => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table of exit codes for help texts.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  passed
  1  failures, differences, or a probe that was lost
  2  bad usage or input
  3  this machine cannot run it: the message says what is missing
  4  nothing was selected, so nothing ran
  130  interrupted";

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// `None`: everything was said already, as diagnostics.
    error: Option<anyhow::Error>,
    help: Option<String>,
}

impl Failure {
    /// The command ends with `exit` because of `error`.
    pub(crate) fn new(exit: Exit, error: impl Into<anyhow::Error>) -> Self {
        Self {
            exit,
            error: Some(error.into()),
            help: None,
        }
    }

    /// The input is wrong, and the diagnostics that are printed already say how.
    pub(crate) const fn reported() -> Self {
        Self {
            exit: Exit::BadInput,
            error: None,
            help: None,
        }
    }

    /// The same, with what the user can do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The exit code.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }
}

/// Everything that is not said to be something else is wrong input.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Exit::BadInput, error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.error {
            writeln!(f, "{BAD}error:{BAD:#} {error:#}")?;
        }
        match &self.help {
            Some(help) => writeln!(f, "{HELP}help:{HELP:#} {help}"),
            None => Ok(()),
        }
    }
}
