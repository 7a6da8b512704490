//! Looks on while a driver works, and writes down what it sees.

use crate::driver::{Driver, Reported, Sighting};
use anyhow::Context as _;
use flow::capture::CaptureWriter;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

/// What is to be written down, and where.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// A folder for captures, one file a scenario: every packet at every pod and outside host, with its verdict.
    pub captures: Option<PathBuf>,
}

/// Writes down what a driver reports.
pub struct Observer {
    capture: Option<Capture>,
}

/// A capture file under way.
struct Capture {
    path: PathBuf,
    writer: CaptureWriter<BufWriter<File>>,
}

impl Observer {
    /// Begins to look on. Files are named after `title`.
    ///
    /// # Errors
    /// When a file cannot be written, or the driver has nothing to capture.
    pub fn open(outputs: &Outputs, title: &str, driver: &mut dyn Driver) -> anyhow::Result<Self> {
        let capture = outputs.captures.as_ref().map(|folder| {
            driver.capture()?;
            Capture::create(folder, title)
        });
        Ok(Self {
            capture: capture.transpose()?,
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
        Ok(reported)
    }
}

impl Capture {
    fn create(folder: &Path, title: &str) -> anyhow::Result<Self> {
        let path = folder.join(format!("{}.pcapng", file_name(title)));
        let failed = || format!("writing {}", path.display());
        fs::create_dir_all(folder).with_context(failed)?;
        let file = File::create(&path).with_context(failed)?;
        let writer = CaptureWriter::new(BufWriter::new(file)).with_context(failed)?;
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
