//! Looks on while a driver works, and writes down what it sees.

use crate::driver::{Driver, Reported, Sighting};
use anyhow::Context as _;
use flow::capture::CaptureWriter;
use flow::hubble::Line;
use flow::log::{FileSettings, LogFile, PolicyLog, Settings};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is to be written down, and where.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// A folder for captures, one file a scenario: every packet at every pod and outside host, with its verdict.
    pub captures: Option<PathBuf>,
    /// A folder for flows, one file a scenario, one JSON object a line in the shape of Hubble.
    pub flows: Option<PathBuf>,
    /// A folder for policy logs, each in a folder of its own named after its scenario.
    pub policy_logs: Option<PathBuf>,
}

/// Writes down what a driver reports.
pub struct Observer {
    capture: Option<Capture>,
    flows: Option<FlowFile>,
    policy_log: Option<PolicyLogFile>,
}

/// A file of flows under way.
struct FlowFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

/// A policy log under way.
struct PolicyLogFile {
    log: PolicyLog,
    file: LogFile,
}

/// A capture file under way.
struct Capture {
    path: PathBuf,
    writer: CaptureWriter<BufWriter<File>>,
}

impl Outputs {
    /// Whether anything is to be written down.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.captures.is_some() || self.flows.is_some() || self.policy_logs.is_some()
    }
}

impl Observer {
    /// Begins to look on. Files are named after `title`.
    ///
    /// # Errors
    /// When a file cannot be written, or the driver has nothing to capture.
    pub fn open(outputs: &Outputs, title: &str, driver: &mut dyn Driver) -> anyhow::Result<Self> {
        if outputs.is_any() {
            driver.keep_reports()?;
        }
        let capture = outputs.captures.as_ref().map(|folder| {
            driver.capture()?;
            Capture::create(folder, title)
        });
        let flows = outputs.flows.as_ref();
        let flows = flows.map(|folder| FlowFile::create(folder, title));
        let policy_log = outputs.policy_logs.as_ref();
        let policy_log = policy_log.map(|folder| PolicyLogFile::create(folder, title));
        Ok(Self {
            capture: capture.transpose()?,
            flows: flows.transpose()?,
            policy_log: policy_log.transpose()?,
        })
    }

    /// Takes what was reported since the last time, oldest first.
    ///
    /// # Errors
    /// When a file cannot be written, or the driver cannot be asked any more.
    pub fn observe(&mut self, driver: &mut dyn Driver) -> anyhow::Result<Reported> {
        let reported = driver.flows()?;
        if let Some(capture) = &mut self.capture {
            capture.write(driver, &reported.sightings)?;
        }
        if let Some(flows) = &mut self.flows {
            flows.write(&reported.sightings)?;
        }
        if let Some(policy_log) = &mut self.policy_log {
            policy_log.write(&reported);
        }
        Ok(reported)
    }
}

impl FlowFile {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let (path, file) = create(folder, title, "json")?;
        let writer = BufWriter::new(file);
        Ok(Self { path, writer })
    }

    fn write(&mut self, sightings: &[Sighting]) -> anyhow::Result<()> {
        let failed = || format!("writing {}", self.path.display());
        for sighting in sightings {
            let line = Line::of_flow((&sighting.flow).into());
            writeln!(self.writer, "{line}").with_context(failed)?;
        }
        self.writer.flush().with_context(failed)
    }
}

impl PolicyLogFile {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let folder = folder.join(file_name(title));
        let file = LogFile::open(&folder, FileSettings::default());
        Ok(Self {
            file: file.with_context(|| format!("writing {}", folder.display()))?,
            log: PolicyLog::new(Settings::default()),
        })
    }

    fn write(&mut self, reported: &Reported) {
        let mut records = Vec::new();
        for Sighting { flow, snapshot } in &reported.sightings {
            self.log.see(flow, snapshot, &mut records);
        }
        self.log.advance(reported.until, &mut records);
        for record in records {
            self.file.write(record);
        }
    }
}

/// At the end nobody waits for windows to close.
impl Drop for PolicyLogFile {
    fn drop(&mut self) {
        let mut records = Vec::new();
        self.log.finish(&mut records);
        for record in records {
            self.file.write(record);
        }
    }
}

impl Capture {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let (path, file) = create(folder, title, "pcapng")?;
        let writer = CaptureWriter::new(BufWriter::new(file));
        let writer = writer.with_context(|| format!("writing {}", path.display()))?;
        Ok(Self { path, writer })
    }

    fn write(&mut self, driver: &mut dyn Driver, sightings: &[Sighting]) -> anyhow::Result<()> {
        for packet in driver.captured(sightings)? {
            let written = self.writer.write(&packet);
            written.with_context(|| format!("writing {}", self.path.display()))?;
        }
        Ok(())
    }
}

/// A file in `folder`, named after `title`.
fn create(folder: &Path, title: &str, extension: &str) -> anyhow::Result<(PathBuf, File)> {
    let path = folder.join(format!("{}.{extension}", file_name(title)));
    let failed = || format!("writing {}", path.display());
    fs::create_dir_all(folder).with_context(failed)?;
    let file = File::create(&path).with_context(failed)?;
    Ok((path, file))
}

/// A title as the name of a file: letters and digits, with `-` for whatever is between them.
fn file_name(title: &str) -> String {
    let words = title.split(|sign: char| !sign.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_become_names_of_files() {
        let title = "features/ports/named.feature::A new pod: port 80 (IPv4)";
        assert_eq!(
            file_name(title),
            "features-ports-named-feature-A-new-pod-port-80-IPv4"
        );
    }
}
