//! Errors and warnings that point at the user's text.

use crate::Location;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// The input can be used; the user should know.
    Warning,
    /// The input cannot be used.
    Error,
}

/// One thing wrong with the input.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub location: Location,
    /// The object and field, as an API server would name it: `NetworkPolicy shop/web: spec.ingress[0].ports[0].endPort`.
    pub subject: String,
    /// What is wrong, with the offending value.
    pub message: String,
    /// What is allowed, or what to do.
    pub help: Option<String>,
    /// The line of the input, for display, without its line break.
    pub snippet: Option<String>,
}
