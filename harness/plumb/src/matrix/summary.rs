//! Below the table: how many were denied or audited, where, and by which policies.

use crate::answer::{Answer, Direction};
use crate::finding::Finding;
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use anstyle::Style;
use conformance::driver::DriverKind;
use manifest::{EndpointName, PolicyName};
use oracle::Side;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// How policies object to a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Objection {
    Isolation,
    Rule,
    Audit,
}

impl Objection {
    const ALL: [Self; 3] = [Self::Isolation, Self::Rule, Self::Audit];

    /// What to call it, and what it means.
    const fn title(self) -> (&'static str, &'static str) {
        match self {
            Self::Isolation => (
                "Who denied",
                "isolated by these policies, no rule of theirs matched",
            ),
            Self::Rule => ("Who denied", "by a rule of theirs"),
            Self::Audit => ("Who would deny", "let through, for they are in audit mode"),
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Isolation | Self::Rule => BAD,
            Self::Audit => CARE,
        }
    }
}

/// Who objects: the side and its policies.
type Objector<'a> = (Direction, &'a [PolicyName]);

/// Connections to which the same policies object on the same side.
#[derive(Default)]
struct Objected<'a> {
    ends: BTreeSet<&'a EndpointName>,
    count: usize,
}

/// Writes the totals and who objects.
pub(super) fn write(out: &mut dyn Write, driver: DriverKind, answers: &[Answer]) -> io::Result<()> {
    write_totals(out, driver, answers)?;
    for objection in Objection::ALL {
        write_objectors(out, objection, &objectors(objection, answers))?;
    }
    write_drops(out, answers)
}

fn write_totals(out: &mut dyn Write, driver: DriverKind, answers: &[Answer]) -> io::Result<()> {
    let count = |finding: Finding| {
        let word = finding.word();
        let same = answers.iter().filter(|answer| answer.verdict() == word);
        same.count()
    };
    write!(
        out,
        "{STRONG}{}{STRONG:#} connections judged by {driver}: {GOOD}{} allowed{GOOD:#}, {BAD}{} denied{BAD:#}",
        answers.len(),
        count(Finding::Allowed),
        count(Finding::Denied),
    )?;
    for finding in [
        Finding::Audited,
        Finding::Mixed,
        Finding::Refused,
        Finding::Dropped,
        Finding::Lost,
    ] {
        match count(finding) {
            0 => {}
            some => write!(out, ", {CARE}{some} {}{CARE:#}", finding.word())?,
        }
    }
    writeln!(out)
}

fn objectors(objection: Objection, answers: &[Answer]) -> BTreeMap<Objector<'_>, Objected<'_>> {
    let mut objectors = BTreeMap::<Objector<'_>, Objected<'_>>::new();
    for answer in answers {
        let mut counted = BTreeSet::new();
        for (objector, end) in objections(objection, answer) {
            let objected = objectors.entry(objector).or_default();
            objected.ends.insert(end);
            objected.count += usize::from(counted.insert(objector));
        }
    }
    objectors
}

/// Who objects to a connection, and at which ends: to one through a service, at every backend that it may choose.
fn objections(
    objection: Objection,
    answer: &Answer,
) -> impl Iterator<Item = (Objector<'_>, &EndpointName)> {
    let sides = [Direction::Egress, Direction::Ingress];
    let ways = answer.judged();
    ways.flat_map(move |way| sides.map(|direction| (way, direction)))
        .filter_map(move |(way, direction)| {
            let policies = objecting(objection, way, direction)?;
            Some(((direction, policies), way.end(direction)))
        })
}

/// The policies that object in this way at this end, if they had the last word there.
fn objecting(objection: Objection, answer: &Answer, direction: Direction) -> Option<&[PolicyName]> {
    let is_deciding = answer
        .denied_at()
        .is_none_or(|decided| decided == direction);
    let isolates = |policies: &[PolicyName]| {
        let mut policies = policies.iter();
        policies.all(|policy| policy.kind.isolates())
    };
    match answer.side(direction)? {
        Side::Denied(policies) => {
            let made = if isolates(policies) {
                Objection::Isolation
            } else {
                Objection::Rule
            };
            (is_deciding && made == objection).then_some(policies)
        }
        Side::Audited(policies) => {
            (is_deciding && objection == Objection::Audit).then_some(policies)
        }
        Side::NotIsolated | Side::Allowed(_) => None,
    }
}

