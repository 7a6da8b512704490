//! The colours of everything the program prints. The streams strip them where they are not wanted
//! (`NO_COLOR`, no terminal), so that rendering never asks.

use anstyle::{AnsiColor, Style};

/// What is allowed or passed.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What is denied or failed.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What deserves a look.
pub(crate) const CARE: Style = AnsiColor::Yellow.on_default().bold();
/// What the user can do.
pub(crate) const HELP: Style = AnsiColor::Cyan.on_default().bold();
/// Headings and names.
pub(crate) const STRONG: Style = Style::new().bold();
/// What may be overlooked.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// No style at all.
pub(crate) const PLAIN: Style = Style::new();
