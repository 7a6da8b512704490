//! Coloured text whose width is known.

use crate::style::PLAIN;
use anstyle::Style;
use std::io::{self, Write};

/// A line of pieces, each in its colour.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Text(Vec<(Style, String)>);

impl Text {
    /// One piece.
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self(vec![(style, text.into())])
    }

    /// Adds a piece, set apart by a space.
    pub(crate) fn push(&mut self, style: Style, text: impl Into<String>) {
        if !self.0.is_empty() {
            self.0.push((PLAIN, " ".to_owned()));
        }
        self.0.push((style, text.into()));
    }

    /// Adds all pieces of another, set apart by a space.
    pub(crate) fn append(&mut self, other: Self) {
        self.0.push((PLAIN, " ".to_owned()));
        self.0.extend(other.0);
    }

    /// Whether there is nothing to see.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has more than one piece.
    pub(crate) const fn is_composed(&self) -> bool {
        self.0.len() > 1
    }

    /// How many columns of a terminal it takes: names and signs are one column a character.
    pub(crate) fn width(&self) -> usize {
        let pieces = self.0.iter();
        pieces.map(|(_, text)| text.chars().count()).sum()
    }

    /// Writes it, and spaces up to `width`.
    pub(crate) fn write_padded(&self, out: &mut dyn Write, width: usize) -> io::Result<()> {
        for (style, text) in &self.0 {
            write!(out, "{style}{text}{style:#}")?;
        }
        let missing = width.saturating_sub(self.width());
        write!(out, "{:missing$}", "")
    }
}
