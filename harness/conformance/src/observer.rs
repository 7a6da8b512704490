//! Looks on while a driver works, and writes down what it sees.

use crate::driver::{Driver, NodeStatus, Reported};
use crate::node_metrics::NodeMetrics;
use crate::policy_logs::PolicyLogs;
use anyhow::Context as _;
use flow::capture::{CaptureWriter, Captured};
use flow::hubble::Line;
use flow::log::{FileCounters, FileSettings, LogFile};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is to be written down, and where.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// A folder for captures, one file a scenario: every packet at every pod and outside host, with its verdict.
    pub captures: Option<PathBuf>,
    /// A folder for flows, one file a scenario, one JSON object a line in the shape of Hubble.
    pub flows: Option<PathBuf>,
    /// A folder for policy logs, each in a folder of its own named after its scenario; records of all nodes are in one.
    pub policy_logs: Option<PathBuf>,
    /// A folder for metrics, a file for each node in a folder named after its scenario, as Prometheus reads them.
    pub metrics: Option<PathBuf>,
}

/// Writes down what a driver reports.
pub struct Observer {
    /// Whether packets are kept, for a file or for who asks.
    is_capturing: bool,
    capture: Option<Capture>,
    flows: Option<FlowFile>,
    policy_log: Option<PolicyLogFile>,
    metrics: Option<MetricsFolder>,
}

/// What a driver reported since the last time, and how its nodes are.
pub struct Observed {
    /// What was reported.
    pub reported: Reported,
    /// How the nodes are.
    pub status: Vec<NodeStatus>,
    /// The packets that were on links, if they are captured.
    pub captured: Vec<Captured>,
}

/// Files of metrics under way.
struct MetricsFolder {
    path: PathBuf,
    metrics: NodeMetrics,
    logs: PolicyLogs,
}

/// A file of flows under way.
struct FlowFile {
    path: PathBuf,
    writer: BufWriter<File>,
    /// Events that each node has lost so far.
    lost: BTreeMap<Arc<str>, u64>,
}

/// A policy log under way.
struct PolicyLogFile {
    logs: PolicyLogs,
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
        self.captures.is_some()
            || self.flows.is_some()
            || self.policy_logs.is_some()
            || self.metrics.is_some()
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
            is_capturing: outputs.captures.is_some(),
            capture: capture.transpose()?,
            flows: flows.transpose()?,
            policy_log: policy_log.transpose()?,
            metrics: outputs.metrics.as_ref().map(|folder| MetricsFolder {
                path: folder.join(file_name(title)),
                metrics: NodeMetrics::default(),
                logs: PolicyLogs::default(),
            }),
        })
    }

    /// From now on packets on links are among what is observed.
    ///
    /// # Errors
    /// When the driver has no links.
    pub(crate) fn capture(&mut self, driver: &mut dyn Driver) -> anyhow::Result<()> {
        self.is_capturing = true;
        driver.keep_reports()?;
        driver.capture()
    }

    /// Takes what was reported since the last time, oldest first.
    ///
    /// # Errors
    /// When a file cannot be written, or the driver cannot be asked any more.
    pub fn observe(&mut self, driver: &mut dyn Driver) -> anyhow::Result<Observed> {
        let mut observed = Observed {
            reported: driver.flows()?,
            status: driver.status()?,
            captured: Vec::new(),
        };
        if self.is_capturing {
            observed.captured = driver.captured(&observed.reported.sightings)?;
        }
        if let Some(capture) = &mut self.capture {
            capture.write(&observed.captured)?;
        }
        if let Some(flows) = &mut self.flows {
            flows.write(&observed)?;
        }
        if let Some(policy_log) = &mut self.policy_log {
            policy_log.write(&observed.reported);
        }
        if let Some(metrics) = &mut self.metrics {
            metrics.write(&observed)?;
        }
        Ok(observed)
    }
}

