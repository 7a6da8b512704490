//! What a step was given: gaps, table, doc string.

use super::rows::{Row, rows};
use crate::conversation::Segment;
use crate::edit::Labels;
use crate::judge::Direction;
use crate::packet::parse_chunk;
use crate::source::{Source, doc_string};
use crate::target::{Service, Way};
use abi::DropReason;
use anyhow::Context;
use manifest::{Applied, Cluster, EndpointName, ObjectName, PolicyName};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The arguments of one step.
pub(crate) struct Arguments<'a> {
    /// The step as it is written.
    pub(crate) step: &'a gherkin::Step,
    /// What stands in its gaps.
    pub(crate) captures: &'a [String],
    /// The file it is written in.
    pub(crate) source: &'a Source,
    /// What the `-f` manifests of the command line hold.
    pub(crate) manifests: Option<&'a Cluster>,
    /// Whether golden files are written from what is seen.
    pub(crate) bless: bool,
}

impl Arguments<'_> {
    /// The text in a gap, from 0.
    pub(crate) fn text(&self, gap: usize) -> &str {
        self.captures.get(gap).map_or("", String::as_str)
    }

    pub(crate) fn endpoint(&self, gap: usize) -> anyhow::Result<EndpointName> {
        Ok(self.text(gap).parse()?)
    }

    pub(crate) fn endpoints(&self, gap: usize) -> anyhow::Result<Vec<EndpointName>> {
        let names = self.text(gap).split(", ");
        Ok(names.map(str::parse).collect::<Result<_, _>>()?)
    }

    pub(crate) fn object(&self, gap: usize) -> anyhow::Result<ObjectName> {
        parse_object(self.text(gap))
    }

    pub(crate) fn policy(&self, gap: usize) -> anyhow::Result<PolicyName> {
        Ok(self.text(gap).parse()?)
    }

    /// Several policies, sorted.
    pub(crate) fn policies(&self, gap: usize) -> anyhow::Result<Vec<PolicyName>> {
        let names = self.text(gap).split(", ").map(str::parse);
        let mut names: Vec<PolicyName> = names.collect::<Result<_, _>>()?;
        names.sort();
        Ok(names)
    }

    pub(crate) fn service(&self, gap: usize) -> anyhow::Result<Service> {
        self.text(gap).parse()
    }

    pub(crate) fn way(&self, gap: usize) -> anyhow::Result<Way> {
        let text = self.text(gap).trim_start();
        Ok(match text.strip_prefix("at address ") {
            Some(address) => Way::At(
                address
                    .parse()
                    .with_context(|| format!("`{address}` is no IP address"))?,
            ),
            None if text == "over IPv4" => Way::V4,
            None if text == "over IPv6" => Way::V6,
            None => Way::Every,
        })
    }

    /// A time such as `5 minutes`.
    pub(crate) fn duration(&self, gap: usize) -> anyhow::Result<Duration> {
        let text = self.text(gap);
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        let seconds = match unit.trim_end_matches('s') {
            "second" => 1,
            "minute" => 60,
            _ => 3600,
        };
        let seconds = number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(seconds));
        seconds
            .map(Duration::from_secs)
            .with_context(|| format!("`{text}` is too long"))
    }

    pub(crate) fn number(&self, gap: usize) -> anyhow::Result<u64> {
        let text = self.text(gap);
        text.parse()
            .with_context(|| format!("`{text}` is too large"))
    }

    /// A port or an identifier of a packet; zero is one too.
    pub(crate) fn port(&self, gap: usize) -> anyhow::Result<u16> {
        let text = self.text(gap);
        text.parse()
            .with_context(|| format!("`{text}` is no number from 0 to 65535"))
    }

    pub(crate) fn address(&self, gap: usize) -> anyhow::Result<IpAddr> {
        let text = self.text(gap);
        text.parse()
            .with_context(|| format!("`{text}` is no IP address"))
    }

    pub(crate) fn segment(&self, gap: usize) -> anyhow::Result<Segment> {
        Ok(match self.text(gap).split_once(' ') {
            Some(("TCP", flags)) => Segment::Tcp(flags.parse()?),
            Some((_, chunk)) => Segment::Sctp(parse_chunk(chunk)?),
            None => Segment::Udp,
        })
    }

    pub(crate) fn reason(&self, gap: usize) -> anyhow::Result<DropReason> {
        let text = self.text(gap);
        let known = DropReason::ALL.iter().find(|reason| reason.name() == text);
        known.copied().with_context(|| {
            let names: Vec<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
            format!("`{text}` is no reason for a drop: use {}", names.join(", "))
        })
    }

    pub(crate) fn direction(&self, gap: usize) -> Direction {
        if self.text(gap) == "egress" {
            Direction::Egress
        } else {
            Direction::Ingress
        }
    }

    pub(crate) fn labels(&self, gap: usize) -> anyhow::Result<Labels> {
        parse_labels(self.text(gap))
    }

    /// Applies the manifests in the file or folder in a gap, a path from the folder of the feature file.
    pub(crate) fn apply_file(&self, gap: usize, cluster: &mut Cluster) -> anyhow::Result<Applied> {
        Ok(cluster.apply(&[manifest::Source::Path(self.path(gap))])?)
    }

    /// A path from the folder of the feature file.
    pub(crate) fn path(&self, gap: usize) -> PathBuf {
        let folder = self.source.path.parent().unwrap_or(Path::new(""));
        folder.join(self.text(gap).trim_matches('"'))
    }

    /// The step's table, a row at a time, with these columns and no others.
    pub(crate) fn rows(&self, columns: &[&str]) -> anyhow::Result<Vec<Row<'_>>> {
        let table = self.step.table.as_ref();
        let table = table.with_context(|| {
            format!(
                "the step needs a table with the columns {}",
                columns.join(", ")
            )
        })?;
        rows(table, columns)
    }

    /// The step's table of sources (rows), destinations (columns) and cells.
    pub(crate) fn matrix(&self) -> anyhow::Result<Vec<(EndpointName, EndpointName, &str)>> {
        let table = self.step.table.as_ref().context("the step needs a table")?;
        let (headline, body) = table.rows.split_first().context("the table is empty")?;
        let mut cells = Vec::new();
        for row in body {
            for (column, cell) in headline.iter().zip(row).skip(1) {
                cells.push((row[0].parse()?, column.parse()?, cell.as_str()));
            }
        }
        Ok(cells)
    }

    /// Applies the manifests in the step's doc string.
    pub(crate) fn apply_doc_string(&self, cluster: &mut Cluster) -> anyhow::Result<Applied> {
        Ok(cluster.apply(&[self.doc_string()?])?)
    }

    /// Deletes the objects of the manifests in the step's doc string.
    pub(crate) fn delete_doc_string(&self, cluster: &mut Cluster) -> anyhow::Result<()> {
        cluster.delete(&[self.doc_string()?])?;
        Ok(())
    }

    fn doc_string(&self) -> anyhow::Result<manifest::Source> {
        let text = doc_string(self.step, self.source).context(
            "the step needs manifests in a doc string below it, between two lines of \"\"\"",
        )?;
        Ok(manifest::Source::text(self.source.name(), text))
    }
}

/// `key=value` pairs, separated by commas.
pub(crate) fn parse_labels(text: &str) -> anyhow::Result<Labels> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (key, value) = pair
                .split_once('=')
                .with_context(|| format!("`{pair}` is no label: write key=value"))?;
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// `namespace/name`.
pub(crate) fn parse_object(text: &str) -> anyhow::Result<ObjectName> {
    let parts = text.split_once('/');
    let parts = parts.filter(|(namespace, name)| {
        !namespace.is_empty() && !name.is_empty() && !name.contains('/')
    });
    let (namespace, name) = parts.with_context(|| format!("`{text}` is not namespace/name"))?;
    Ok(ObjectName::new(namespace, name))
}
