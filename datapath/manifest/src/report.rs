//! From what is wrong to what the user reads.

use crate::source::Text;
use crate::yaml::Mark;
use crate::{Diagnostic, Diagnostics, Location, Severity};
use std::sync::Arc;

/// Diagnostics shown of one input.
const MOST_DIAGNOSTICS: usize = 100;

/// Bytes of a line that is shown.
const LONGEST_SNIPPET: usize = 400;

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

/// `diagnostics` unchanged if there is no error among them; else the errors, as they are shown.
pub(crate) fn refuse_errors(
    texts: &[Text],
    mut diagnostics: Vec<Diagnostic>,
) -> Result<Vec<Diagnostic>, Diagnostics> {
    let is_error = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    if !diagnostics.iter().any(is_error) {
        return Ok(diagnostics);
    }
    diagnostics.retain(is_error);
    Err(Diagnostics(shown(texts, diagnostics)))
}

/// `diagnostics` in the order of `texts`, with the lines they are about, and no more than one can read.
pub(crate) fn shown(texts: &[Text], mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let file = |place: &Location| texts.iter().position(|text| text.name == place.file);
    diagnostics.sort_by_cached_key(|diagnostic| {
        let place = &diagnostic.location;
        (file(place), place.line, place.column)
    });
    let omitted = diagnostics.split_off(diagnostics.len().min(MOST_DIAGNOSTICS));
    for diagnostic in &mut diagnostics {
        diagnostic.snippet = snippet(texts, &diagnostic.location);
    }
    diagnostics.extend(omission(&omitted));
    diagnostics
}

/// Stands for `omitted`, if there are any.
fn omission(omitted: &[Diagnostic]) -> Option<Diagnostic> {
    let first = omitted.first()?;
    let message = format!("{} more like these are not shown", omitted.len());
    let problem = Problem::new(message).help("they begin here");
    Some(problem.about("", first.location.clone(), first.severity))
}

/// The line at `place`, unless it is too long to be shown.
fn snippet(texts: &[Text], place: &Location) -> Option<String> {
    let index = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let text = texts.iter().find(|text| text.name == place.file)?;
    let line = text.content.lines().nth(index)?;
    (line.len() <= LONGEST_SNIPPET).then(|| line.to_owned())
}
