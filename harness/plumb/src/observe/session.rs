//! What happens to each line: read, chosen, kept or shown.

use super::Arguments;
use super::lines::{Lines, Unreadable};
use super::printer::Printer;
use super::tally::Tally;
use crate::output::warn;
use crate::style::BAD;
use flow::filter::Filter;
use flow::hubble::{Flow, Line};
use flow::metrics::Metrics;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

/// Everything between input and output.
pub(super) struct Session {
    name: String,
    lines: Lines,
    filter: Filter,
    printer: Printer,
    kept: Option<Kept>,
    /// What the selected flows come to.
    pub(super) metrics: Arc<Metrics>,
    /// What was seen.
    pub(super) tally: Tally,
}

/// The last flows, held back until it is known that they are the last.
struct Kept {
    most: usize,
    flows: VecDeque<(String, Flow)>,
}

impl Session {
    pub(super) fn new(arguments: &Arguments) -> Self {
        Self {
            name: arguments.file.display().to_string(),
            lines: Lines::default(),
            filter: arguments.selection.filter(),
            printer: Printer::new(arguments.output),
            kept: arguments.last.map(|most| Kept {
                most: most.get(),
                flows: VecDeque::new(),
            }),
            metrics: Arc::default(),
            tally: Tally::default(),
        }
    }

    /// Takes what was read.
    pub(super) fn take(&mut self, bytes: &[u8], out: &mut dyn Write) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if let Some((number, text)) = self.lines.add(piece) {
                self.line(number, text, out)?;
            }
        }
        Ok(())
    }

    /// Everything that is there so far was read: what was held back is shown, and what comes is shown at once.
    pub(super) fn catch_up(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let kept = self.kept.take().map(|kept| kept.flows).unwrap_or_default();
        for (text, flow) in &kept {
            self.printer.flow(text, flow, out)?;
        }
        Ok(())
    }

    /// Nothing comes for now: what is shown reaches the reader.
    pub(super) fn pause(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.printer.finish(out)?;
        out.flush()
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if let Some((number, text)) = self.lines.rest() {
            self.line(number, text, out)?;
        }
        self.catch_up(out)?;
        self.pause(out)
    }

    fn line(
        &mut self,
        number: u64,
        text: Result<String, Unreadable>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let text = match text {
            Ok(text) if text.trim().is_empty() => return Ok(()),
            Ok(text) => text,
            Err(unreadable) => {
                self.refuse(&format!("{number}"), unreadable.reason());
                return Ok(());
            }
        };
        match Line::read(&text) {
            Ok(line) => self.show(text, line, out),
            Err(error) => {
                let column = error.column().map(|column| format!(":{column}"));
                let place = format!("{number}{}", column.unwrap_or_default());
                self.refuse(&place, &error.to_string());
                Ok(())
            }
        }
    }

    fn show(&mut self, text: String, line: Line, out: &mut dyn Write) -> io::Result<()> {
        if let Some(lost) = &line.lost_events {
            self.tally.lose(lost);
            self.metrics.see_line(&line);
            return match self.kept {
                None => self.printer.lost(&text, lost, out),
                Some(_) => Ok(()),
            };
        }
        if !line
            .flow
            .as_ref()
            .is_some_and(|flow| self.filter.wants(flow))
        {
            return Ok(());
        }
        self.metrics.see_line(&line);
        let Some(flow) = line.flow else {
            return Ok(());
        };
        match &mut self.kept {
            None => self.printer.flow(&text, &flow, out),
            Some(kept) => {
                kept.flows.push_back((text, flow));
                if kept.flows.len() > kept.most {
                    kept.flows.pop_front();
                }
                Ok(())
            }
        }
    }

    /// Says what is wrong with a line, unless that was said of many already.
    fn refuse(&mut self, place: &str, reason: &str) {
        const SAID: u64 = 10;
        self.tally.refused += 1;
        if self.tally.refused <= SAID {
            let reason = super::words::printable(reason);
            warn(&format!(
                "{BAD}error:{BAD:#} {}:{place}: this is no flow: {reason}\n",
                self.name
            ));
        }
    }
}
