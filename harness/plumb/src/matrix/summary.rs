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
    for verdict in [Verdict::Audited, Verdict::Refused, Verdict::Lost] {
        match count(verdict) {
            0 => {}
            some => write!(out, ", {CARE}{some} {verdict}{CARE:#}")?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::made_up;
    use abi::DropReason;

    #[test]
    fn denials_are_counted_by_policy_and_other_drops_by_reason() {
        let mut full = made_up("10.0.0.1", "82", Verdict::Allowed);
        full.outcome.verdict = Verdict::Denied;
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
4 connections judged by kernel: 0 allowed, 3 denied, 1 lost

Who denied (isolated by these policies, no rule of theirs matched)
  ingress of shop/db      2  shop/deny
  conntrack_full: 1 dropped, not by a policy
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
