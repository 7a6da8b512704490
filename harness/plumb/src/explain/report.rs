//! The explanation as people read it: the verdict first, then each side with its policies and rules.

use super::{Case, end};
use crate::answer::Direction;
use crate::snippet;
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use annotate_snippets::Level;
use anstyle::Style;
use conformance::driver::{DriverKind, Verdict};
use manifest::{EndpointName, ObjectName};
use oracle::{RuleTrace, Side};
use std::io::{self, Write};

/// Writes the whole explanation.
pub(super) fn write(out: &mut dyn Write, case: &Case<'_>) -> io::Result<()> {
    write_verdict(out, case)?;
    writeln!(out)?;
    end::write_both(out, case)?;
    for direction in [Direction::Egress, Direction::Ingress] {
        writeln!(out)?;
        write_side(out, case, direction)?;
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
        (DriverKind::Kernel, Verdict::Denied) => "the packet was dropped, and the event says so",
        (DriverKind::Kernel, Verdict::Lost) => {
            "neither an answer nor an event; `plumb doctor` checks this machine"
        }
    }
}

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allowed => GOOD,
        Verdict::Denied => BAD,
        Verdict::Audited | Verdict::Refused | Verdict::Lost => CARE,
    }
}

/// What one side says: the driver's answer, and the rules as the API text reads.
fn write_side(out: &mut dyn Write, case: &Case<'_>, direction: Direction) -> io::Result<()> {
    let probe = &case.answer.probe;
    let (end, told, read) = match direction {
        Direction::Egress => (
            &probe.from,
            &case.answer.outcome.egress,
            &case.explanation.judgement.egress,
        ),
        Direction::Ingress => (
            &probe.to,
            &case.answer.outcome.ingress,
            &case.explanation.judgement.ingress,
        ),
    };
    let asked = if told.is_some() { "" } else { " (not asked)" };
    write!(out, "{STRONG}{direction} of {end}{STRONG:#}{asked}: ")?;
    match told.as_ref().unwrap_or(read) {
        Side::NotIsolated => writeln!(out, "{GOOD}open{GOOD:#}, {}", why_open(case, direction)),
        Side::Allowed(_) => {
            writeln!(out, "{GOOD}allowed{GOOD:#} by these rules")?;
            write_allowing(out, case, direction)
        }
        Side::Audited(policies) => {
            writeln!(
                out,
                "{CARE}audited{CARE:#}, let through although these policies deny it: they are in audit mode"
            )?;
            write_isolating(out, case, direction, policies)?;
            write_nearest(out, case, direction)
        }
        Side::Denied(policies) => {
            writeln!(
                out,
                "{BAD}denied{BAD:#}, isolated by these policies and allowed by no rule of theirs"
            )?;
            write_isolating(out, case, direction, policies)?;
            write_nearest(out, case, direction)
        }
    }
}

/// Why no policy has a say.
fn why_open(case: &Case<'_>, direction: Direction) -> &'static str {
    let probe = &case.answer.probe;
    let end = match direction {
        Direction::Egress => &probe.from,
        Direction::Ingress => &probe.to,
    };
    let EndpointName::Pod(name) = end else {
        return "policies select pods only";
    };
    let pod = case.loaded.cluster.pods.get(name);
    let is_own_node = |node: &str| pod.is_some_and(|pod| pod.node == node);
    match &probe.from {
        from if *from == probe.to => "a pod always reaches itself",
        _ if pod.is_some_and(|pod| pod.host_network) => {
            "it is on its node's network, where policies select no pods"
        }
        EndpointName::Node(node) if is_own_node(node) => "a pod's own node always reaches it",
        _ => "no policy isolates it",
    }
}

fn traces<'a>(case: &'a Case<'_>, direction: Direction) -> impl Iterator<Item = &'a RuleTrace> {
    let prefix = format!("spec.{direction}[");
    let rules = case.explanation.rules.iter();
    rules.filter(move |rule| rule.path.starts_with(&prefix))
}

fn write_allowing(out: &mut dyn Write, case: &Case<'_>, direction: Direction) -> io::Result<()> {
    for trace in traces(case, direction).filter(|trace| trace.outcome.is_ok()) {
        write_rule(
            out,
            case,
            trace,
            "allowed by",
            &trace.path,
            "this rule matches",
        )?;
    }
    Ok(())
}

fn write_isolating(
    out: &mut dyn Write,
    case: &Case<'_>,
    direction: Direction,
    policies: &[ObjectName],
) -> io::Result<()> {
    let widest = policies.iter().map(|name| name.to_string().len()).max();
    let widest = widest.unwrap_or(0);
    for name in policies {
        let rules = traces(case, direction).filter(|trace| trace.policy == *name);
        let count = match rules.count() {
            0 => format!("no {direction} rules"),
            1 => format!("1 {direction} rule"),
            several => format!("{several} {direction} rules"),
        };
        let origin = case.loaded.cluster.policies.get(name);
        let place = origin.map(|policy| policy.origin.location.to_string());
        let place = place.unwrap_or_default();
        writeln!(
            out,
            "  {name:<widest$}  {count:<16}  {FAINT}{place}{FAINT:#}"
        )?;
    }
    Ok(())
}

/// The rule that came nearest to allowing it, the first of equals.
fn write_nearest(out: &mut dyn Write, case: &Case<'_>, direction: Direction) -> io::Result<()> {
    let nearest = traces(case, direction).reduce(|best, next| {
        if next.nearness > best.nearness {
            next
        } else {
            best
        }
    });
    match nearest {
        Some(
            trace @ RuleTrace {
                outcome: Err(why), ..
            },
        ) => {
            let (part, why) = split_part(why);
            let path = part.map_or_else(
                || trace.path.clone(),
                |part| format!("{}.{part}", trace.path),
            );
            write_rule(out, case, trace, "nearest rule", &path, why)
        }
        _ => Ok(()),
    }
}

/// The part of the rule that a reason is about, and what to say there: `from[0]: pod …` is said of `from[0]`.
fn split_part(why: &str) -> (Option<&str>, &str) {
    match why.split_once(": ") {
        Some((peer, rest)) if peer.starts_with("from[") || peer.starts_with("to[") => {
            (Some(peer), rest)
        }
        Some(("ports", _)) => (Some("ports"), why),
        _ => (None, why),
    }
}

fn write_rule(
    out: &mut dyn Write,
    case: &Case<'_>,
    trace: &RuleTrace,
    word: &str,
    path: &str,
    label: &str,
) -> io::Result<()> {
    let Some(policy) = case.loaded.cluster.policies.get(&trace.policy) else {
        return Ok(());
    };
    let location = policy.origin.locate(path);
    let line = case.loaded.applied.line(&location);
    let title = format!("{} {}", trace.policy, trace.path);
    let level = Level::NOTE.with_name(word);
    write!(
        out,
        "{}",
        snippet::remark(level, &title, &location, line, label)
    )
}
