//! A policy log on a disk, for scenarios about its files.

use anyhow::Context as _;
use flow::log::{FileSettings, LogFile, Record};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A folder with a policy log in it, gone with the scenario.
pub(crate) struct LogFolder {
    file: LogFile,
    folder: TempDir,
}

impl LogFolder {
    /// Begins to write.
    pub(crate) fn open(settings: FileSettings) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for the policy log")?;
        Ok(Self {
            file: LogFile::open(folder.path(), settings).context("opening the policy log")?,
            folder,
        })
    }

    /// Writes records, and returns when they are written.
    pub(crate) fn write(&self, records: &[Record]) {
        for record in records {
            self.file.write(record.clone());
            // The queue has room for the next one again.
            self.file.flush();
        }
    }

    /// How many records are in each file, the one that is written first, then those put aside, the youngest first.
    ///
    /// # Errors
    /// When a file cannot be read, or a line of it is no record.
    pub(crate) fn records(&self) -> anyhow::Result<Vec<usize>> {
        let entries = fs::read_dir(self.folder.path())?;
        let mut files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        files.sort();
        files.iter().map(|file| count(file)).collect()
    }
}

fn count(file: &Path) -> anyhow::Result<usize> {
    let text = fs::read_to_string(file)?;
    for (number, line) in (1..).zip(text.lines()) {
        let read: Result<Record, _> = serde_json::from_str(line);
        read.with_context(|| format!("line {number} of {} is no record", file.display()))?;
    }
    Ok(text.lines().count())
}
