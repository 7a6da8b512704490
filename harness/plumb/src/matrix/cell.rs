//! One cell of the table: everything that was tried between two ends, in a few characters.

use crate::answer::Answer;
use crate::finding::Finding;
use crate::port::PortSpec;
use crate::style::{BAD, CARE, FAINT, GOOD};
use crate::text::Text;
use anstyle::Style;
use std::collections::{BTreeMap, BTreeSet};

/// The signs, best first, with what the legend says of them.
pub(super) const SIGNS: [(Finding, Style, &str, &str); 8] = [
    (Finding::Allowed, GOOD, "✓", "allowed"),
    (
        Finding::Audited,
        CARE,
        "~",
        "audited: let through, denied but for audit mode",
    ),
    (
        Finding::Mixed,
        CARE,
        "±",
        "depends on the backend that the service chooses",
    ),
    (
        Finding::Refused,
        CARE,
        "○",
        "let through, but nobody listens",
    ),
    (
        Finding::Unserved,
        CARE,
        "∅",
        "refused: the service has no backend there",
    ),
    (Finding::Denied, BAD, "✗", "denied"),
    (Finding::Dropped, BAD, "⊘", "dropped, and not by policy"),
    (
        Finding::Lost,
        CARE,
        "!",
        "lost: neither an answer nor an event",
    ),
];

/// Sums up what was tried: one sign when all of it went the same way, otherwise the ports that were not denied.
pub(super) fn cell(answers: &[&Answer]) -> Text {
    let findings: BTreeSet<Finding> = answers.iter().map(|a| a.finding()).collect();
    let is_uniform = findings.len() == 1;
    let mut text = Text::default();
    for (finding, style, sign, _) in SIGNS {
        if !findings.contains(&finding) || (finding == Finding::Denied && !is_uniform) {
            continue;
        }
        text.push(style, sign);
        if !is_uniform {
            text.push(style, ports(answers, finding));
        }
    }
    text
}

/// A cell between an end and itself, where no policy has a say.
pub(super) fn own_cell(answers: &[&Answer]) -> Text {
    let mut findings = answers.iter().map(|answer| answer.finding());
    if findings.all(|finding| finding == Finding::Allowed) {
        itself()
    } else {
        cell(answers)
    }
}

/// The sign of an end that reaches itself.
pub(super) fn itself() -> Text {
    Text::new(FAINT, "·")
}

/// The ports that got `finding`; one that got it over one address family only says which.
fn ports(answers: &[&Answer], finding: Finding) -> String {
    let mut families: BTreeMap<PortSpec, Vec<(bool, bool)>> = BTreeMap::new();
    for answer in answers {
        let outcome = (answer.probe.address.is_ipv4(), answer.finding() == finding);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{made_up, made_up_through};
    use Verdict::{Allowed, Audited, Denied, Lost, Refused};
    use conformance::driver::Verdict;

    const V4: &str = "10.0.0.1";
    const V6: &str = "fd00::1";

    #[track_caller]
    fn check(tried: &[(&str, &str, Verdict)], expected: &str) {
        let answers = tried
            .iter()
            .map(|(address, port, verdict)| made_up(address, port, *verdict));
        let answers: Vec<Answer> = answers.collect();
        let mut shown = vec![];
        let text = cell(&answers.iter().collect::<Vec<_>>());
        text.write_padded(&mut shown, 0).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), expected);
    }

    #[test]
    fn one_sign_stands_for_all_that_went_the_same_way() {
        check(&[(V4, "80", Allowed), (V6, "icmp", Allowed)], "✓");
        check(&[(V4, "80", Denied), (V4, "81", Denied)], "✗");
        check(&[(V4, "80", Audited)], "~");
        check(&[(V4, "80", Refused)], "○");
        check(&[(V4, "80", Lost), (V4, "81", Lost)], "!");
    }

    #[test]
    fn a_service_whose_backends_differ_has_a_sign_of_its_own() {
        let answer = made_up_through(&[Denied, Allowed]);
        assert_eq!(cell(&[&answer]), Text::new(CARE, "±"));
    }

    #[test]
    fn otherwise_the_ports_that_were_not_denied_are_named() {
        check(&[(V4, "80", Allowed), (V4, "icmp", Denied)], "✓ 80");
        let mixed = [
            (V4, "53/UDP", Allowed),
            (V4, "80", Allowed),
            (V4, "81", Refused),
            (V4, "82", Denied),
            (V4, "icmp", Lost),
        ];
        check(&mixed, "✓ 80 53/UDP ○ 81 ! ICMP");
    }

    #[test]
    fn a_port_that_differs_between_the_families_names_the_family() {
        check(&[(V4, "80", Allowed), (V6, "80", Denied)], "✓ 80(v4)");
        check(
            &[(V4, "80", Lost), (V6, "80", Allowed)],
            "✓ 80(v6) ! 80(v4)",
        );
    }
}
