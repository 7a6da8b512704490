//! Asks witnesses the same questions and finds where they part.

use crate::records;
use conformance::driver::{Driver, DriverKind, Mode, Outcome, Sighting, Verdict, open};
use conformance::generate::{Round, Story};
use oracle::{Probe, Side};
use std::fmt::Write;

type Witness = (DriverKind, Box<dyn Driver + Send>);
type Report = (DriverKind, Vec<Sighting>);
type Testimony = (DriverKind, Vec<Outcome>);

/// Tells the story to every witness in both modes; the error says where they part, or who cannot answer.
pub(crate) fn hear(kinds: &[DriverKind], story: &Story) -> Result<(), String> {
    for mode in crate::MODES {
        let mut witnesses = summon(kinds, mode)?;
        for (step, round) in story.rounds.iter().enumerate() {
            let testimonies = ask(&mut witnesses, round)?;
            compare(round, &testimonies)
                .and_then(|()| reports(&mut witnesses))
                .and_then(|reports| {
                    compare_reports(&reports)?;
                    let mut reports = reports.iter();
                    reports.try_for_each(|(kind, report)| {
                        records::compare(*kind, &round.cluster, mode, &round.probes, report)
                    })
                })
                .map_err(|parting| format!("step {}, mode {mode:?}: {parting}", step + 1))?;
        }
    }
    Ok(())
}

/// Opens the drivers.
pub(crate) fn summon(kinds: &[DriverKind], mode: Mode) -> Result<Vec<Witness>, String> {
    let opened = kinds.iter().map(|&kind| {
        let mut driver = open(kind, mode).map_err(|error| error.to_string())?;
        let kept = driver.keep_reports();
        kept.map_err(|error| error.to_string())?;
        Ok((kind, driver))
    });
    opened.collect()
}

fn ask(witnesses: &mut [Witness], round: &Round) -> Result<Vec<Testimony>, String> {
    let testimonies = witnesses.iter_mut().map(|(kind, driver)| {
        let applied = driver.apply(&round.cluster);
        let outcomes = applied.and_then(|_| driver.probe(&round.probes));
        let outcomes = outcomes.map_err(|error| format!("the {kind} driver failed: {error:#}"))?;
        Ok((*kind, outcomes))
    });
    testimonies.collect()
}

fn compare(round: &Round, testimonies: &[Testimony]) -> Result<(), String> {
    for (number, probe) in round.probes.iter().enumerate() {
        let answers: Vec<_> = testimonies
            .iter()
            .map(|(kind, outcomes)| (*kind, &outcomes[number]))
            .collect();
        let agree = answers.windows(2).all(|pair| same(pair[0].1, pair[1].1));
        let is_lost = answers
            .iter()
            .any(|(_, outcome)| outcome.verdict == Verdict::Lost);
        if !agree || is_lost {
            return Err(parting(probe, &answers));
        }
    }
    Ok(())
}

fn reports(witnesses: &mut [Witness]) -> Result<Vec<Report>, String> {
    let reports = witnesses.iter_mut().map(|(kind, driver)| {
        let reported = driver.flows();
        let reported = reported.map_err(|error| format!("the {kind} driver failed: {error:#}"))?;
        Ok((*kind, reported.sightings))
    });
    reports.collect()
}

/// Whatever happened is reported, and nothing else.
fn compare_reports(reports: &[Report]) -> Result<(), String> {
    let reports = reports.iter().map(|(kind, sightings)| {
        let mut told: Vec<String> = sightings.iter().map(told).collect();
        told.sort();
        (kind, told)
    });
    let reports: Vec<_> = reports.collect();
    for pair in reports.windows(2) {
        let [(one, of_one), (other, of_other)] = pair else {
            continue;
        };
        let [only_one, only_other] = [(of_one, of_other), (of_other, of_one)].map(|(a, b)| {
            let missing = a.iter().filter(|line| !b.contains(line));
            missing.fold(String::new(), |text, line| text + "\n    " + line)
        });
        if of_one != of_other {
            return Err(format!(
                "they report other flows\n  {one} alone:{only_one}\n  {other} alone:{only_other}"
            ));
        }
    }
    Ok(())
}

/// A flow without what each witness counts for itself: source ports and time. What was not asked said nothing.
fn told(sighting: &Sighting) -> String {
    let mut flow = sighting.flow.clone();
    flow.source.port = None;
    for side in [&mut flow.egress, &mut flow.ingress] {
        if *side == flow::Side::NotAsked {
            *side = flow::Side::NoPolicy;
        }
    }
    flow.to_string()
}

/// The same verdict, for the same reason, by the same policies, and outside the same sender. Generations are each witness's own.
fn same(left: &Outcome, right: &Outcome) -> bool {
    left.verdict == right.verdict
        && left.reason == right.reason
        && left.seen_from == right.seen_from
        && policies(left.egress.as_ref()) == policies(right.egress.as_ref())
        && policies(left.ingress.as_ref()) == policies(right.ingress.as_ref())
}

/// What policies said. That none had a say is the same whether the side was asked or not.
fn policies(side: Option<&Side>) -> &Side {
    side.unwrap_or(&Side::NotIsolated)
}

fn parting(probe: &Probe, answers: &[(DriverKind, &Outcome)]) -> String {
    let Probe {
        from,
        to,
        address,
        protocol,
        port,
    } = probe;
    let port = port.map_or_else(String::new, |port| format!(" {port}"));
    let mut text = format!("the witnesses part on {from} to {to} at {address}, {protocol}{port}");
    for (kind, outcome) in answers {
        let [egress, ingress] = [&outcome.egress, &outcome.ingress].map(|side| {
            side.as_ref()
                .map_or("not asked".to_owned(), Side::to_string)
        });
        let reason = outcome
            .reason
            .map_or_else(String::new, |reason| format!(" ({reason:?})"));
        let (verdict, seen) = (outcome.verdict, outcome.seen_from);
        let _ = write!(
            text,
            "\n  {kind}: {verdict:?}{reason}, egress {egress}, ingress {ingress}, seen from {seen:?}"
        );
    }
    text
}
