//! A file of results for the repository.

use serde_json::{Value, json};
use std::fs;
use std::path::Path;

pub(crate) fn write(path: &Path, rounds: u16, results: &[Value]) -> anyhow::Result<()> {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let record = json!({
        "kernel": kernel.trim(),
        "processors": std::thread::available_parallelism()?.get(),
        "rounds": rounds,
        "results": results,
    });
    fs::write(path, format!("{record:#}\n"))?;
    Ok(())
}
