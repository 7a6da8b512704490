//! The switch for audit mode.

use crate::report::Problem;

/// The annotation that puts a policy, or the network policies of a namespace, in audit mode.
pub(crate) const AUDIT: &str = "plumbline/audit";

/// What its value means.
pub(crate) fn audit(value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(
            Problem::new(format!("{value:?} does not switch audit mode")).help(
                "write \"true\" to let through and report what would be denied, or \"false\"",
            ),
        ),
    }
}
