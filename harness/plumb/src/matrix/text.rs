//! Coloured text whose width is known.

use crate::style::PLAIN;
use anstyle::Style;
use std::io::{self, Write};

/// A line of pieces, each in its colour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Text(Vec<(Style, String)>);

impl Text {
    /// One piece.
    pub(super) fn new(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// Adds a piece, set apart by a space.
    pub(super) fn push(&mut self, style: Style, text: impl Into<String>) {
        if !self.0.is_empty() {
            self.0.push((PLAIN, " ".to_owned()));
        }
        self.0.push((style, text.into()));
    }

    /// Whether there is nothing to see.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has more than one piece.
    pub(super) const fn is_composed(&self) -> bool {
        self.0.len() > 1
    }

    /// How many columns of a terminal it takes: names and signs are one column a character.
    pub(super) fn width(&self) -> usize {
        let pieces = self.0.iter();
        pieces.map(|(_, text)| text.chars().count()).sum()
    }

    /// Writes it, and spaces up to `width`.
    pub(super) fn write_padded(&self, out: &mut dyn Write, width: usize) -> io::Result<()> {
        for (style, text) in &self.0 {
            write!(out, "{style}{text}{style:#}")?;
        }
        let missing = width.saturating_sub(self.width());
        write!(out, "{:missing$}", "")
    }
}
