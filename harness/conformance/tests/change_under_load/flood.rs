//! Threads that send without a pause, one a processor.

use crate::flow::{FLOWS, Fate, Flow, PODS, address};
use lab::{Namespace, Node};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::net::{SocketAddrV4, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Source ports of each pod: so many connections a flow, sent over in turn.
const SOURCE_PORTS: std::ops::Range<u16> = 40_000..40_032;
/// Rounds that may be under way: fewer datagrams than the queues of a processor and of a socket hold.
const UNDER_WAY: u64 = 64;

/// What became of a flow.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
}

/// One thread that sends its flows in turn, on one processor, and takes what arrives.
pub(crate) struct Flood {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<(Flow, Traffic)>>,
}

/// One flow's sockets.
struct Line {
    flow: Flow,
    senders: Arc<[UdpSocket]>,
    destination: SocketAddrV4,
    receiver: UdpSocket,
    traffic: Traffic,
}

impl Flood {
    /// Starts sending.
    pub(crate) fn on_every_processor(lab: &Node) -> Vec<Self> {
        let processors = processors();
        let senders: BTreeMap<&str, Arc<[UdpSocket]>> = PODS
            .into_iter()
            .map(|(name, _)| {
                let sockets = SOURCE_PORTS.map(|port| socket(lab, name, port));
                (name, sockets.collect())
            })
            .collect();
        let floods = FLOWS.into_iter().zip(processors.into_iter().cycle());
        floods
            .map(|(flows, processor)| {
                let lines = flows.iter().map(|flow| Line {
                    flow: *flow,
                    senders: Arc::clone(&senders[flow.from]),
                    destination: SocketAddrV4::new(address(flow.to), flow.port),
                    receiver: socket(lab, flow.to, flow.port),
                    traffic: Traffic::default(),
                });
                Self::start(lines.collect(), processor)
            })
            .collect()
    }

    fn start(lines: Vec<Line>, processor: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            stay_on(processor);
            send_until(&stopped, lines)
        });
        Self { stop, thread }
    }

    /// Stops, and returns once every datagram was judged.
    pub(crate) fn end(floods: Vec<Self>) -> BTreeMap<Flow, Traffic> {
        for flood in &floods {
            flood.stop.store(true, Ordering::Relaxed);
        }
        let ended = floods.into_iter().map(|flood| flood.thread.join().unwrap());
        ended.flatten().collect()
    }
}

/// One processor works its queue off in order: when the last line's datagram of a round has arrived, every datagram
/// before it was judged, and delivered if it was allowed.
fn send_until(stop: &AtomicBool, mut lines: Vec<Line>) -> Vec<(Flow, Traffic)> {
    let mut round = 0;
    while !stop.load(Ordering::Relaxed) {
        for line in &mut lines {
            line.send(round);
        }
        for line in &mut lines {
            line.take_waiting();
        }
        let last = lines.last_mut().expect("a flow");
        assert_eq!(last.flow.fate, Fate::Allowed);
        last.take_until_under_way(UNDER_WAY);
        round += 1;
    }
    lines.last_mut().expect("a flow").take_until_under_way(0);
    for line in &mut lines {
        line.take_waiting();
    }
    lines
        .into_iter()
        .map(|line| (line.flow, line.traffic))
        .collect()
}

impl Line {
    fn send(&mut self, round: usize) {
        let sender = &self.senders[round % self.senders.len()];
        sender.send_to(&[0], self.destination).unwrap();
        self.traffic.sent += 1;
    }

    fn take_waiting(&mut self) {
        self.receiver.set_nonblocking(true).unwrap();
        while self.receiver.recv(&mut [0; 8]).is_ok() {
            self.traffic.arrived += 1;
        }
    }

    /// Waits until no more than this many datagrams have not arrived.
    fn take_until_under_way(&mut self, under_way: u64) {
        if self.traffic.sent - self.traffic.arrived <= under_way {
            return;
        }
        self.receiver.set_nonblocking(false).unwrap();
        // The limit only ends the wait for one that was lost, which fails the test.
        let limit = Some(Duration::from_secs(10));
        self.receiver.set_read_timeout(limit).unwrap();
        while self.traffic.sent - self.traffic.arrived > under_way {
            if self.receiver.recv(&mut [0; 8]).is_err() {
                return;
            }
            self.traffic.arrived += 1;
        }
    }
}

fn socket(lab: &Node, pod: &str, port: u16) -> UdpSocket {
    let namespace: &Namespace = lab.endpoint(pod).expect("a pod of the lab").namespace();
    let bind = || UdpSocket::bind((address(pod), port));
    namespace.run(bind).unwrap().unwrap()
}

/// The processors that this process may use.
fn processors() -> Vec<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    (0..CpuSet::count())
        .filter(|&processor| allowed.is_set(processor).unwrap_or(false))
        .collect()
}

/// Binds the calling thread to a processor.
fn stay_on(processor: usize) {
    let mut one = CpuSet::new();
    one.set(processor).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
}
