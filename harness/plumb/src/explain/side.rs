//! One side of a connection: who decides there, by which rules, or which rule came nearest.

use super::Case;
use super::open::why_open;
use crate::answer::Direction;
use crate::snippet;
use crate::style::{BAD, CARE, FAINT, GOOD, STRONG};
use annotate_snippets::Level;
use manifest::PolicyName;
use oracle::{Action, RuleTrace, Side};
use std::io::{self, Write};

/// Writes what one side says: the driver's answer, and the rules as the API text reads.
pub(super) fn write(out: &mut dyn Write, case: &Case<'_>, direction: Direction) -> io::Result<()> {
    let told = case.answer.side(direction);
    let read = &case.explanation.judgement;
    let read = match direction {
        Direction::Egress => &read.egress,
        Direction::Ingress => &read.ingress,
    };
    let end = case.answer.end(direction);
    let asked = if told.is_some() { "" } else { " (not asked)" };
    write!(out, "{STRONG}{direction} of {end}{STRONG:#}{asked}: ")?;
    match told.unwrap_or(read) {
        Side::NotIsolated => writeln!(out, "{GOOD}open{GOOD:#}, {}", why_open(case, direction)),
        Side::Allowed(policies) => {
            let rules = deciding(case, direction, policies);
            writeln!(out, "{GOOD}allowed{GOOD:#} by {}", these_rules(&rules))?;
            write_rules(out, case, "allowed by", &rules)
        }
        Side::Audited(policies) => {
            write!(
                out,
                "{CARE}audited{CARE:#}: let through in audit mode, though denied"
            )?;
            write_denial(out, case, direction, policies)
        }
        Side::Denied(policies) => {
            write!(out, "{BAD}denied{BAD:#}")?;
            write_denial(out, case, direction, policies)
        }
    }
}

/// Who denies it: the rule of a tier, or the policies that isolate this end.
fn write_denial(
    out: &mut dyn Write,
    case: &Case<'_>,
    direction: Direction,
    policies: &[PolicyName],
) -> io::Result<()> {
    let rules = deciding(case, direction, policies);
    if rules.is_empty() {
        writeln!(
            out,
            ", isolated by these policies and allowed by no rule of theirs"
        )?;
        write_isolating(out, case, direction, policies)?;
        write_nearest(out, case, direction)
    } else {
        writeln!(out, " by {}", these_rules(&rules))?;
        write_rules(out, case, "denied by", &rules)
    }
}

const fn these_rules(rules: &[&RuleTrace]) -> &'static str {
    match rules {
        [_] => "this rule",
        _ => "these rules",
    }
}

/// The rules of these policies that decide: the first that matches in a tier, all that match in network policies.
fn deciding<'a>(
    case: &'a Case<'_>,
    direction: Direction,
    policies: &[PolicyName],
) -> Vec<&'a RuleTrace> {
    let matching = policies.iter().flat_map(|name| {
        let count = if name.kind.isolates() { usize::MAX } else { 1 };
        let matching = traces(case, direction)
            .filter(move |rule| rule.policy == *name && rule.outcome.is_ok());
        matching.take(count)
    });
    matching.collect()
}

/// The rules of one direction that were looked at.
pub(super) fn traces<'a>(
    case: &'a Case<'_>,
    direction: Direction,
) -> impl Iterator<Item = &'a RuleTrace> {
    let field = format!(".{direction}[");
    let rules = case.explanation.rules.iter();
    rules.filter(move |rule| rule.path.contains(&field))
}

fn write_rules(
    out: &mut dyn Write,
    case: &Case<'_>,
    word: &str,
    rules: &[&RuleTrace],
) -> io::Result<()> {
    for rule in rules {
        write_rule(out, case, rule, word, &rule.path, "this rule matches")?;
    }
    Ok(())
}

fn write_isolating(
    out: &mut dyn Write,
    case: &Case<'_>,
    direction: Direction,
    policies: &[PolicyName],
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
        let origin = case.loaded.cluster.policy_origin(name);
        let place = origin.map(|origin| origin.location.to_string());
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
    let allowing = traces(case, direction).filter(|rule| rule.action == Action::Allow);
    let nearest = allowing.reduce(|best, next| {
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
    let Some(origin) = case.loaded.cluster.policy_origin(&trace.policy) else {
        return Ok(());
    };
    let location = origin.locate(path);
    let line = case.loaded.applied.line(&location);
    let title = format!("{} {}", trace.policy, trace.path);
    let level = Level::NOTE.with_name(word);
    write!(
        out,
        "{}",
        snippet::remark(level, &title, &location, line, label)
    )
}
