//! The annotations that ask for records of the policy log, where `NetworkLogging` delegates.

use crate::report::Problem;
use std::collections::BTreeMap;

/// One of these annotations.
pub(crate) struct LogAnnotation {
    name: &'static str,
    /// The objects that it is for.
    of: &'static str,
}

/// Of a policy: log the connections that it allows.
pub(crate) const LOG_ALLOWED: LogAnnotation = LogAnnotation {
    name: "enable-logging",
    of: "policies",
};

/// Of a namespace: log the connections that its pods deny.
pub(crate) const LOG_DENIED: LogAnnotation = LogAnnotation {
    name: "enable-deny-logging",
    of: "namespaces",
};

/// What comes before the names of both.
const PREFIX: &str = "policy.network.gke.io";

/// What the prefixes of annotations by the same vendor end with.
const VENDOR: &str = "gke.io";

impl LogAnnotation {
    /// Whether one of `annotations` switches logging on; each that only looks as if it did goes to `warnings`.
    pub(crate) fn switch(
        &self,
        annotations: &BTreeMap<String, String>,
        warnings: &mut Vec<Problem>,
    ) -> bool {
        let mut is_on = false;
        for (key, value) in annotations {
            match self.meaning(key, value) {
                None => {}
                Some(Ok(on)) => is_on |= on,
                Some(Err(warning)) => {
                    warnings.push(warning.path(format!("metadata.annotations[{key}]")));
                }
            }
        }
        is_on
    }

    /// What one annotation switches, if it is meant for logging.
    fn meaning(&self, key: &str, value: &str) -> Option<Result<bool, Problem>> {
        let (prefix, name) = key.split_once('/')?;
        let meant = [LOG_ALLOWED, LOG_DENIED]
            .into_iter()
            .find(|known| known.name.eq_ignore_ascii_case(name))?;
        if !prefix.ends_with(VENDOR) {
            return None;
        }
        Some(if meant.name != self.name {
            Err(self.misplaced(&meant))
        } else if prefix != PREFIX || name != self.name {
            Err(
                Problem::new("is not the name of a switch for logging, and switches nothing")
                    .help(format!("write {PREFIX}/{}", self.name)),
            )
        } else {
            meaning(value)
        })
    }

    fn misplaced(&self, other: &Self) -> Problem {
        let (place, here) = (other.of, self.of);
        Problem::new(format!("is for {place} and switches nothing here"))
            .help(format!("{here} have {PREFIX}/{}", self.name))
    }
}

/// What the value switches: logging on, if it is exactly `true`.
fn meaning(value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let problem = Problem::new(format!("{value:?} does not switch logging on"));
            Err(problem.help("only \"true\" does; write \"false\", or nothing, to leave it off"))
        }
    }
}
