//! The configuration of policy logging (GKE Dataplane V2, network policy logging).

use crate::LogSwitch;
use crate::report::Problem;

/// The only `NetworkLogging` that counts.
const NAME: &str = "default";

/// Why a `NetworkLogging` of this name and with these switches changes nothing; nothing, if it counts.
pub(crate) fn network_logging(name: &str, allow: LogSwitch, deny: LogSwitch) -> Vec<Problem> {
    let mut problems = Vec::new();
    if name != NAME {
        let problem = Problem::new(format!("is named {name:?}, so it changes nothing"));
        let help = "logging is configured by the object named \"default\" alone";
        problems.push(problem.path("metadata.name").help(help));
    }
    for (path, switch) in [("allow", allow), ("deny", deny)] {
        if switch.delegate && !switch.log {
            let problem = Problem::new(format!(
                "delegates the logging of {path} while it is off, so the object changes nothing"
            ));
            let help = format!("set spec.cluster.{path}.log to true, or delegate to false");
            let path = format!("spec.cluster.{path}.delegate");
            problems.push(problem.path(path).help(help));
        }
    }
    problems
}
