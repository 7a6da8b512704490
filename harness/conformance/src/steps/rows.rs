//! Tables of a step, read by the names of their columns.

use super::arguments::{parse_labels, parse_object};
use crate::edit::Labels;
use crate::target::parse_port;
use anyhow::{Context, bail};
use manifest::{Addresses, ContainerPort, ObjectName, Protocol};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A row of a table below its headline.
pub(crate) struct Row<'a> {
    cells: BTreeMap<&'a str, &'a str>,
    /// Its line in the file, from 1.
    pub(crate) line: usize,
}

/// The rows below the headline. A column that is not among these is an error.
pub(crate) fn rows<'a>(
    table: &'a gherkin::Table,
    columns: &[&str],
) -> anyhow::Result<Vec<Row<'a>>> {
    let (headline, body) = table.rows.split_first().context("the table is empty")?;
    if let Some(unknown) = headline
        .iter()
        .find(|name| !columns.contains(&name.as_str()))
    {
        bail!(
            "the table has no column `{unknown}`: its columns are {}",
            columns.join(", ")
        );
    }
    let read = |(index, cells): (usize, &'a Vec<String>)| {
        let names = headline.iter().map(String::as_str);
        Row {
            cells: names.zip(cells.iter().map(String::as_str)).collect(),
            line: table.position.line + index + 1,
        }
    };
    Ok(body.iter().enumerate().map(read).collect())
}

impl<'a> Row<'a> {
    /// The cell of a column; empty if there is no such column.
    pub(crate) fn cell(&self, column: &str) -> &'a str {
        self.cells.get(column).copied().unwrap_or_default()
    }

    /// Whether the table has this column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.cells.contains_key(column)
    }

    /// A cell that must not be empty.
    pub(crate) fn required(&self, column: &str) -> anyhow::Result<&'a str> {
        let cell = self.cell(column);
        if cell.is_empty() {
            bail!(
                "line {}: the column `{column}` must not be empty",
                self.line
            );
        }
        Ok(cell)
    }

    /// A `namespace/name`.
    pub(crate) fn object(&self, column: &str) -> anyhow::Result<ObjectName> {
        self.read(column, parse_object)
    }

    /// Labels; an empty cell is none.
    pub(crate) fn labels(&self, column: &str) -> anyhow::Result<Labels> {
        self.read(column, parse_labels)
    }

    /// Ports, for example `80/TCP, dns=53/UDP, 8080`.
    pub(crate) fn ports(&self, column: &str) -> anyhow::Result<Vec<ContainerPort>> {
        self.read(column, |cell| items(cell).map(parse_served).collect())
    }

    /// At most one address of each family.
    pub(crate) fn addresses(&self, column: &str) -> anyhow::Result<Addresses> {
        self.read(column, |cell| parse_addresses(items(cell)))
    }

    /// Whether the pod shares its node's network: the cell is `host`, or empty if it does not.
    pub(crate) fn host_network(&self, column: &str) -> anyhow::Result<bool> {
        self.read(column, |cell| match cell {
            "" => Ok(false),
            "host" => Ok(true),
            other => bail!("`{other}` is no network: write `host` or nothing"),
        })
    }

    fn read<T>(
        &self,
        column: &str,
        parse: impl Fn(&'a str) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        parse(self.cell(column)).with_context(|| format!("line {}: column `{column}`", self.line))
    }
}

fn items(cell: &str) -> impl Iterator<Item = &str> {
    let items = cell.split(',').map(str::trim);
    items.filter(|item| !item.is_empty())
}

fn parse_served(text: &str) -> anyhow::Result<ContainerPort> {
    let (name, rest) = match text.split_once('=') {
        Some((name, rest)) => (Some(name.to_owned()), rest),
        None => (None, text),
    };
    let (port, protocol) = match rest.split_once('/') {
        Some((port, protocol)) => (port, protocol.parse()?),
        None => (rest, Protocol::Tcp),
    };
    Ok(ContainerPort {
        name,
        port: parse_port(port)?,
        protocol,
    })
}

/// At most one address of each family.
pub(crate) fn parse_addresses<'a>(
    texts: impl Iterator<Item = &'a str>,
) -> anyhow::Result<Addresses> {
    let mut addresses = Addresses::default();
    for text in texts {
        let address: IpAddr = text
            .parse()
            .with_context(|| format!("`{text}` is no IP address"))?;
        let is_second = match address {
            IpAddr::V4(v4) => addresses.v4.replace(v4).is_some(),
            IpAddr::V6(v6) => addresses.v6.replace(v6).is_some(),
        };
        if is_second {
            bail!("{address} is a second address of its family: there can be one of each");
        }
    }
    Ok(addresses)
}
