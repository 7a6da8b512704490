//! Reports of a run: terminal, `JUnit`, JSON.

mod json;
mod junit;
mod terminal;

pub(crate) use terminal::Terminal;

use crate::scenario::{Report, Scenario};
use crate::{Options, RunError, Summary};
use std::fs;
use std::path::Path;

/// Writes the report files that the options ask for.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn write(
    options: &Options,
    scenarios: &[Scenario],
    reports: &[Option<Report>],
    summary: &Summary,
) -> Result<(), RunError> {
    if let Some(path) = &options.junit {
        put(path, &junit::render(scenarios, reports, summary))?;
    }
    if let Some(path) = &options.json {
        put(path, &json::render(scenarios, reports))?;
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<(), RunError> {
    fs::write(path, text).map_err(|source| RunError::Report {
        path: path.to_owned(),
        source,
    })
}
