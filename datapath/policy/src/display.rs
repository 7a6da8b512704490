//! Desired tables as text, for people and snapshots.

use crate::{Desired, Direction, EndpointRow, PortPrefix, RuleReference, Table};
use abi::Identity;
use std::fmt::{self, Write as _};
use std::sync::Arc;

impl fmt::Display for Desired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dump = Dump::new(self);
        dump.endpoints(f)?;
        dump.cidrs(f)?;
        for (index, table) in dump.tables.iter().enumerate() {
            dump.table(index, table, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for PortPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            abi::protocol::TCP => "TCP".to_owned(),
            abi::protocol::UDP => "UDP".to_owned(),
            abi::protocol::SCTP => "SCTP".to_owned(),
            other => format!("protocol {other}"),
        };
        let span = u16::MAX.checked_shr(self.bits.into()).unwrap_or(0);
        match self.bits {
            0 => f.pad(&protocol),
            16 => f.pad(&format!("{protocol} {}", self.port)),
            _ => f.pad(&format!("{protocol} {}-{}", self.port, self.port | span)),
        }
    }
}

impl fmt::Display for RuleReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = match self.part {
            0 => String::new(),
            part => format!("[{part}]"),
        };
        f.pad(&format!("{}{part}[{}]", self.policy, self.index))
    }
}

/// Desired tables with a number for each verdict table, in the order in which endpoints name them.
struct Dump<'a> {
    desired: &'a Desired,
    tables: Vec<&'a Arc<Table>>,
}

impl<'a> Dump<'a> {
    fn new(desired: &'a Desired) -> Self {
        let mut tables: Vec<&Arc<Table>> = Vec::new();
        for row in desired.endpoints.values() {
            for table in row.egress.iter().chain(&row.ingress) {
                if !tables.contains(&table) {
                    tables.push(table);
                }
            }
        }
        Self { desired, tables }
    }

    fn endpoints(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.desired.endpoints.iter().map(|(address, row)| {
            vec![
                address.to_string(),
                self.identity(row.identity),
                self.identity(row.node),
                self.reference(row, Direction::Egress),
                self.reference(row, Direction::Ingress),
            ]
        });
        let header = ["endpoint", "identity", "node", "egress", "ingress"];
        align(header.map(str::to_owned).to_vec(), rows, f)
    }

    fn reference(&self, row: &EndpointRow, direction: Direction) -> String {
        let table = match direction {
            Direction::Egress => row.egress.as_ref(),
            Direction::Ingress => row.ingress.as_ref(),
        };
        let index = table.and_then(|table| self.tables.iter().position(|known| *known == table));
        index.map_or_else(|| "open".to_owned(), |index| format!("table {}", index + 1))
    }

    fn identity(&self, identity: Identity) -> String {
        let name = self.desired.identities.get(&identity);
        format!("{} {}", identity.0, name.map_or("?", String::as_str))
    }

    fn cidrs(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cidrs = self.desired.cidrs.iter();
        let rows =
            cidrs.map(|(prefix, identity)| vec![prefix.to_string(), self.identity(*identity)]);
        f.write_char('\n')?;
        align(
            vec!["other addresses".to_owned(), "identity".to_owned()],
            rows,
            f,
        )
    }

    fn table(&self, index: usize, table: &Table, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies: Vec<_> = table.isolated_by.iter().map(ToString::to_string).collect();
        write!(f, "\ntable {}: {}", index + 1, table.direction)?;
        if !policies.is_empty() {
            write!(f, ", isolated by {}", policies.join(", "))?;
        }
        f.write_char('\n')?;
        let rows = table.verdicts.iter().map(|(entry, verdict)| {
            let ports = entry
                .ports
                .map_or_else(|| "everything".to_owned(), |ports| ports.to_string());
            let rules = usize::try_from(verdict.rules.0)
                .ok()
                .and_then(|set| table.rules.get(set));
            let rules = rules.into_iter().flatten().map(ToString::to_string);
            vec![
                format!("  class {}", entry.class),
                ports,
                verdict.action().to_string(),
                rules.collect::<Vec<_>>().join(", "),
            ]
        });
        align(vec![], rows, f)?;
        for class in 1..=table.classes.values().copied().max().unwrap_or(0) {
            let of_class = table.classes.iter().filter(|(_, number)| **number == class);
            let names: Vec<_> = of_class
                .map(|(identity, _)| self.identity(*identity))
                .collect();
            writeln!(f, "  class {class} is {}", names.join(", "))?;
        }
        Ok(())
    }
}

/// Writes rows in columns as wide as their longest cell.
fn align(
    header: Vec<String>,
    rows: impl Iterator<Item = Vec<String>>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        let cells = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        let text = cells.collect::<Vec<_>>().join("  ");
        writeln!(f, "{}", text.trim_end())?;
    }
    Ok(())
}
