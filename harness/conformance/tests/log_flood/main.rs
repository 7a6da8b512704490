//! Denied packets of real sockets, quicker than any log takes them: what is allowed goes on, memory stays bounded, and
//! the counts add up from the sockets to the lines of the file. Needs root.

mod node;
mod sink;
mod traffic;

use abi::DropReason;
use agent::{Config, DropEvents};
use flow::log::{Counters, FILE_NAME, FileCounters, FileSettings, LogFile, PolicyLog, Settings};
use flow::log::{LogDisposition, Record};
use node::Node;
use sink::Sink;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use traffic::{Connections, Flood};

const LOG_ALL: &str = "{allow: {log: true}, deny: {log: true}}";
/// Connections that are made meanwhile.
const CONNECTIONS: u32 = 1_000;
/// Denied packets at least.
const DENIED: u64 = 150_000;
/// Rounds of the flood before the first event is read: more than the ring buffer has room for.
const UNREAD: u32 = 4;
/// A port that was not flooded.
const QUIET: u16 = 6_000;
/// Packets to it after the flood: they take longer than the limit for floods needs for its next event.
const AFTERWARDS: u32 = 1_000;

/// What was sent while the events were read.
struct Sent {
    denied: u64,
    /// Denied packets, after the flood, to the quiet port.
    afterwards: u64,
}

#[test]
fn a_flood_of_which_the_kernel_reports_a_part() {
    let flood = check(Some(DropEvents::default()));
    assert!(flood.suppressed > 0);
}

#[test]
fn a_flood_of_which_the_kernel_reports_all_that_finds_room() {
    let flood = check(None);
    assert!(flood.lost > 0 && flood.suppressed == 0);
    assert!(flood.log.lost_to_aggregation_limit > 0, "{:?}", flood.log);
}

/// What was counted on the way.
struct Flooded {
    /// Events that found no room in the ring buffer.
    lost: u64,
    suppressed: u64,
    log: Counters,
}

fn check(drop_events: Option<DropEvents>) -> Flooded {
    let folder = tempfile::tempdir().unwrap();
    let config = Config {
        drop_events,
        ..Config::default()
    };
    let mut node = Node::new(LOG_ALL, &config).unwrap();
    let file = LogFile::open(folder.path(), FileSettings::default()).unwrap();
    let mut sink = Sink::new(PolicyLog::new(Settings::default()), file);
    let sent = flood(&mut node, &mut sink);
    let most = config.events_that_fit() as u64;
    assert!(sink.most_at_once <= most, "{} at once", sink.most_at_once);
    let drops = node.agent.drops().unwrap();
    let denied = sent.denied + sent.afterwards;
    assert_eq!(
        drops.into_iter().collect::<Vec<_>>(),
        [(DropReason::PolicyDeniedIngress, denied)],
        "every denied packet, and nothing else"
    );
    let lost = node.agent.lost_events().unwrap();
    let suppressed = node.agent.suppressed_events().unwrap();
    assert_eq!(
        sink.read + lost + suppressed,
        denied + u64::from(CONNECTIONS)
    );
    let log = settle(sink, folder.path());
    Flooded {
        lost,
        suppressed,
        log,
    }
}

/// Floods while connections are made, and reads the events meanwhile; then denies once more, after all windows.
fn flood(node: &mut Node, sink: &mut Sink) -> Sent {
    let mut flood = Flood::new(&node.enter("web").unwrap()).unwrap();
    let server = node.enter("db").unwrap();
    let connections = Connections::new(node.enter("app").unwrap(), &server).unwrap();
    let are_made = AtomicBool::new(false);
    let started = Instant::now();
    for _ in 0..UNREAD {
        flood.send_round().unwrap();
    }
    thread::scope(|scope| {
        let flooding = scope.spawn(|| {
            while flood.sent < DENIED || !are_made.load(Ordering::Relaxed) {
                flood.send_round().unwrap();
            }
        });
        scope.spawn(|| {
            let made = connections.make(CONNECTIONS);
            are_made.store(true, Ordering::Relaxed);
            made.unwrap();
        });
        while !flooding.is_finished() {
            node.wait_for_events().unwrap();
            sink.read(node);
        }
    });
    report(flood.sent, started.elapsed());
    sink.read(node);
    let denied = flood.sent;
    sink.clock = sink.clock.ahead_by(Duration::from_secs(6));
    for _ in 0..AFTERWARDS {
        flood.send(QUIET..QUIET + 1).unwrap();
        sink.read(node);
    }
    Sent {
        denied,
        afterwards: flood.sent - denied,
    }
}

fn report(sent: u64, took: Duration) {
    let rate = u128::from(sent) * 1_000_000_000 / took.as_nanos().max(1);
    println!(
        "{sent} packets denied in {took:.1?}, {rate} a second, beside {CONNECTIONS} connections"
    );
}

/// Writes what waits; then every event is in the count of a record or in that of a loss.
fn settle(mut sink: Sink, folder: &Path) -> Counters {
    let mut records = Vec::new();
    sink.log.finish(&mut records);
    sink.write(records);
    let counters = sink.log.counters();
    let accounted =
        sink.counted + counters.lost_to_aggregation_limit + counters.packets_lost_to_rate_limit;
    assert_eq!(accounted, sink.read, "{counters:?}");
    assert_eq!(counters.records, sink.records);
    let FileCounters {
        written,
        lost_to_queue,
        lost_to_errors,
    } = sink.file.close();
    assert_eq!(written + lost_to_queue + lost_to_errors, sink.records);
    let lines = fs::read_to_string(folder.join(FILE_NAME)).unwrap();
    let lines: Vec<Record> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len() as u64, written);
    let last = lines.last().unwrap();
    assert_eq!(
        (last.disposition, last.connection.dest_port),
        (LogDisposition::Deny, Some(QUIET)),
        "logging goes on after the flood"
    );
    counters
}
