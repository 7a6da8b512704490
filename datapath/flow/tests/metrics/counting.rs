//! What is counted.

use crate::exposition::parse;
use abi::{Disposition, DropReason, Hook, Identity, PolicyAction, protocol};
use flow::log::{Counters, FileCounters};
use flow::metrics::{Metrics, TableUse};
use flow::{End, Flow, Party, Side, SideVerdict};
use std::time::Duration;

fn flow(disposition: Disposition, reason: Option<DropReason>, sides: [Side; 2]) -> Flow {
    let [egress, ingress] = sides;
    let end = |address: &str| End {
        address: address.parse().unwrap(),
        port: Some(80),
        identity: Identity::WORLD,
        party: Party::World,
    };
    Flow {
        time: "2020-06-13T21:29:31Z".parse().unwrap(),
        generation: 7,
        hook: Hook::FromEndpoint,
        occasion: None,
        disposition,
        reason,
        source: end("10.0.0.1"),
        destination: end("10.0.0.2"),
        frontend: None,
        protocol: protocol::TCP,
        length: 74,
        egress,
        ingress,
    }
}

fn decided(action: PolicyAction, by_default: bool) -> Side {
    Side::Decided(SideVerdict {
        action,
        policies: vec!["shop/web".parse().unwrap()],
        by_default,
    })
}

/// Metrics in which everything was counted at least once.
pub(crate) fn everything() -> Metrics {
    let metrics = Metrics::default();
    let allowed = [decided(PolicyAction::Allow, false), Side::NoPolicy];
    metrics.see(&flow(Disposition::Allowed, None, allowed.clone()));
    metrics.see(&flow(Disposition::Allowed, None, allowed));
    let denied = [Side::NoPolicy, decided(PolicyAction::Deny, true)];
    let reason = Some(DropReason::PolicyDeniedIngress);
    metrics.see(&flow(Disposition::Denied, reason, denied));
    let audited = [decided(PolicyAction::Audit, true), Side::NotAsked];
    metrics.see(&flow(Disposition::Audited, None, audited));
    let dropped = [Side::NotAsked, Side::NotAsked];
    let reason = Some(DropReason::Malformed);
    metrics.see(&flow(Disposition::Dropped, reason, dropped));
    metrics.set_missed_events(12, 34);
    let table = TableUse {
        table: "CONNECTIONS",
        entries: Some(64),
        capacity: 256,
        refused: 3,
    };
    metrics.set_table(table);
    metrics.set_table(TableUse {
        table: "EVENTS",
        entries: None,
        ..table
    });
    metrics.set_connections(60);
    metrics.note_generation(7, Duration::from_millis(2));
    metrics.note_generation(8, Duration::from_millis(30));
    let counters = Counters {
        records: 9,
        aggregated: 5,
        lost_to_aggregation_limit: 4,
        lost_to_rate_limit: 3,
        packets_lost_to_rate_limit: 6,
    };
    let file = FileCounters {
        written: 6,
        lost_to_queue: 2,
        lost_to_errors: 1,
    };
    metrics.set_log(counters, 8, file);
    metrics
}

/// The series of this name has this value with these labels, each `key=value`.
#[track_caller]
fn check(series: &str, expected: f64) {
    let mut words = series.split_whitespace();
    let name = format!("plumbline_{}", words.next().unwrap());
    let labels = words.map(|word| word.split_once('=').unwrap());
    let labels = labels
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    let samples = parse(&everything().text()).samples;
    let found = samples
        .iter()
        .find(|it| it.name == name && it.labels == labels);
    let found = found.unwrap_or_else(|| panic!("no {series} among {samples:?}"));
    assert!((found.value - expected).abs() < 1e-9, "{found:?}");
}

#[test]
fn flows_are_counted_by_verdict_reason_and_policy() {
    check("flows_processed_total verdict=FORWARDED", 2.0);
    check("flows_processed_total verdict=DROPPED", 2.0);
    check("flows_processed_total verdict=AUDIT", 1.0);
    check(
        "drop_total reason=policy_denied_ingress direction=ingress",
        1.0,
    );
    check("drop_total reason=malformed direction=egress", 1.0);
    check(
        "policy_verdicts_total direction=egress action=allow match=rule",
        2.0,
    );
    check(
        "policy_verdicts_total direction=egress action=allow match=none",
        1.0,
    );
    check(
        "policy_verdicts_total direction=ingress action=allow match=none",
        2.0,
    );
    check(
        "policy_verdicts_total direction=ingress action=deny match=isolation",
        1.0,
    );
    check(
        "policy_verdicts_total direction=egress action=audit match=isolation",
        1.0,
    );
}

#[test]
fn what_others_count_is_taken_over() {
    check("lost_events_total", 12.0);
    check("suppressed_events_total", 34.0);
    check("bpf_map_pressure map_name=CONNECTIONS", 0.25);
    check("bpf_map_entries map_name=CONNECTIONS", 64.0);
    check("bpf_map_refused_entries_total map_name=EVENTS", 3.0);
    check("conntrack_entries", 60.0);
    check("policy_log_records_written_total", 6.0);
    check("policy_log_dropped_total reason=queue", 2.0);
    check("policy_log_dropped_total reason=aggregation_limit", 4.0);
    check("policy_log_aggregated_packets_total", 5.0);
    check("policy_log_delayed_packets", 8.0);
}

#[test]
fn generations_and_the_time_they_took_are_known() {
    check("policy_generation", 8.0);
    check("policy_apply_duration_seconds_count", 2.0);
    check("policy_apply_duration_seconds_sum", 0.032);
    check("policy_apply_duration_seconds_bucket le=0.0032", 1.0);
    check("policy_apply_duration_seconds_bucket le=+Inf", 2.0);
}

#[test]
fn a_total_never_goes_back() {
    let metrics = Metrics::default();
    metrics.set_missed_events(12, 0);
    metrics.set_missed_events(3, 0);
    assert!(
        metrics
            .text()
            .contains("\nplumbline_lost_events_total 12\n")
    );
}
