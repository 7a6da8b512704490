//! Above the table: the nodes, what is on each, and how they reach each other.

use crate::style::{FAINT, PLAIN, STRONG};
use crate::text::Text;
use conformance::driver::Routing;
use manifest::{Addresses, Cluster, EndpointName};
use std::io::{self, Write};

/// Between two columns.
const GAP: usize = 2;
/// More nodes are counted only.
const SHOWN: usize = 12;

/// Writes where everything is, no wider than `width`. A single node needs no map.
pub(super) fn write(
    out: &mut dyn Write,
    cluster: &Cluster,
    routing: Routing,
    width: usize,
) -> io::Result<()> {
    let count = cluster.nodes.len();
    if count < 2 {
        return Ok(());
    }
    let way = match routing {
        Routing::Native => "native routing",
        Routing::Vxlan => "VXLAN tunnels",
    };
    writeln!(out, "{STRONG}{count} nodes{STRONG:#}, {way} between them")?;
    let nodes = cluster.nodes.iter().take(SHOWN);
    let nodes = nodes.map(|(name, node)| Row::of_node(name, node.addresses, cluster));
    let rows: Vec<Row> = nodes.chain(Row::of_hosts(cluster)).collect();
    write_rows(out, &rows, width)?;
    if count > SHOWN {
        writeln!(out, "  and {} more nodes", count - SHOWN)?;
    }
    writeln!(out)
}

/// A place, and who is there.
struct Row {
    place: String,
    address: String,
    count: String,
    ends: Vec<String>,
}

impl Row {
    fn of_node(name: &str, addresses: Addresses, cluster: &Cluster) -> Self {
        let pods = cluster.pods.iter().filter(|(_, pod)| pod.node == name);
        let ends: Vec<String> = pods.map(|(name, _)| name.to_string()).collect();
        Self {
            place: EndpointName::Node(name.to_owned()).to_string(),
            address: first(addresses),
            count: counted(ends.len(), "pod"),
            ends,
        }
    }

    /// The hosts outside, if there are any.
    fn of_hosts(cluster: &Cluster) -> Option<Self> {
        let names = cluster
            .externals
            .keys()
            .cloned()
            .map(EndpointName::External);
        let ends: Vec<String> = names.map(|name| name.to_string()).collect();
        (!ends.is_empty()).then(|| Self {
            place: "outside".to_owned(),
            address: String::new(),
            count: counted(ends.len(), "host"),
            ends,
        })
    }
}

fn write_rows(out: &mut dyn Write, rows: &[Row], width: usize) -> io::Result<()> {
    let longest = |cell: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| cell(row).chars().count());
        widths.max().unwrap_or(0) + GAP
    };
    let place = longest(|row| &row.place);
    let address = longest(|row| &row.address);
    let count = longest(|row| &row.count);
    let rest = width.saturating_sub(GAP + place + address + count);
    for row in rows {
        write!(out, "{:GAP$}", "")?;
        Text::new(STRONG, &row.place).write_padded(out, place)?;
        Text::new(FAINT, &row.address).write_padded(out, address)?;
        Text::new(PLAIN, &row.count).write_padded(out, count)?;
        writeln!(out, "{}", fitting(&row.ends, rest))?;
    }
    Ok(())
}

/// As many names as there is room for, and how many more there are; at least one name.
fn fitting(names: &[String], room: usize) -> String {
    let shown_in = |count: usize| {
        let shown = names[..count].join(" ");
        match names.len() - count {
            0 => shown,
            more => format!("{shown} +{more}"),
        }
    };
    let fits = |count: &usize| shown_in(*count).chars().count() <= room;
    let most = (1..=names.len()).rev().find(fits);
    shown_in(most.unwrap_or(1).min(names.len()))
}

fn first(addresses: Addresses) -> String {
    addresses
        .iter()
        .next()
        .map_or_else(String::new, |address| address.to_string())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_far_as_they_fit() {
        let names = ["shop/api", "shop/db", "shop/web"].map(str::to_owned);
        let check = |room: usize, expected: &str| assert_eq!(fitting(&names, room), expected);
        check(80, "shop/api shop/db shop/web");
        check(25, "shop/api shop/db shop/web");
        check(24, "shop/api shop/db +1");
        check(18, "shop/api +2");
        check(0, "shop/api +2");
        assert_eq!(fitting(&[], 80), "");
    }
}
