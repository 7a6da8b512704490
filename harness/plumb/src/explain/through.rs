//! A connection through a service: who is behind it, and what becomes of the connection with each of them.

use super::report::write_sides;
use super::{Case, behind, end, report, way};
use crate::answer::{Answer, Judge};
use crate::finding::Finding;
use crate::input::Loaded;
use crate::style::{FAINT, STRONG};
use conformance::driver::Verdict;
use manifest::EndpointName;
use oracle::service::Roll;
use oracle::{Judgement, Probe};
use std::io::{self, Write};
use std::net::SocketAddr;

/// What becomes of a connection through a service, with everything that speaks for it.
pub(super) struct Through<'a> {
    /// Where the cluster is from.
    pub(super) loaded: &'a Loaded,
    /// Who judges.
    pub(super) judge: Judge,
    /// The connection itself.
    pub(super) answer: Answer,
    /// Who is behind the service.
    pub(super) roll: Roll,
    /// One for each backend that the service may choose.
    pub(super) ways: Vec<Case<'a>>,
}

impl Through<'_> {
    /// Whether the driver says what the text of the API says of every backend, and of the service what it says of one.
    pub(super) fn is_sound(&self) -> bool {
        let Answer { outcome, ways, .. } = &self.answer;
        let is_as_with = |way: &Answer| way.outcome.verdict == outcome.verdict;
        let is_served = if self.ways.is_empty() {
            self.answer.finding() == Finding::Unserved
        } else {
            ways.iter().any(is_as_with)
        };
        let is_lost = outcome.verdict == Verdict::Lost;
        is_served && !is_lost && !self.answer.is_stray() && self.ways.iter().all(Case::is_sound)
    }

    /// The backends in groups of which the same is to be told, in the order of their first.
    fn groups(&self) -> Vec<Vec<&Case<'_>>> {
        let mut groups: Vec<Vec<&Case<'_>>> = Vec::new();
        for way in &self.ways {
            match groups.iter_mut().find(|group| is_alike(group[0], way)) {
                Some(group) => group.push(way),
                None => groups.push(vec![way]),
            }
        }
        groups
    }
}

fn is_alike(one: &Case<'_>, other: &Case<'_>) -> bool {
    let said = |case: &Case<'_>| -> (Verdict, Judgement) {
        (
            case.answer.outcome.verdict,
            case.explanation.judgement.clone(),
        )
    };
    said(one) == said(other)
}

/// Writes the verdict, who is behind the service, and each group of backends.
pub(super) fn write(out: &mut dyn Write, through: &Through<'_>) -> io::Result<()> {
    let Through {
        loaded,
        judge,
        answer,
        ..
    } = through;
    report::write_verdict(out, judge.driver, answer)?;
    writeln!(out)?;
    end::write_both(out, &loaded.cluster, *judge, &answer.probe)?;
    writeln!(out)?;
    behind::write(out, through)?;
    for group in through.groups() {
        writeln!(out)?;
        write_group(out, &answer.probe, &group)?;
    }
    if through.is_sound() {
        return Ok(());
    }
    report::write_dissent(out, judge.driver)
}

fn write_group(out: &mut dyn Write, asked: &Probe, group: &[&Case<'_>]) -> io::Result<()> {
    let first = &group[0].answer;
    let style = report::style_of(first.finding());
    let names = group.iter().map(|case| case.answer.probe.to.to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    writeln!(
        out,
        "{style}{}{style:#}{STRONG}: {names}{STRONG:#}",
        first.verdict()
    )?;
    for case in group {
        writeln!(out, "  {}", translation(asked, &case.answer.probe))?;
        way::write(out, case)?;
    }
    write_sides(out, group[0])
}

/// `svc/shop/web 10.96.1.0:80 → pod shop/web-1 10.244.0.3:8080`.
fn translation(asked: &Probe, really: &Probe) -> String {
    let end = |probe: &Probe| {
        let address = match probe.port {
            Some(port) => SocketAddr::new(probe.address, port).to_string(),
            None => probe.address.to_string(),
        };
        format!("{STRONG}{}{STRONG:#} {address}", named(probe))
    };
    format!("{} {FAINT}→{FAINT:#} {}", end(asked), end(really))
}

fn named(probe: &Probe) -> String {
    match &probe.to {
        EndpointName::Pod(name) => format!("pod {name}"),
        other => other.to_string(),
    }
}
