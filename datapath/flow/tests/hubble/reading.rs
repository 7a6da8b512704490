//! What is read: lines as Hubble writes them, with much that Plumbline does not know.

use flow::hubble::{Line, PolicyMatch, TrafficDirection, Verdict};
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn lines() -> Vec<Line> {
    let text = include_str!("cilium.jsonl");
    text.lines().map(|line| Line::read(line).unwrap()).collect()
}

#[test]
fn a_policy_verdict_is_read_with_the_policies_behind_it() {
    let flow = lines().swap_remove(0).flow.unwrap();
    assert_eq!(flow.verdict, Verdict::Dropped);
    assert_eq!(flow.traffic_direction, TrafficDirection::Egress);
    assert_eq!(flow.drop_reason_desc, "POLICY_DENY");
    assert_eq!(
        PolicyMatch::name_of(flow.policy_match_type),
        Some("L3-Only")
    );
    assert_eq!(flow.egress_denied_by[0].to_string(), "shop/deny-db");
    let source = flow.source.unwrap();
    assert_eq!(
        (&*source.namespace, &*source.pod_name),
        ("shop", "web-9b649846d-bxqfc")
    );
    assert_eq!(source.workloads[0].kind, "Deployment");
    let ports = flow.l4.unwrap().ports().unwrap();
    assert_eq!((ports.source_port, ports.destination_port), (60524, 5432));
}

#[test]
fn traces_requests_and_echoes_are_flows_too() {
    let lines = lines();
    let verdicts: Vec<Option<Verdict>> = lines
        .iter()
        .map(|line| line.flow.as_ref().map(|flow| flow.verdict))
        .collect();
    let (dropped, forwarded) = (Some(Verdict::Dropped), Some(Verdict::Forwarded));
    assert_eq!(
        verdicts,
        [
            dropped,
            forwarded,
            forwarded,
            forwarded,
            Some(Verdict::Unknown),
            None,
            None,
            None
        ]
    );
    let flow = |index: usize| lines[index].flow.as_ref().unwrap();
    assert_eq!(flow(1).is_reply, Some(true));
    assert_eq!(flow(2).kind, "L7");
    assert!(flow(3).l4.as_ref().unwrap().icmp.is_some());
}

#[test]
fn lost_events_are_counted_and_other_reports_known() {
    let lines = lines();
    let lost = |index: usize| lines[index].lost_events.as_ref().unwrap().num_events_lost;
    assert_eq!((lost(5), lost(6)), (123, 5));
    assert!(lines[7].other);
}

#[track_caller]
fn check_refused(text: &str, column: Option<usize>, expected: &str) {
    let error = Line::read(text).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.column(), column);
}

#[test]
fn a_line_that_is_no_flow_says_why_and_where() {
    check_refused(
        "{}",
        None,
        "there is neither `flow` nor `lost_events` in it",
    );
    check_refused("Jun 4 12:00", Some(1), "expected value");
    check_refused(
        "{\"flow\":{\"verdict\":\"DROP",
        Some(24),
        "EOF while parsing a string",
    );
    check_refused(
        "{\"flow\":{\"IP\":{\"source\":\"nowhere\"}}}",
        Some(33),
        "invalid IP address syntax",
    );
    check_refused(
        "{\"lost_events\":{\"num_events_lost\":\"many\"}}",
        Some(41),
        "invalid digit found in string",
    );
}

proptest! {
    /// What is read and can be written is whole: read again it is the same.
    #[test]
    fn no_text_makes_reading_panic(text in hostile()) {
        let line = Line::read(&text).ok();
        if let Some(line) = line.filter(|line| !line.other) {
            prop_assert_eq!(Line::read(&line.to_string()).unwrap(), line);
        }
    }
}

/// A line of Hubble's with a piece of it replaced by anything.
fn hostile() -> impl Strategy<Value = String> {
    let lines: Vec<&str> = include_str!("cilium.jsonl").lines().collect();
    let piece = (
        any::<Index>(),
        0_usize..12,
        "[0-9\"{}:,\\[\\]a-z\\\\-]{0,8}|\\PC{0,4}",
    );
    (select(lines), piece).prop_map(|(line, (at, length, new))| {
        let characters: Vec<char> = line.chars().collect();
        let at = at.index(characters.len());
        let end = (at + length).min(characters.len());
        let (before, after) = (&characters[..at], &characters[end..]);
        before
            .iter()
            .copied()
            .chain(new.chars())
            .chain(after.iter().copied())
            .collect()
    })
}
