//! The runner.

use crate::{Options, RunError, Summary};

/// Runs the scenarios that the options name and reports on the terminal and in the files they ask for.
///
/// # Errors
/// When a file is unreadable or malformed, the machine cannot run the driver, or a report cannot be written.
pub fn run(_options: &Options) -> Result<Summary, RunError> {
    todo!()
}
