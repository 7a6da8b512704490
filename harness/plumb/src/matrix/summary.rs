//! Below the table: how many were denied, where, and by which policies.

use crate::answer::{Answer, Direction};
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use conformance::driver::{DriverKind, Verdict};
use manifest::{EndpointName, ObjectName};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// Denials that the same policies made on the same side.
#[derive(Default)]
struct Denials<'a> {
    ends: BTreeSet<&'a EndpointName>,
    count: usize,
}

/// Who denied: side and isolating policies.
type Denier<'a> = (Direction, Vec<&'a ObjectName>);

/// Writes the totals and who denied.
pub(super) fn write(out: &mut dyn Write, driver: DriverKind, answers: &[Answer]) -> io::Result<()> {
    write_totals(out, driver, answers)?;
    write_denials(out, &denials(answers))?;
    write_drops(out, answers)
}

fn write_totals(out: &mut dyn Write, driver: DriverKind, answers: &[Answer]) -> io::Result<()> {
    let count = |verdict| {
        let same = answers.iter().filter(|a| a.outcome.verdict == verdict);
        same.count()
    };
    write!(
        out,
        "{STRONG}{}{STRONG:#} connections judged by {driver}: {GOOD}{} allowed{GOOD:#}, {BAD}{} denied{BAD:#}",
        answers.len(),
        count(Verdict::Allowed),
        count(Verdict::Denied),
    )?;
    for (verdict, word) in [(Verdict::Refused, "refused"), (Verdict::Lost, "lost")] {
        match count(verdict) {
            0 => {}
            some => write!(out, ", {CARE}{some} {word}{CARE:#}")?,
        }
    }
    writeln!(out)
}

fn denials(answers: &[Answer]) -> BTreeMap<Denier<'_>, Denials<'_>> {
    let mut denials = BTreeMap::<Denier<'_>, Denials<'_>>::new();
    for answer in answers {
        if let Some((direction, end)) = answer.denier() {
            let group = denials.entry((direction, answer.policies())).or_default();
            group.ends.insert(end);
            group.count += 1;
        }
    }
    denials
}

fn write_denials(
    out: &mut dyn Write,
    denials: &BTreeMap<Denier<'_>, Denials<'_>>,
) -> io::Result<()> {
    if denials.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{STRONG}Who denied{STRONG:#} {FAINT}(isolated by these policies, no rule of theirs matched){FAINT:#}"
    )?;
    let rows = denials.iter().map(|((direction, policies), group)| {
        let what = format!("{direction} of {}", list(&group.ends));
        (what, group.count, list(policies))
    });
    let rows: Vec<_> = rows.collect();
    let widest = rows.iter().map(|(what, ..)| what.len()).max().unwrap_or(0);
    for (what, count, policies) in rows {
        writeln!(out, "  {what:<widest$}  {BAD}{count:>5}{BAD:#}  {policies}")?;
    }
    Ok(())
}

/// Drops that no policy made.
fn write_drops(out: &mut dyn Write, answers: &[Answer]) -> io::Result<()> {
    let mut reasons = BTreeMap::<&str, usize>::new();
    for answer in answers {
        if answer.outcome.verdict == Verdict::Denied && answer.denied_at().is_none() {
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
