//! Flows in the form that was asked for.

use super::Format;
use super::words;
use crate::style::{CARE, PLAIN, STRONG};
use crate::text::Text;
use flow::hubble::{Flow, LostEvents};
use std::io::{self, Write};

/// Writes flows.
pub(super) struct Printer {
    format: Format,
    table: Table,
}

impl Printer {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            table: Table::default(),
        }
    }

    /// Writes a flow that was read from `text`.
    pub(super) fn flow(&mut self, text: &str, flow: &Flow, out: &mut dyn Write) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(out, "{}", text.trim_end()),
            Format::Compact => {
                words::compact(flow).write_padded(out, 0)?;
                writeln!(out)
            }
            Format::Table => self.table.add(flow, out),
        }
    }

    /// Writes that events were lost here; a table has no place for it.
    pub(super) fn lost(
        &self,
        text: &str,
        lost: &LostEvents,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let (count, source) = (lost.num_events_lost, words::printable(&lost.source));
        match self.format {
            Format::Json => writeln!(out, "{}", text.trim_end()),
            Format::Compact => {
                writeln!(out, "{CARE}EVENTS LOST:{CARE:#} {source} {count}")
            }
            Format::Table => Ok(()),
        }
    }

    /// Writes what waits for others to be aligned with.
    pub(super) fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.table.write(out)
    }
}

const COLUMNS: usize = 6;
const HEADINGS: [&str; COLUMNS] = [
    "TIMESTAMP",
    "SOURCE",
    "DESTINATION",
    "TYPE",
    "VERDICT",
    "POLICIES",
];

/// Rows of a table. They are written in batches, each aligned with what was written before as far as it fits.
#[derive(Default)]
struct Table {
    rows: Vec<[Text; COLUMNS]>,
    widths: [usize; COLUMNS],
}

impl Table {
    /// Rows that wait at most.
    const BATCH: usize = 1000;

    fn add(&mut self, flow: &Flow, out: &mut dyn Write) -> io::Result<()> {
        let is_first = self.widths == [0; COLUMNS] && self.rows.is_empty();
        if is_first {
            self.rows.push(HEADINGS.map(|name| Text::new(STRONG, name)));
        }
        self.rows.push([
            Text::new(PLAIN, words::time(flow)),
            words::source(flow),
            words::destination(flow),
            Text::new(PLAIN, words::event(flow)),
            words::verdict(flow),
            Text::new(PLAIN, words::policies(flow)),
        ]);
        if self.rows.len() > Self::BATCH {
            self.write(out)?;
        }
        Ok(())
    }

    fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        for row in &self.rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        for row in self.rows.drain(..) {
            let last = row.iter().rposition(|cell| cell.width() > 0);
            let shown = &row[..=last.unwrap_or_default()];
            for (column, cell) in shown.iter().enumerate() {
                let is_last = column + 1 == shown.len();
                let width = if is_last { 0 } else { self.widths[column] + 2 };
                cell.write_padded(out, width)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
