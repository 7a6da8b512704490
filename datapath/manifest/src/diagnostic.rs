//! Errors and warnings that point at the user's text.

use crate::Location;
use anstyle::{AnsiColor, Style};
use std::fmt;

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

impl Diagnostic {
    /// The diagnostic with the line it is about, in colours if `color`. Ends without a line break.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let palette = Palette::new(self.severity, color);
        let frame = palette.frame;
        let gutter = " ".repeat(self.location.line.to_string().len());
        let mut lines = vec![self.headline(&palette)];
        if self.location.line > 0 {
            lines.push(format!("{gutter}{frame}-->{frame:#} {}", self.location));
        }
        if let Some(snippet) = &self.snippet {
            lines.extend(self.excerpt(snippet, &gutter, &palette));
        }
        if let Some(help) = &self.help {
            lines.push(format!("{gutter} {frame}= help:{frame:#} {help}"));
        }
        lines.join("\n")
    }

    fn headline(&self, palette: &Palette) -> String {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let Palette {
            severity, strong, ..
        } = palette;
        match self.subject.as_str() {
            "" => format!(
                "{severity}{word}{severity:#}{strong}: {}{strong:#}",
                self.message
            ),
            subject => format!(
                "{severity}{word}{severity:#}{strong}: {subject}: {}{strong:#}",
                self.message
            ),
        }
    }

    /// The line, and carets below what is meant.
    fn excerpt(&self, snippet: &str, gutter: &str, palette: &Palette) -> [String; 3] {
        let Palette {
            severity, frame, ..
        } = palette;
        let start = self.location.column.saturating_sub(1) as usize;
        let carets = "^".repeat(word_width(snippet, start));
        // Tabs stay tabs, so that the carets stand below the word whatever a tab's width.
        let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
        let indent: String = snippet.chars().take(start).map(blank).collect();
        let line = self.location.line;
        [
            format!("{gutter} {frame}|{frame:#}"),
            format!("{frame}{line} |{frame:#} {snippet}"),
            format!("{gutter} {frame}|{frame:#} {indent}{severity}{carets}{severity:#}"),
        ]
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// How many characters the key or value has that begins after `start` characters of `line`.
fn word_width(line: &str, start: usize) -> usize {
    let word: Vec<char> = line.chars().skip(start).collect();
    let end = match word.first() {
        Some(quote @ ('"' | '\'')) => word
            .iter()
            .skip(1)
            .position(|c| c == quote)
            .map(|end| end + 2),
        Some('{' | '[') => Some(1),
        _ => (0..word.len()).find(|&end| ends_word(word[end], word.get(end + 1).copied())),
    };
    end.unwrap_or(word.len()).max(1)
}

/// Whether `c`, before `next`, is no part of a plain word any more.
fn ends_word(c: char, next: Option<char>) -> bool {
    match c {
        ',' | '}' | ']' => true,
        ':' => next.is_none_or(char::is_whitespace),
        c => c.is_whitespace() && next.is_none_or(|next| next == '#' || next.is_whitespace()),
    }
}

/// The styles of one rendering; all plain without colour.
struct Palette {
    severity: Style,
    strong: Style,
    frame: Style,
}

impl Palette {
    fn new(severity: Severity, color: bool) -> Self {
        let style = |style: Style| if color { style } else { Style::new() };
        let hue = match severity {
            Severity::Warning => AnsiColor::Yellow,
            Severity::Error => AnsiColor::Red,
        };
        Self {
            severity: style(hue.on_default().bold()),
            strong: style(Style::new().bold()),
            frame: style(AnsiColor::Blue.on_default().bold()),
        }
    }
}

/// Everything wrong with the input, in the order of the input. Holds at least one error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// All of them, an empty line between two, in colours if `color`. Ends without a line break.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let each: Vec<_> = self
            .0
            .iter()
            .map(|diagnostic| diagnostic.render(color))
            .collect();
        each.join("\n\n")
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}