impl MetricsFolder {
    fn write(&mut self, observed: &Observed) -> anyhow::Result<()> {
        self.logs.see(&observed.reported);
        self.metrics.see(&observed.reported, &observed.status);
        self.metrics.set_logs(&self.logs, |log| FileCounters {
            written: log.counters().records,
            ..FileCounters::default()
        });
        let failed = || format!("writing {}", self.path.display());
        fs::create_dir_all(&self.path).with_context(failed)?;
        self.metrics.texts().try_for_each(|(node, text)| {
            let file = self.path.join(format!("{node}.prom"));
            fs::write(&file, text).with_context(|| format!("writing {}", file.display()))
        })
    }
}

impl FlowFile {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let (path, file) = create(folder, title, "json")?;
        Ok(Self {
            path,
            writer: BufWriter::new(file),
            lost: BTreeMap::new(),
        })
    }

    fn write(&mut self, observed: &Observed) -> anyhow::Result<()> {
        let failed = || format!("writing {}", self.path.display());
        for sighting in &observed.reported.sightings {
            let line = Line::of_flow((&sighting.flow).into());
            writeln!(self.writer, "{line}").with_context(failed)?;
        }
        for line in newly_lost(&mut self.lost, observed) {
            writeln!(self.writer, "{line}").with_context(failed)?;
        }
        self.writer.flush().with_context(failed)
    }
}

/// A line for each node that has lost events since the last time.
fn newly_lost(known: &mut BTreeMap<Arc<str>, u64>, observed: &Observed) -> Vec<Line> {
    let mut lines = Vec::new();
    for status in &observed.status {
        let before = known.insert(Arc::clone(&status.node), status.lost_events);
        let lost = status.lost_events.saturating_sub(before.unwrap_or(0));
        if lost > 0 {
            let until = observed.reported.until;
            lines.push(Line::of_lost_events(lost, &status.node, until));
        }
    }
    lines
}

impl PolicyLogFile {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let folder = folder.join(file_name(title));
        let file = LogFile::open(&folder, FileSettings::default());
        Ok(Self {
            file: file.with_context(|| format!("writing {}", folder.display()))?,
            logs: PolicyLogs::default(),
        })
    }

    fn write(&mut self, reported: &Reported) {
        for record in self.logs.see(reported) {
            self.file.write(record);
        }
    }
}

/// At the end nobody waits for windows to close.
impl Drop for PolicyLogFile {
    fn drop(&mut self) {
        for record in self.logs.finish() {
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

    fn write(&mut self, packets: &[Captured]) -> anyhow::Result<()> {
        for packet in packets {
            let written = self.writer.write(packet);
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
    use jiff::Timestamp;

    #[test]
    fn lost_events_are_told_once_and_by_node() {
        let mut known = BTreeMap::new();
        let mut told = |lost: [u64; 2]| {
            let nodes = ["n1", "n2"].into_iter().zip(lost);
            let status = nodes.map(|(node, lost_events)| NodeStatus {
                node: node.into(),
                tables: Vec::new(),
                lost_events,
                suppressed_events: 0,
                generation: 1,
                turns: Vec::new(),
            });
            let observed = Observed {
                captured: Vec::new(),
                status: status.collect(),
                reported: Reported {
                    sightings: Vec::new(),
                    until: Timestamp::UNIX_EPOCH,
                },
            };
            let lines = newly_lost(&mut known, &observed).into_iter();
            let lines = lines.map(|line| {
                let lost = line.lost_events.map(|lost| lost.num_events_lost);
                (line.node_name, lost.unwrap_or(0))
            });
            lines.collect::<Vec<_>>()
        };
        assert_eq!(told([0, 0]), []);
        assert_eq!(told([3, 0]), [("n1".to_owned(), 3)]);
        assert_eq!(told([3, 0]), []);
        assert_eq!(told([5, 1]), [("n1".to_owned(), 2), ("n2".to_owned(), 1)]);
    }

    #[test]
    fn titles_become_names_of_files() {
        let title = "features/ports/named.feature::A new pod: port 80 (IPv4)";
        assert_eq!(
            file_name(title),
            "features-ports-named-feature-A-new-pod-port-80-IPv4"
        );
    }
}
