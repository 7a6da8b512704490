//! One cell of the table: everything that was tried between two ends, in a few characters.

use super::text::Text;
use crate::answer::Answer;
use crate::port::PortSpec;
use crate::style::{BAD, CARE, FAINT, GOOD};
use anstyle::Style;
use conformance::driver::Verdict;
use std::collections::{BTreeMap, BTreeSet};

/// The signs, best first, with what the legend says of them.
pub(super) const SIGNS: [(Verdict, Style, &str, &str); 4] = [
    (Verdict::Allowed, GOOD, "✓", "allowed"),
    (
        Verdict::Refused,
        CARE,
        "○",
        "let through, but nobody listens",
    ),
    (Verdict::Denied, BAD, "✗", "denied"),
    (
        Verdict::Lost,
        CARE,
        "!",
        "lost: neither an answer nor an event",
    ),
];

/// Sums up what was tried: one sign when all of it went the same way, otherwise the ports that were not denied.
pub(super) fn cell(answers: &[&Answer]) -> Text {
    let verdicts: BTreeSet<Verdict> = answers.iter().map(|a| a.outcome.verdict).collect();
    let is_uniform = verdicts.len() == 1;
    let mut text = Text::default();
    for (verdict, style, sign, _) in SIGNS {
        if !verdicts.contains(&verdict) || (verdict == Verdict::Denied && !is_uniform) {
            continue;
        }
        text.push(style, sign);
        if !is_uniform {
            text.push(style, ports(answers, verdict));
        }
    }
    text
}

/// A cell between an end and itself, where no policy has a say.
pub(super) fn own_cell(answers: &[&Answer]) -> Text {
    let mut verdicts = answers.iter().map(|answer| answer.outcome.verdict);
    if !answers.is_empty() && verdicts.all(|verdict| verdict == Verdict::Allowed) {
        Text::new(FAINT, "·")
    } else {
        cell(answers)
    }
}

/// The ports that got `verdict`; one that got it over one address family only says which.
fn ports(answers: &[&Answer], verdict: Verdict) -> String {
    let mut families: BTreeMap<PortSpec, Vec<(bool, bool)>> = BTreeMap::new();
    for answer in answers {
        let outcome = (
            answer.probe.address.is_ipv4(),
            answer.outcome.verdict == verdict,
        );
        families.entry(answer.port()).or_default().push(outcome);
    }
    let named = families.into_iter().filter_map(|(port, tried)| {
        let (is_v4, _) = tried.iter().find(|(_, hit)| *hit)?;
        let is_whole = tried.iter().all(|(_, hit)| *hit);
        Some(match (is_whole, is_v4) {
            (true, _) => port.to_string(),
            (false, true) => format!("{port}(v4)"),
            (false, false) => format!("{port}(v6)"),
        })
    });
    named.collect::<Vec<_>>().join(" ")
}
