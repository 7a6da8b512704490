//! Golden files: what was logged or reported once, and must be again.
//!
//! A file holds JSON objects in an array, sorted, a field a line. What differs from run to run is written as `"*"`:
//! times, identities, and the source port, which a probe takes from the kernel.

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use similar::TextDiff;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process;
use std::thread;

/// Stands for whatever is there.
const ANYTHING: &str = "*";

/// What is masked, of records (JSON pointers, RFC 6901).
const OF_RECORDS: [&str; 2] = ["/timestamp", "/connection/src_port"];
/// The same of flows.
const OF_FLOWS: [&str; 7] = [
    "/time",
    "/flow/time",
    "/flow/source/identity",
    "/flow/destination/identity",
    "/flow/l4/TCP/source_port",
    "/flow/l4/UDP/source_port",
    "/flow/l4/SCTP/source_port",
];

/// A golden file.
pub(crate) struct Golden {
    /// As the user finds it.
    pub(crate) path: PathBuf,
    /// Whether it is written from what is seen.
    pub(crate) bless: bool,
}

impl Golden {
    /// Holds what was seen against the file, or writes the file.
    ///
    /// # Errors
    /// With the lines that differ; when the file cannot be read or written.
    pub(crate) fn hold(&self, seen: &str) -> anyhow::Result<()> {
        let file = self.path.display();
        let held = match fs::read_to_string(&self.path) {
            Ok(held) => held,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                ensure!(
                    self.bless,
                    "there is no {file}: `plumb test --bless` writes it from what is seen"
                );
                String::new()
            }
            Err(error) => return Err(error).with_context(|| format!("reading {file}")),
        };
        if held == seen {
            return Ok(());
        }
        let diff = TextDiff::from_lines(held.as_str(), seen);
        let diff = diff.unified_diff().context_radius(4).to_string();
        if !self.bless {
            bail!(
                "it is not as in {file} (- there, + seen):\n{}\n`plumb test --bless` writes what is seen",
                diff.trim_end()
            );
        }
        anstream::eprintln!("{file} changes (- before, + now):\n{}", diff.trim_end());
        self.write(seen).with_context(|| format!("writing {file}"))
    }

    /// Holds what one driver saw against what another did.
    ///
    /// # Errors
    /// With the lines that differ.
    pub(crate) fn same(other: &str, seen: &str) -> anyhow::Result<()> {
        if other == seen {
            return Ok(());
        }
        let diff = TextDiff::from_lines(other, seen);
        let diff = diff.unified_diff().context_radius(4).to_string();
        bail!(
            "the drivers part (- the second, + the first):\n{}",
            diff.trim_end()
        )
    }

    /// Whole or not at all, also when several scenarios write at once.
    fn write(&self, text: &str) -> anyhow::Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let own = format!("{}-{:?}", process::id(), thread::current().id());
        let draft = self.path.with_extension(own);
        fs::write(&draft, text)?;
        Ok(fs::rename(&draft, &self.path)?)
    }
}

/// Records of the policy log as they stand in a golden file.
pub(crate) fn records(seen: &[Value]) -> String {
    text(seen, &OF_RECORDS)
}

/// Flows as they stand in a golden file.
pub(crate) fn flows(seen: &[Value]) -> String {
    text(seen, &OF_FLOWS)
}

fn text(seen: &[Value], masked: &[&str]) -> String {
    let mut objects: Vec<Value> = seen.iter().map(|object| mask(object, masked)).collect();
    objects.sort_by_cached_key(Value::to_string);
    format!("{:#}\n", Value::Array(objects))
}

fn mask(object: &Value, masked: &[&str]) -> Value {
    let mut object = object.clone();
    for pointer in masked {
        let Some((parent, field)) = pointer.rsplit_once('/') else {
            continue;
        };
        let parent = object.pointer_mut(parent).and_then(Value::as_object_mut);
        let Some(parent) = parent else { continue };
        if let Some(value) = parent.get_mut(field) {
            *value = ANYTHING.into();
        } else if field == "identity" {
            // Who knows no identities writes none.
            parent.shift_insert(0, field.to_owned(), ANYTHING.into());
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_from_run_to_run_is_masked_and_order_is_not_kept() {
        let record = |port: u16, time: &str| json!({"connection": {"src_port": port, "dest_port": 80}, "timestamp": time});
        let other = json!({"connection": {"dest_port": 79}, "timestamp": "2026-01-01"});
        let one = records(&[record(1, "2026-01-02"), other.clone()]);
        let two = records(&[other, record(2, "2026-01-03")]);
        assert_eq!(one, two);
        assert!(
            one.contains("\"src_port\": \"*\"") && one.contains("\"dest_port\": 80"),
            "{one}"
        );
        assert_eq!(one.matches("src_port").count(), 1, "{one}");
    }

    #[test]
    fn a_file_is_written_when_it_is_blessed_and_holds_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("golden/log.json");
        let golden = |bless| Golden {
            path: path.clone(),
            bless,
        };
        let missing = golden(false).hold("[]\n").unwrap_err().to_string();
        assert!(missing.contains("--bless"), "{missing}");
        golden(true).hold("[]\n").unwrap();
        golden(false).hold("[]\n").unwrap();
        let differs = golden(false).hold("[1]\n").unwrap_err().to_string();
        assert!(differs.contains("-[]\n+[1]\n"), "{differs}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "[]\n");
        golden(true).hold("[1]\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1]\n");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