fn write_objectors(
    out: &mut dyn Write,
    objection: Objection,
    objectors: &BTreeMap<Objector<'_>, Objected<'_>>,
) -> io::Result<()> {
    if objectors.is_empty() {
        return Ok(());
    }
    let (title, why) = objection.title();
    writeln!(out, "\n{STRONG}{title}{STRONG:#} {FAINT}({why}){FAINT:#}")?;
    let rows = objectors.iter().map(|((direction, policies), objected)| {
        let what = format!("{direction} of {}", list(&objected.ends));
        (what, objected.count, list(*policies))
    });
    let rows: Vec<_> = rows.collect();
    let widest = rows.iter().map(|(what, ..)| what.len()).max().unwrap_or(0);
    let style = objection.style();
    for (what, count, policies) in rows {
        writeln!(
            out,
            "  {what:<widest$}  {style}{count:>5}{style:#}  {policies}"
        )?;
    }
    Ok(())
}

/// Drops that no policy made.
fn write_drops(out: &mut dyn Write, answers: &[Answer]) -> io::Result<()> {
    let mut reasons = BTreeMap::<&str, usize>::new();
    for answer in answers {
        if answer.finding() == Finding::Dropped {
            *reasons.entry(answer.reason()).or_default() += 1;
        }
    }
    for (reason, count) in reasons {
        writeln!(
            out,
            "  {CARE}{reason}{CARE:#}: {count} dropped, not by a policy"
        )?;
    }
    Ok(())
}

/// The first few of `items`, and how many more there are.
fn list<T: ToString>(items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> String {
    /// More are counted only.
    const SHOWN: usize = 4;
    let items = items.into_iter();
    let more = items.len().saturating_sub(SHOWN);
    let shown: Vec<String> = items.take(SHOWN).map(|item| item.to_string()).collect();
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{made_up, made_up_through};
    use abi::DropReason;
    use conformance::driver::Verdict;

    #[test]
    fn denials_are_counted_by_policy_and_other_drops_by_reason() {
        let mut full = made_up("10.0.0.1", "82", Verdict::Allowed);
        full.outcome.verdict = Verdict::Dropped;
        full.outcome.reason = Some(DropReason::ConntrackFull);
        let answers = [
            made_up("10.0.0.1", "80", Verdict::Denied),
            made_up("10.0.0.1", "81", Verdict::Denied),
            full,
            made_up("10.0.0.1", "83", Verdict::Lost),
        ];
        let mut out = vec![];
        write(&mut out, DriverKind::Kernel, &answers).unwrap();
        let expected = "\
4 connections judged by kernel: 0 allowed, 2 denied, 1 dropped, 1 lost

Who denied (isolated by these policies, no rule of theirs matched)
  ingress of shop/db      2  shop/deny
  conntrack_full: 1 dropped, not by a policy
";
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), expected);
    }

    #[test]
    fn a_connection_through_a_service_counts_once_and_names_every_backend_that_denies() {
        let answers = [
            made_up_through(&[Verdict::Denied, Verdict::Denied]),
            made_up_through(&[Verdict::Allowed, Verdict::Denied]),
        ];
        let mut out = vec![];
        write(&mut out, DriverKind::Kernel, &answers).unwrap();
        let expected = "\
2 connections judged by kernel: 0 allowed, 1 denied, 1 mixed

Who denied (isolated by these policies, no rule of theirs matched)
  ingress of shop/db-1, shop/db-2      2  shop/deny
";
        let shown = String::from_utf8(out).unwrap();
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), expected);
    }

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(list(["a", "b"]), "a, b");
        assert_eq!(
            list(["a", "b", "c", "d", "e", "f"]),
            "a, b, c, d and 2 more"
        );
    }
}
