//! Denials are counted in windows, and records are limited.

use crate::world::{DB, WEB, flow, says, snapshot};
use abi::Disposition;
use flow::log::{LogDisposition, PolicyLog, Record, Settings};
use flow::{Clock, Flow, Snapshot};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::HashMap;

fn at(milliseconds: u64) -> Timestamp {
    Clock::default().at(milliseconds * 1_000_000)
}

/// A denied packet to this port, from another source port each time.
fn denied(snapshot: &Snapshot, milliseconds: u64, port: u16) -> Flow {
    let mut flow = flow(snapshot, WEB, DB);
    flow.time = at(milliseconds);
    flow.source.port = Some(u16::try_from(1024 + milliseconds % 60_000).unwrap());
    flow.destination.port = Some(port);
    flow.ingress = says("deny shop/quiet");
    flow
}

/// What is written when these packets (milliseconds, port) are denied, each `port×count @first source port`.
fn written(settings: Settings, packets: &[(u64, u16)]) -> (Vec<String>, PolicyLog) {
    let snapshot = snapshot("deny: {log: true}");
    let mut log = PolicyLog::new(settings);
    let mut out = Vec::new();
    for (milliseconds, port) in packets {
        log.see(
            &denied(&snapshot, *milliseconds, *port),
            &snapshot,
            &mut out,
        );
    }
    log.finish(&mut out);
    let line = |record: &Record| {
        let connection = &record.connection;
        let [to, from] = [connection.dest_port, connection.src_port].map(Option::unwrap);
        format!("{to}×{} @{from}", record.count)
    };
    (out.iter().map(line).collect(), log)
}

#[test]
fn a_window_opens_with_the_first_and_is_not_extended() {
    let packets = [(0, 80), (4_999, 80), (5_000, 80), (9_999, 80), (10_000, 80)];
    let (lines, _) = written(Settings::default(), &packets);
    assert_eq!(lines, ["80×2 @1024", "80×2 @6024", "80×1 @11024"]);
}

#[test]
fn windows_are_written_in_the_order_in_which_they_end() {
    let (lines, log) = written(Settings::default(), &[(0, 80), (1, 81), (2, 80)]);
    assert_eq!(lines, ["80×2 @1024", "81×1 @1025"]);
    assert_eq!((log.counters().records, log.counters().aggregated), (2, 1));
}

#[test]
fn a_window_without_length_writes_each_for_itself() {
    let each = Settings {
        window: SignedDuration::ZERO,
        ..Settings::default()
    };
    let (lines, _) = written(each, &[(0, 80), (1, 80)]);
    assert_eq!(lines, ["80×1 @1024", "80×1 @1025"]);
}

#[test]
fn no_more_windows_than_the_limit_and_the_others_are_counted() {
    let few = Settings {
        open_windows: 2,
        ..Settings::default()
    };
    let (lines, log) = written(few, &[(0, 80), (1, 81), (2, 82), (3, 81), (5_000, 82)]);
    assert_eq!(lines, ["80×1 @1024", "81×2 @1025", "82×1 @6024"]);
    assert_eq!(log.counters().lost_to_aggregation_limit, 1);
}

#[test]
fn what_one_side_allows_of_denied_packets_is_written_at_once_and_once_a_window() {
    let snapshot = snapshot("allow: {log: true}, deny: {log: true}");
    let mut log = PolicyLog::new(Settings::default());
    let mut out = Vec::new();
    let mut see = |milliseconds, out: &mut Vec<Record>| {
        let mut packet = denied(&snapshot, milliseconds, 80);
        packet.egress = says("allow shop/loud");
        packet.disposition = Disposition::Denied;
        log.see(&packet, &snapshot, out);
    };
    see(0, &mut out);
    assert_eq!(dispositions(&out), [(LogDisposition::Allow, 1)]);
    see(1, &mut out);
    see(5_001, &mut out);
    log.finish(&mut out);
    let allow = (LogDisposition::Allow, 1);
    let denials = [2, 1].map(|count| (LogDisposition::Deny, count));
    assert_eq!(dispositions(&out), [allow, denials[0], allow, denials[1]]);
    assert_eq!(log.counters().records, 4);
    assert_eq!(log.counters().aggregated, 1);
}

fn dispositions(records: &[Record]) -> Vec<(LogDisposition, u64)> {
    let each = records.iter();
    each.map(|record| (record.disposition, record.count))
        .collect()
}

#[test]
fn records_beyond_the_rate_are_counted() {
    let snapshot = snapshot("allow: {log: true}");
    let mut log = PolicyLog::new(Settings::default());
    let mut out = Vec::new();
    let mut allowed = flow(&snapshot, WEB, DB);
    allowed.ingress = says("allow shop/quiet");
    for milliseconds in 0..2_000 {
        allowed.time = at(milliseconds);
        log.see(&allowed, &snapshot, &mut out);
    }
    let counters = log.counters();
    assert_eq!(out.len(), 500 + 999, "a burst, and then 500 a second");
    assert_eq!(counters.records + counters.lost_to_rate_limit, 2_000);
}

proptest! {
    /// Every denied packet is in the count of a record, or counted as lost; and a key has one record a window at most.
    #[test]
    fn counts_add_up(
        mut packets in proptest::collection::vec((0..30_000u64, 80..90u16), 0..400),
        open_windows in 1..12usize,
        rate in 1..5u32,
    ) {
        packets.sort_unstable();
        let settings = Settings { open_windows, rate, burst: 3, ..Settings::default() };
        let snapshot = snapshot("deny: {log: true}");
        let mut log = PolicyLog::new(settings);
        let mut out = Vec::new();
        for (milliseconds, port) in &packets {
            log.see(&denied(&snapshot, *milliseconds, *port), &snapshot, &mut out);
        }
        let waiting = log.waiting();
        let counted: u64 = out.iter().map(|record| record.count).sum();
        let counters = log.counters();
        let lost = counters.lost_to_aggregation_limit + counters.packets_lost_to_rate_limit;
        prop_assert_eq!(counted + waiting + lost, packets.len() as u64);
        log.finish(&mut out);
        let mut first: HashMap<Option<u16>, Timestamp> = HashMap::new();
        for record in &out {
            let earlier = first.insert(record.connection.dest_port, record.timestamp);
            if let Some(earlier) = earlier {
                prop_assert!(record.timestamp.duration_since(earlier) >= settings.window);
            }
        }
    }
}
