//! Collecting what is wrong, and pointing at it.

use crate::yaml::Mark;
use crate::{Diagnostic, Location, Severity};
use std::sync::Arc;

/// Something wrong inside one object, before it is known which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The field, as an API server names it; empty for the object itself.
    pub(crate) path: String,
    /// Where it is, when that is not simply where the field is written.
    pub(crate) mark: Option<Mark>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            mark: None,
            message: message.into(),
            help: None,
        }
    }

    pub(crate) fn path(self, path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            ..self
        }
    }

    pub(crate) fn mark(self, mark: Mark) -> Self {
        self.maybe_mark(Some(mark))
    }

    pub(crate) fn maybe_mark(self, mark: Option<Mark>) -> Self {
        Self { mark, ..self }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Self {
        self.maybe_help(Some(help.into()))
    }

    pub(crate) fn maybe_help(self, help: Option<String>) -> Self {
        Self { help, ..self }
    }

    /// The diagnostic, about `object` at `location`.
    pub(crate) fn about(self, object: &str, location: Location, severity: Severity) -> Diagnostic {
        let subject = match (object, self.path.as_str()) {
            ("", path) => path.to_owned(),
            (object, "") => object.to_owned(),
            (object, path) => format!("{object}: {path}"),
        };
        Diagnostic {
            severity,
            location,
            subject,
            message: self.message,
            help: self.help,
            snippet: None,
        }
    }
}

/// `mark` in `file`.
pub(crate) fn location(file: &Arc<str>, mark: Mark) -> Location {
    Location {
        file: Arc::clone(file),
        line: mark.line,
        column: mark.column,
    }
}
