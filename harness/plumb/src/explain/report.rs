//! The explanation as people read it: the verdict first, then each side.

use super::{Case, end, side, way};
use crate::answer::{Answer, Direction};
use crate::finding::Finding;
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use anstyle::Style;
use conformance::driver::DriverKind;
use manifest::Protocol;
use std::io::{self, Write};

/// Writes the whole explanation.
pub(super) fn write(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    write_verdict(out, case.judge.driver, &case.answer)?;
    writeln!(out)?;
    end::write_both(out, &case.loaded.cluster, case.judge, &case.answer.probe)?;
    way::write(out, case)?;
    write_sides(out, case)?;
    if case.agrees() {
        return Ok(());
    }
    write_dissent(out, case.judge.driver)
}

/// Writes what each side says, behind an empty line.
pub(super) fn write_sides(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    for direction in [Direction::Egress, Direction::Ingress] {
        writeln!(out)?;
        side::write(out, case, direction)?;
    }
    Ok(())
}

/// Writes that driver and oracle part.
pub(super) fn write_dissent(out: &mut dyn Write, driver: DriverKind) -> io::Result<()> {
    writeln!(
        out,
        "\n{BAD}The API text says otherwise{BAD:#}, and the rules above are read from it: the {driver} driver is wrong, or the oracle. `plumb matrix --against oracle` shows where they part."
    )
}

/// Writes the verdict and what it rests on.
pub(super) fn write_verdict(
    out: &mut dyn Write,
    driver: DriverKind,
    answer: &Answer,
) -> io::Result<()> {
    let finding = answer.finding();
    let style = style_of(finding);
    writeln!(
        out,
        "{style}{}{style:#}{STRONG}: {answer}{STRONG:#}",
        answer.verdict()
    )?;
    let reason = answer.reason();
    let generation = match answer.outcome.generation {
        0 => String::new(),
        generation => format!(", generation {generation}"),
    };
    let proof = proof(driver, finding, answer.probe.protocol);
    writeln!(
        out,
        "  {FAINT}{driver}: {proof} ({reason}{generation}){FAINT:#}"
    )
}

/// What the driver's word rests on.
const fn proof(driver: DriverKind, finding: Finding, protocol: Protocol) -> &'static str {
    match (driver, finding) {
        (_, Finding::Mixed) => "each backend that may be chosen was asked, and they differ",
        (_, Finding::Unserved) => refusal(protocol),
        (_, Finding::Refused) => "policies let it through, but nobody listens there",
        (DriverKind::Oracle, _) => "so the text of the API says",
        (DriverKind::Simulate, Finding::Allowed | Finding::Audited) => {
            "the programs pass it, in-process"
        }
        (DriverKind::Simulate, _) => "the programs drop it, in-process",
        (DriverKind::Kernel, Finding::Allowed) => "the packet arrived and was answered",
        (DriverKind::Kernel, Finding::Audited) => {
            "the packet arrived and was answered, and the event says audited"
        }
        (DriverKind::Kernel, Finding::Denied | Finding::Dropped) => {
            "the packet was dropped, and the event says so"
        }
        (DriverKind::Kernel, Finding::Lost) => {
            "neither an answer nor an event; `plumb doctor` checks this machine"
        }
    }
}

/// What a client gets that nobody can serve.
const fn refusal(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "nobody can serve it: the client gets a reset at once",
        Protocol::Sctp => "nobody can serve it: the client gets an ABORT at once",
        Protocol::Udp | Protocol::Icmp => {
            "nobody can serve it: the client gets the ICMP error of an unreachable port at once"
        }
    }
}

/// The colour of a finding.
pub(super) const fn style_of(finding: Finding) -> Style {
    match finding {
        Finding::Allowed => GOOD,
        Finding::Denied | Finding::Dropped => BAD,
        _ => CARE,
    }
}
