//! The explanation as people read it: the verdict first, then each side.

use super::{Case, end, side, way};
use crate::answer::Direction;
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use anstyle::Style;
use conformance::driver::{DriverKind, Verdict};
use std::io::{self, Write};

/// Writes the whole explanation.
pub(super) fn write(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    write_verdict(out, case)?;
    writeln!(out)?;
    end::write_both(out, case)?;
    way::write(out, case)?;
    for direction in [Direction::Egress, Direction::Ingress] {
        writeln!(out)?;
        side::write(out, case, direction)?;
    }
    if case.agrees() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{BAD}The API text says otherwise{BAD:#}, and the rules above are read from it: the {} driver is wrong, or the oracle. `plumb matrix --against oracle` shows where they part.",
        case.judge.driver
    )
}

fn write_verdict(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    let answer = &case.answer;
    let style = style_of(answer.outcome.verdict);
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
    let driver = case.judge.driver;
    let proof = proof(driver, answer.outcome.verdict);
    writeln!(
        out,
        "  {FAINT}{driver}: {proof} ({reason}{generation}){FAINT:#}"
    )
}

/// What the driver's word rests on.
const fn proof(driver: DriverKind, verdict: Verdict) -> &'static str {
    match (driver, verdict) {
        (_, Verdict::Refused) => "policies let it through, but nobody listens there",
        (DriverKind::Oracle, _) => "so the text of the API says",
        (DriverKind::Simulate, Verdict::Allowed | Verdict::Audited) => {
            "the programs pass it, in-process"
        }
        (DriverKind::Simulate, _) => "the programs drop it, in-process",
        (DriverKind::Kernel, Verdict::Allowed) => "the packet arrived and was answered",
        (DriverKind::Kernel, Verdict::Audited) => {
            "the packet arrived and was answered, and the event says audited"
        }
        (DriverKind::Kernel, Verdict::Denied | Verdict::Dropped) => {
            "the packet was dropped, and the event says so"
        }
        (DriverKind::Kernel, Verdict::Lost) => {
            "neither an answer nor an event; `plumb doctor` checks this machine"
        }
    }
}

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allowed => GOOD,
        Verdict::Denied | Verdict::Dropped => BAD,
        Verdict::Audited | Verdict::Refused | Verdict::Lost => CARE,
    }
}
