//! The policy log must hold what switches and annotations ask for, and nothing else: what comes of a witness's flows,
//! beside what the oracle says of every probe.

use conformance::driver::{DriverKind, Mode, Sighting};
use flow::log::{Connection, Direction, LogDisposition, LoggedPolicy, PolicyLog, Settings, Shape};
use jiff::SignedDuration;
use manifest::Cluster;
use oracle::{Logged, Probe, judge, logged};
use serde_json::json;
use std::net::IpAddr;

/// Each packet is a record of its own, and none is too many.
const EVERYTHING: Settings = Settings {
    window: SignedDuration::ZERO,
    rate: u32::MAX,
    burst: u32::MAX,
    open_windows: 0,
    shape: Shape::Ours,
};

/// Says what the log has too much or too little of.
pub(crate) fn compare(
    kind: DriverKind,
    cluster: &Cluster,
    mode: Mode,
    probes: &[Probe],
    sightings: &[Sighting],
) -> Result<(), String> {
    let mut expected: Vec<String> = probes
        .iter()
        .flat_map(|probe| expected(cluster, mode, probe))
        .collect();
    let mut written = written(sightings);
    expected.sort();
    written.sort();
    if expected == written {
        return Ok(());
    }
    let missing = only(&expected, &written);
    let surplus = only(&written, &expected);
    Err(format!(
        "the policy log of {kind}\n  lacks:{missing}\n  should not have:{surplus}"
    ))
}

fn only(lines: &[String], others: &[String]) -> String {
    let only = lines.iter().filter(|line| !others.contains(line));
    only.fold(String::new(), |text, line| text + "\n    " + line)
}

/// Nothing is sent to itself through the datapath.
fn expected(cluster: &Cluster, mode: Mode, probe: &Probe) -> Vec<String> {
    if probe.from == probe.to {
        return Vec::new();
    }
    let judgement = judge(cluster, mode.ip_block, probe).unwrap();
    let sides = [Direction::Egress, Direction::Ingress].into_iter();
    let sides = sides.zip(logged(cluster, probe, &judgement));
    let lines = sides.filter_map(|(direction, logged)| {
        let (disposition, policies) = match logged? {
            Logged::Allow(policies) => (LogDisposition::Allow, policies),
            Logged::Deny(policies) => (LogDisposition::Deny, policies),
            Logged::Audit(policies) => (LogDisposition::Audit, policies),
        };
        let policies: Vec<LoggedPolicy> = policies.iter().map(Into::into).collect();
        let end = (probe.address, probe.port);
        Some(line(direction, disposition, end, &policies))
    });
    lines.collect()
}

fn written(sightings: &[Sighting]) -> Vec<String> {
    let mut log = PolicyLog::new(EVERYTHING);
    let mut records = Vec::new();
    for Sighting { flow, snapshot, .. } in sightings {
        log.see(flow, snapshot, &mut records);
    }
    let lines = records.iter().map(|record| {
        let Connection {
            direction,
            dest_ip,
            dest_port,
            ..
        } = record.connection;
        let end = (dest_ip, dest_port);
        line(direction, record.disposition, end, &record.policies)
    });
    lines.collect()
}

fn line(
    direction: Direction,
    disposition: LogDisposition,
    (address, port): (IpAddr, Option<u16>),
    policies: &[LoggedPolicy],
) -> String {
    json!({
        "direction": direction,
        "disposition": disposition,
        "to": address,
        "port": port,
        "policies": policies,
    })
    .to_string()
}
