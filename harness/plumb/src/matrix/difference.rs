//! Where two drivers part.

use crate::answer::Answer;
use crate::matrix::records;
use crate::style::{BAD, FAINT, GOOD, STRONG};
use conformance::driver::DriverKind;
use oracle::Side;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The same probe, answered differently.
pub(super) struct Difference<'a> {
    ours: &'a Answer,
    theirs: &'a Answer,
}

/// Who gave the answers on either side.
#[derive(Clone, Copy)]
pub(super) struct Drivers {
    /// The driver of `--driver`.
    pub(super) ours: DriverKind,
    /// The driver of `--against`.
    pub(super) theirs: DriverKind,
}

/// The probes that the two answered differently. Generations are each driver's own and do not count.
pub(super) fn differences<'a>(ours: &'a [Answer], theirs: &'a [Answer]) -> Vec<Difference<'a>> {
    let pairs = ours.iter().zip(theirs);
    pairs
        .filter(|(ours, theirs)| differ(ours, theirs))
        .map(|(ours, theirs)| Difference { ours, theirs })
        .collect()
}

/// Of what goes through a service the backends are compared, and not which of them was chosen.
fn differ(ours: &Answer, theirs: &Answer) -> bool {
    let mut backends = ours.judged().zip(theirs.judged());
    ours.finding() != theirs.finding()
        || ours.is_stray() != theirs.is_stray()
        || backends.any(|(ours, theirs)| judged_differ(ours, theirs))
}

fn judged_differ(ours: &Answer, theirs: &Answer) -> bool {
    let (a, b) = (&ours.outcome, &theirs.outcome);
    a.verdict != b.verdict
        || a.reason != b.reason
        || sides_differ(a.egress.as_ref(), b.egress.as_ref())
        || sides_differ(a.ingress.as_ref(), b.ingress.as_ref())
}

/// A side that one driver did not ask is open to it, as one that nothing isolates.
fn sides_differ(a: Option<&Side>, b: Option<&Side>) -> bool {
    let said = |side: Option<&Side>| side.cloned().unwrap_or(Side::NotIsolated);
    said(a) != said(b)
}

/// For people: one block a difference, and how many there are.
pub(super) fn write_text(
    out: &mut dyn Write,
    drivers: Drivers,
    differences: &[Difference<'_>],
    judged: usize,
) -> io::Result<()> {
    let Drivers { ours, theirs } = drivers;
    for difference in differences {
        writeln!(out, "{STRONG}{}{STRONG:#}", difference.ours)?;
        write_answer(out, ours, difference.ours)?;
        write_answer(out, theirs, difference.theirs)?;
    }
    let (style, found) = match differences.len() {
        0 => (GOOD, "no differences".to_owned()),
        1 => (BAD, "1 difference".to_owned()),
        several => (BAD, format!("{several} differences")),
    };
    writeln!(
        out,
        "{style}{found}{style:#} between {ours} and {theirs} in {judged} connections"
    )
}

fn write_answer(out: &mut dyn Write, driver: DriverKind, answer: &Answer) -> io::Result<()> {
    let sides = [
        ("egress", &answer.outcome.egress),
        ("ingress", &answer.outcome.ingress),
    ];
    let sides = sides.map(|(name, side)| match side {
        Some(side) => format!("{name} {side}"),
        None => format!("{name} not asked"),
    });
    writeln!(
        out,
        "  {driver:<8}  {:<7}  {FAINT}{}; {}{FAINT:#}",
        answer.verdict(),
        answer.reason(),
        sides.join(", "),
    )
}

/// For programs: one JSON object a difference, with both records.
pub(super) fn write_json(
    out: &mut dyn Write,
    drivers: Drivers,
    differences: &[Difference<'_>],
) -> io::Result<()> {
    for Difference { ours, theirs } in differences {
        let mut line = serde_json::Map::<String, Value>::new();
        line.insert(drivers.ours.to_string(), json!(records::record(ours)));
        line.insert(drivers.theirs.to_string(), json!(records::record(theirs)));
        writeln!(out, "{}", Value::Object(line))?;
    }
    Ok(())
}

/// For programs: both records of each difference, one below the other, behind the name of the driver.
pub(super) fn write_csv(
    out: &mut dyn Write,
    drivers: Drivers,
    differences: &[Difference<'_>],
) -> io::Result<()> {
    writeln!(out, "driver,{}", records::csv_heading())?;
    for Difference { ours, theirs } in differences {
        writeln!(out, "{},{}", drivers.ours, records::csv_line(ours))?;
        writeln!(out, "{},{}", drivers.theirs, records::csv_line(theirs))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{made_up, made_up_through};
    use conformance::driver::Verdict::{Allowed, Denied};

    const DRIVERS: Drivers = Drivers {
        ours: DriverKind::Kernel,
        theirs: DriverKind::Oracle,
    };

    fn shown(write: impl FnOnce(&mut dyn Write, &[Difference<'_>]) -> io::Result<()>) -> String {
        let ours = ["80", "81"].map(|port| made_up("10.0.0.1", port, Allowed));
        let theirs = [("80", Denied), ("81", Allowed)];
        let mut theirs = theirs.map(|(port, verdict)| made_up("10.0.0.1", port, verdict));
        theirs[1].outcome.generation = 0;
        theirs[1].outcome.ingress = None;
        let mut out = vec![];
        write(&mut out, &differences(&ours, &theirs)).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn people_see_what_each_driver_says() {
        let text = shown(|out, found| write_text(out, DRIVERS, found, 2));
        let expected = "\
shop/web → shop/db 80/TCP (10.0.0.1)
  kernel    allowed  no policy; egress not isolated, ingress not isolated
  oracle    denied   policy_denied_ingress; egress not isolated, ingress denied by shop/deny
1 difference between kernel and oracle in 2 connections
";
        assert_eq!(text, expected);
    }

    #[test]
    fn another_choice_of_the_service_is_no_difference_another_verdict_of_a_backend_is() {
        let ours = [made_up_through(&[Allowed, Denied])];
        let mut theirs = ours.clone();
        theirs[0].outcome = ours[0].ways[1].outcome.clone();
        assert!(differences(&ours, &theirs).is_empty());
        theirs[0].ways.swap(0, 1);
        assert_eq!(differences(&ours, &theirs).len(), 1);
    }

    #[test]
    fn programs_see_both_records() {
        let json = shown(|out, found| write_json(out, DRIVERS, found));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["kernel"]["verdict"], "allowed");
        assert_eq!(json["oracle"]["policies"], json!(["shop/deny"]));
        let csv = shown(|out, found| write_csv(out, DRIVERS, found));
        let starts = csv.lines().map(|line| line.split(',').next());
        assert!(
            starts.eq([Some("driver"), Some("kernel"), Some("oracle")]),
            "{csv}"
        );
    }
}
