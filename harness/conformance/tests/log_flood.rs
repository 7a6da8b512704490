//! Denied packets by the hundred thousand, quicker than any log takes them: traffic goes on, and the counts add up from
//! the kernel's counter to the lines of the file. Needs root.

use abi::{Address, DropReason, Hook, Link, Mac};
use agent::{Agent, Config};
use etherparse::PacketBuilder;
use flow::log::{FILE_NAME, FileCounters, FileSettings, LogFile, PolicyLog, Record, Settings};
use flow::{Clock, Flow, Snapshot};
use lab::{EndpointSpec, GATEWAY_MAC, Lab};
use manifest::{Cluster, IpBlockMode, Source};
use policy::Compiler;
use std::fs;

/// `web` is open; nothing may reach `db` but UDP 53, and every denial is logged.
const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 53, protocol: UDP}]}]}
---
apiVersion: networking.gke.io/v1alpha1
kind: NetworkLogging
metadata: {name: default}
spec: {cluster: {deny: {log: true}}}
";
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;
/// Ports that are tried: more than windows may be open.
const PORTS: std::ops::Range<u16> = 1_000..5_000;
/// Packets to each port.
const EACH: u32 = 100;
/// Ports after which the events are read: they find room in the ring buffer.
const READ_AFTER: u16 = 40;
/// Packets at once for which it has no room.
const TOO_MANY: u32 = 20_000;

struct Node {
    lab: Lab,
    agent: Agent,
    snapshot: Snapshot,
}

/// Where the events go.
struct Sink {
    log: PolicyLog,
    file: LogFile,
    /// Events that were read, and records that followed.
    read: u64,
    records: u64,
    counted: u64,
}

impl Node {
    fn new() -> Self {
        let mut lab = Lab::new().unwrap();
        let specs = [("web", 1), ("db", 2)].map(|(name, number)| EndpointSpec {
            name: name.to_owned(),
            v4: Some([10, 0, 0, number].into()),
            v6: None,
        });
        lab.add(&specs).unwrap();
        let mut cluster = Cluster::default();
        cluster.apply(&[Source::text("test", CLUSTER)]).unwrap();
        let config = Config {
            drop_events: None,
            ..Config::default()
        };
        let mut agent = Agent::load(&config).unwrap();
        let tables = Compiler::new(IpBlockMode::Any).compile(&cluster);
        agent.enforce(&tables).unwrap();
        for endpoint in lab.endpoints() {
            let link = Link {
                v4: endpoint.spec().v4.map_or(Address::NONE, Address::from),
                mac: Mac(endpoint.mac()),
                ..Link::default()
            };
            let (name, ifindex) = (endpoint.ifname(), endpoint.ifindex());
            let attach = || agent.attach(&name, ifindex, link, Mac(GATEWAY_MAC));
            lab.node().run(attach).unwrap().unwrap();
        }
        Self {
            lab,
            agent,
            snapshot: Snapshot::of(&cluster),
        }
    }

    /// Sends the same datagram of `web` to a port of `db` so many times.
    fn send(&mut self, port: u16, times: u32) -> u32 {
        let web = self.lab.endpoint("web").unwrap();
        let builder = PacketBuilder::ethernet2(web.mac(), GATEWAY_MAC);
        let builder = builder.ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64);
        let mut frame = Vec::new();
        let builder = builder.udp(40_000, port);
        builder.write(&mut frame, &[0; 32]).unwrap();
        let (ifindex, agent) = (web.ifindex(), &mut self.agent);
        let run = || agent.test_run(Hook::FromEndpoint, ifindex, &frame, times);
        self.lab.node().run(run).unwrap().unwrap().action
    }

    /// Reads what waits, and logs it.
    fn read(&mut self, sink: &mut Sink) {
        let mut events = Vec::new();
        self.agent.events(|event| events.push(*event));
        for event in &events {
            let planner = self.agent.planner();
            let flow = Flow::read(event, planner, &self.snapshot, Clock::default()).unwrap();
            sink.see(&flow, &self.snapshot);
        }
    }
}

impl Sink {
    fn see(&mut self, flow: &Flow, snapshot: &Snapshot) {
        self.read += 1;
        let mut records = Vec::new();
        self.log.see(flow, snapshot, &mut records);
        self.write(records);
    }

    fn write(&mut self, records: Vec<Record>) {
        for record in records {
            self.records += 1;
            self.counted += record.count;
            self.file.write(record);
        }
    }
}

#[test]
fn a_flood_of_denials_holds_nothing_up_and_its_counts_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut node = Node::new();
    let mut sink = Sink {
        log: PolicyLog::new(Settings::default()),
        file: LogFile::open(folder.path(), FileSettings::default()).unwrap(),
        read: 0,
        records: 0,
        counted: 0,
    };
    for port in PORTS {
        assert_eq!(node.send(port, EACH), SHOT);
        if port % READ_AFTER == 0 {
            node.read(&mut sink);
        }
    }
    node.read(&mut sink);
    assert_eq!(node.send(54, TOO_MANY), SHOT);
    assert_eq!(node.send(53, 1), REDIRECT, "what is allowed goes on");
    node.read(&mut sink);
    let denied = node.agent.drops().unwrap()[&DropReason::PolicyDeniedIngress];
    let sent = u64::from(EACH) * PORTS.len() as u64 + u64::from(TOO_MANY);
    assert_eq!(denied, sent);
    let lost = node.agent.lost_events().unwrap();
    assert!(lost > 0);
    assert_eq!(
        sink.read + lost,
        denied + 1,
        "the event of the allowed one found no room"
    );
    let mut records = Vec::new();
    sink.log.finish(&mut records);
    sink.write(records);
    let counters = sink.log.counters();
    assert!(counters.lost_to_aggregation_limit > 0, "{counters:?}");
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
    let lines = fs::read_to_string(folder.path().join(FILE_NAME)).unwrap();
    assert_eq!(lines.lines().count() as u64, written);
}
