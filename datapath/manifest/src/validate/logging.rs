//! The switches of policy logging (GKE Dataplane V2, network policy logging).

use crate::LogSwitch;
use crate::report::Problem;

/// The annotation of policies whose allowed connections are logged, where that is delegated.
pub(crate) const LOG_ALLOWED: &str = "policy.network.gke.io/enable-logging";
/// The annotation of namespaces whose pods' denials are logged, where that is delegated.
pub(crate) const LOG_DENIED: &str = "policy.network.gke.io/enable-deny-logging";
/// The only `NetworkLogging` that counts.
const NAME: &str = "default";

/// What the value of an annotation means, and a warning where somebody may have meant something else.
pub(crate) fn log_annotation(value: &str) -> (bool, Option<Problem>) {
    let warning = || {
        Problem::new(format!("{value:?} does not switch logging on"))
            .help("only \"true\" does, spelt exactly so")
    };
    match value {
        "true" => (true, None),
        "false" => (false, None),
        _ => (false, Some(warning())),
    }
}

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
