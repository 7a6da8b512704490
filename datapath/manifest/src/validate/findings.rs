//! What there is to say about an object, gathered while it is checked.

use crate::report::Problem;

/// What there is to say about an object.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) errors: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

impl Findings {
    /// What was read at `path`; notes what is wrong with it.
    pub(super) fn check<T>(
        &mut self,
        result: Result<T, Problem>,
        path: impl Into<String>,
    ) -> Option<T> {
        result
            .map_err(|problem| self.errors.push(problem.path(path)))
            .ok()
    }

    pub(super) fn error(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: &str,
    ) {
        self.errors
            .push(Problem::new(message).path(path).help(help));
    }

    pub(super) fn warning(
        &mut self,
        path: impl Into<String>,
        message: impl Into<String>,
        help: &str,
    ) {
        self.warnings
            .push(Problem::new(message).path(path).help(help));
    }

    /// Notes a text that is none of `choices`.
    pub(super) fn one_of(&mut self, path: &str, written: Option<&str>, choices: &[&str]) {
        if let Some(text) = written.filter(|text| !choices.contains(text)) {
            let (last, others) = choices.split_last().unwrap_or((&"", &[]));
            let help = format!("use {} or {last}", others.join(", "));
            self.error(
                path,
                format!("{text:?} is not a value of this field"),
                &help,
            );
        }
    }
}
