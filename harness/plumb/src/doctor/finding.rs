//! What one check found, and how it is shown.

use crate::style::{BAD, CARE, FAINT, GOOD, HELP};
use anstyle::Style;
use serde_json::json;
use std::io::{self, Write};

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// As it should be.
    Good,
    /// Worth knowing; the kernel driver runs all the same.
    Note,
    /// The kernel driver cannot run.
    Bad,
    /// Not tried, because something else is bad.
    Skipped,
}

/// One line of the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Finding {
    /// What was looked at.
    pub(super) check: &'static str,
    /// How it went.
    pub(super) state: State,
    /// What was found.
    pub(super) detail: String,
    /// What to do about it.
    pub(super) fix: Option<String>,
}

impl Finding {
    pub(super) fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, State::Good, detail)
    }

    pub(super) fn skipped(check: &'static str, detail: impl Into<String>) -> Self {
        Self::new(check, State::Skipped, detail)
    }

    pub(super) fn note(
        check: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(check, State::Note, detail).with_fix(fix)
    }

    pub(super) fn bad(
        check: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(check, State::Bad, detail).with_fix(fix)
    }

    fn new(check: &'static str, state: State, detail: impl Into<String>) -> Self {
        Self {
            check,
            state,
            detail: detail.into(),
            fix: None,
        }
    }

    fn with_fix(self, fix: impl Into<String>) -> Self {
        Self {
            fix: Some(fix.into()),
            ..self
        }
    }
}

impl State {
    const fn mark(self) -> (&'static str, Style) {
        match self {
            Self::Good => ("✓", GOOD),
            Self::Note => ("!", CARE),
            Self::Bad => ("✗", BAD),
            Self::Skipped => ("-", FAINT),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Bad => "bad",
            Self::Skipped => "skipped",
        }
    }
}

/// One line a finding, its fix below it, and the conclusion.
pub(super) fn write_text(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    let width = findings.iter().map(|finding| finding.check.len()).max();
    let width = width.unwrap_or_default();
    for finding in findings {
        let (mark, style) = finding.state.mark();
        let Finding { check, detail, .. } = finding;
        writeln!(out, "{style}{mark}{style:#} {check:width$}  {detail}")?;
        if let Some(fix) = &finding.fix {
            writeln!(out, "  {:width$}  {HELP}fix:{HELP:#} {fix}", "")?;
        }
    }
    writeln!(out, "\n{}", conclusion(findings))
}

fn conclusion(findings: &[Finding]) -> &'static str {
    if findings.iter().any(|finding| finding.state == State::Bad) {
        "The kernel driver cannot run here. `--driver simulate` and `--driver oracle` can, and need no root."
    } else {
        "The kernel driver can run here."
    }
}

/// One object a line: `check`, `state` (`good`, `note`, `bad` or `skipped`), `detail` and `fix` (or null).
pub(super) fn write_json(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    for finding in findings {
        let object = json!({
            "check": finding.check,
            "state": finding.state.name(),
            "detail": finding.detail,
            "fix": finding.fix,
        });
        writeln!(out, "{object}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(findings: &[Finding]) -> String {
        let mut out = Vec::new();
        write_text(&mut out, findings).expect("memory can be written to");
        anstream::adapter::strip_str(&String::from_utf8(out).expect("UTF-8")).to_string()
    }

    #[test]
    fn a_fix_stands_below_its_finding() {
        let findings = [
            Finding::good("kernel", "6.18"),
            Finding::bad("IPv6", "off", "boot without ipv6.disable=1"),
        ];
        assert_eq!(
            text(&findings),
            "✓ kernel  6.18\n\
             ✗ IPv6    off\n\
             \x20         fix: boot without ipv6.disable=1\n\
             \n\
             The kernel driver cannot run here. `--driver simulate` and `--driver oracle` can, and need no root.\n"
        );
    }

    #[test]
    fn a_note_does_not_stop_the_driver() {
        let findings = [Finding::note("JIT", "off", "turn it on")];
        assert!(text(&findings).ends_with("The kernel driver can run here.\n"));
    }

    #[test]
    fn json_has_one_object_a_line() {
        let mut out = Vec::new();
        let findings = [
            Finding::good("kernel", "6.18"),
            Finding::skipped("lab", "not tried"),
        ];
        write_json(&mut out, &findings).expect("memory can be written to");
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "{\"check\":\"kernel\",\"state\":\"good\",\"detail\":\"6.18\",\"fix\":null}\n\
             {\"check\":\"lab\",\"state\":\"skipped\",\"detail\":\"not tried\",\"fix\":null}\n"
        );
    }
}
