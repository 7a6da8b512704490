//! The table: sources down, destinations across.

use super::cell::{SIGNS, cell, itself, own_cell};
use super::replicas::{Cells, Group, gather};
use crate::answer::Answer;
use crate::port::PortSpec;
use crate::style::{FAINT, GOOD, PLAIN, STRONG};
use crate::text::Text;
use anstyle::Style;
use manifest::Cluster;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// In the corner above the sources and left of the destinations.
const CORNER: &str = "FROM ↓  TO →";

/// Between two columns.
const GAP: usize = 2;

/// A table of texts with three lines of heading, ready to be written in any width.
pub(super) struct Table {
    sources: Vec<String>,
    columns: Vec<Column>,
}

/// One destination.
struct Column {
    heading: [Text; 3],
    cells: Vec<Text>,
    width: usize,
}

impl Table {
    /// The table of these answers.
    pub(super) fn new(cluster: &Cluster, answers: &[Answer]) -> Self {
        let mut tried: BTreeMap<_, Vec<&Answer>> = BTreeMap::new();
        let mut ports: BTreeMap<_, BTreeSet<PortSpec>> = BTreeMap::new();
        for answer in answers {
            let (from, to) = (&answer.probe.from, &answer.probe.to);
            tried.entry((from, to)).or_default().push(answer);
            ports.entry(to).or_default().insert(answer.port());
        }
        let cells = tried.iter().map(|(ends, answers)| {
            let (from, to) = ends;
            let text = if from == to {
                own_cell(answers)
            } else {
                cell(answers)
            };
            (*ends, text)
        });
        let cells: Cells = cells.collect();
        let groups = gather(cluster, &cells);
        let is_source = |group: &&Group| cells.keys().any(|(from, _)| *from == group.first);
        let sources: Vec<&Group> = groups.iter().filter(is_source).collect();
        let destinations = groups
            .iter()
            .filter_map(|to| Some((to, ports.get(to.first)?)));
        let column =
            |(to, ports)| Column::new(to, ports, sources.iter().map(|from| from.cell(&cells, to)));
        Self {
            columns: destinations.map(column).collect(),
            sources: sources
                .iter()
                .map(|from| format!("{}/{}", from.kind, from.name))
                .collect(),
        }
    }

    /// Writes the table in as many blocks of columns as `width` asks for; returns how many there were.
    pub(super) fn write(&self, out: &mut dyn Write, width: usize) -> io::Result<usize> {
        let names = self.sources.iter().map(|name| name.chars().count());
        let names = names.chain([CORNER.chars().count()]).max().unwrap_or(0) + GAP;
        let mut rest = self.columns.as_slice();
        let mut blocks = 0;
        while !rest.is_empty() {
            let (block, next) = rest.split_at(fitting(rest, width.saturating_sub(names)));
            if blocks > 0 {
                writeln!(out)?;
            }
            self.write_block(out, names, block)?;
            rest = next;
            blocks += 1;
        }
        Ok(blocks)
    }

    /// Explains the signs that the table uses.
    pub(super) fn write_legend(&self, out: &mut dyn Write, answers: &[Answer]) -> io::Result<()> {
        let used: BTreeSet<_> = answers.iter().map(Answer::finding).collect();
        let signs = SIGNS
            .iter()
            .filter(|(finding, ..)| used.contains(finding))
            .map(|(_, style, sign, meaning)| (*style, *sign, *meaning));
        let mut legend: Vec<(Style, &str, &str)> = signs.collect();
        if self.cells().any(Text::is_composed) {
            legend.push((GOOD, "✓ 80", "only this port, TCP unless it says more"));
        }
        if self.cells().any(|cell| *cell == itself()) {
            legend.push((FAINT, "·", "itself"));
        }
        let legend = legend.iter().map(|(style, sign, meaning)| {
            format!("{style}{sign}{style:#} {FAINT}{meaning}{FAINT:#}")
        });
        writeln!(out, "{}", legend.collect::<Vec<_>>().join("  "))
    }

    fn cells(&self) -> impl Iterator<Item = &Text> {
        self.columns.iter().flat_map(|column| &column.cells)
    }

    fn write_block(&self, out: &mut dyn Write, names: usize, block: &[Column]) -> io::Result<()> {
        for line in 0..3 {
            let corner = ["", CORNER, ""][line];
            Text::new(FAINT, corner).write_padded(out, names)?;
            write_line(out, block, |column| &column.heading[line])?;
        }
        for (row, source) in self.sources.iter().enumerate() {
            if block.iter().all(|column| column.cells[row].is_empty()) {
                continue;
            }
            Text::new(STRONG, source).write_padded(out, names)?;
            write_line(out, block, |column| &column.cells[row])?;
        }
        Ok(())
    }
}

/// How many of `columns` fit into `width`; at least one.
fn fitting(columns: &[Column], width: usize) -> usize {
    let ends = columns.iter().scan(0, |end, column| {
        *end += column.width + GAP;
        Some(*end)
    });
    ends.take_while(|end| *end <= width + GAP).count().max(1)
}

fn write_line<'a>(
    out: &mut dyn Write,
    block: &'a [Column],
    text: impl Fn(&'a Column) -> &'a Text,
) -> io::Result<()> {
    let (last, others) = block.split_last().expect("a block has a column");
    for column in others {
        text(column).write_padded(out, column.width + GAP)?;
    }
    text(last).write_padded(out, 0)?;
    writeln!(out)
}

impl Column {
    fn new<'a>(
        to: &Group<'_>,
        ports: &BTreeSet<PortSpec>,
        cells: impl Iterator<Item = Option<&'a Text>>,
    ) -> Self {
        let heading = [
            Text::new(PLAIN, to.kind.clone()),
            Text::new(STRONG, &to.name),
            Text::new(FAINT, tried(ports)),
        ];
        let cells: Vec<Text> = cells
            .map(|cell| cell.cloned().unwrap_or_default())
            .collect();
        let texts = heading.iter().chain(&cells);
        Self {
            width: texts.map(Text::width).max().unwrap_or(0),
            heading,
            cells,
        }
    }
}

/// The ports of a heading, not too many of them.
fn tried(ports: &BTreeSet<PortSpec>) -> String {
    /// More are counted only.
    const SHOWN: usize = 4;
    let mut shown: Vec<String> = ports.iter().take(SHOWN).map(ToString::to_string).collect();
    if ports.len() > SHOWN {
        shown.push(format!("+{}", ports.len() - SHOWN));
    }
    shown.join(" ")
}
