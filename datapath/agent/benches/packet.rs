//! What one packet costs in the programs: `cargo bench -p agent --bench packet`. Needs root.
//!
//! Both ends have policies in the packet's direction. Every case is measured once a round, one after the other; the
//! median over the rounds counts. The figures are nanoseconds of `BPF_PROG_TEST_RUN`, without stack and link.

use abi::{Address, Hook, Link, Mac};
use agent::{Agent, Config};
use bench::{Arguments, Spread, table};
use etherparse::PacketBuilder;
use lab::EndpointSpec;
use manifest::{Cluster, IpBlockMode, Source};
use policy::Compiler;
use serde_json::{Value, json};
use std::net::IpAddr;

const CLUSTER: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.2}, {ip: 'fd00::2'}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  egress:
  - {to: [{podSelector: {matchLabels: {app: db}}}]}
  - {to: [{ipBlock: {cidr: 203.0.113.0/24}}, {ipBlock: {cidr: '2001:db8::/32'}}], ports: [{port: 443}]}
";

/// Both ends have it, and the gateway too: a run leaves the frame as it was, so that it can be repeated.
const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const MANY: u32 = 100_000;
/// So few that the ring buffer has room for an event of each.
const FEW: u32 = 1_000;
const OK: u32 = 0;
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;

/// A pair of addresses of one family: web, db, an outside host.
struct Family {
    name: &'static str,
    web: &'static str,
    db: &'static str,
    outside: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        name: "IPv4",
        web: "10.0.0.1",
        db: "10.0.0.2",
        outside: "203.0.113.9",
    },
    Family {
        name: "IPv6",
        web: "fd00::1",
        db: "fd00::2",
        outside: "2001:db8::9",
    },
];

struct Row {
    what: String,
    goal: f64,
    samples: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read(&[])?;
    let mut node = Node::new();
    let mut rows: Vec<Row> = Vec::new();
    for round in 0..arguments.rounds {
        for (place, (what, goal, sample)) in node.round(round).into_iter().enumerate() {
            if round == 0 {
                let samples = Vec::new();
                rows.push(Row {
                    what,
                    goal,
                    samples,
                });
            }
            rows[place].samples.push(sample);
        }
    }
    print!("{}", report(&rows));
    let records: Vec<_> = rows.iter().map(record).collect();
    arguments.record(&records)
}

fn report(rows: &[Row]) -> String {
    let lines: Vec<_> = rows.iter().map(cells).collect();
    table(["one packet", "median", "goal", "least", "most"], &lines)
}

fn cells(row: &Row) -> [String; 5] {
    let spread = spread(row);
    let figures = [spread.median, row.goal, spread.least, spread.most];
    let [median, goal, least, most] = figures.map(|figure| format!("{figure:.0} ns"));
    [row.what.clone(), median, goal, least, most]
}

fn record(row: &Row) -> Value {
    let spread = spread(row);
    json!({
        "what": row.what,
        "goal_ns": row.goal,
        "median_ns": spread.median,
        "least_ns": spread.least,
        "most_ns": spread.most,
    })
}

fn spread(row: &Row) -> Spread {
    Spread::of(row.samples.clone())
}

/// A node with the cluster's policies in force.
struct Node {
    lab: lab::Node,
    agent: Agent,
    web: u32,
    db: u32,
}

impl Node {
    fn new() -> Self {
        let mut lab = lab::Node::new().expect("a lab");
        let specs = [("web", 1), ("db", 2)].map(|(name, number)| EndpointSpec {
            name: name.to_owned(),
            v4: Some([10, 0, 0, number].into()),
            v6: Some(format!("fd00::{number}").parse().expect("an address")),
        });
        lab.add(&specs).expect("endpoints");
        let config = Config {
            drop_events: None,
            ..Config::default()
        };
        let mut agent = Agent::load(&config).expect("programs");
        let mut cluster = Cluster::default();
        let loaded = cluster.apply(&[Source::text("bench", CLUSTER)]);
        assert!(loaded.is_ok(), "{loaded:?}");
        agent
            .enforce(&Compiler::new(IpBlockMode::Any).compile(&cluster))
            .expect("tables");
        let [web, db] = ["web", "db"].map(|name| {
            let endpoint = lab.endpoint(name).expect("just made");
            let link = Link {
                v4: endpoint.spec().v4.map_or(Address::NONE, Address::from),
                v6: endpoint.spec().v6.map_or(Address::NONE, Address::from),
                mac: Mac(MAC),
                ..Link::default()
            };
            let (name, ifindex) = (endpoint.ifname(), endpoint.ifindex());
            let attach = || agent.attach(&name, ifindex, link, Mac(MAC));
            lab.namespace()
                .run(attach)
                .expect("the node")
                .expect("attached");
            ifindex
        });
        Self {
            lab,
            agent,
            web,
            db,
        }
    }

    /// Every case once: what it is, its goal and its time, nanoseconds.
    fn round(&mut self, round: u16) -> Vec<(String, f64, f64)> {
        let mut results = Vec::new();
        for family in &FAMILIES {
            let Family {
                web, db, outside, ..
            } = *family;
            let port = 1000 + round;
            let mut add = |what: &str, goal, time| {
                results.push((format!("{what}, {}", family.name), goal, time));
            };
            let there = |flags: &str| tcp(web, port, db, 5432, flags);
            let back = |flags: &str| tcp(db, 5432, web, port, flags);
            let out = |flags: &str| tcp(web, port, outside, 443, flags);
            self.run(self.web, &there("S"), 1, REDIRECT);
            self.run(self.db, &back("S."), 1, REDIRECT);
            self.run(self.web, &out("S"), 1, OK);
            add(
                "established, both policies",
                350.0,
                self.run(self.web, &there("."), MANY, REDIRECT),
            );
            add(
                "established, egress half alone",
                220.0,
                self.run(self.web, &out("."), MANY, OK),
            );
            add(
                "reply",
                250.0,
                self.run(self.db, &back("."), MANY, REDIRECT),
            );
            let first = (0..501).map(|number| {
                let syn = tcp(web, 2000 + round * 600 + number, db, 5432, "S");
                self.run(self.web, &syn, 1, REDIRECT)
            });
            let first = Spread::of(first.collect());
            add("first packet, connection and event", 1500.0, first.median);
            let denied = tcp(web, port, db, 5433, "S");
            add(
                "denied, with its event",
                600.0,
                self.run(self.web, &denied, FEW, SHOT),
            );
            self.agent.events(|_| ());
        }
        self.agent.forget_connections().expect("connections");
        results
    }

    fn run(&mut self, ifindex: u32, frame: &[u8], repeat: u32, expected: u32) -> f64 {
        let agent = &mut self.agent;
        let run = || agent.test_run(Hook::FromEndpoint, ifindex, frame, repeat);
        let result = self
            .lab
            .namespace()
            .run(run)
            .expect("the node")
            .expect("a run");
        assert_eq!(
            result.action, expected,
            "the case is not what it claims to be"
        );
        result.duration.as_secs_f64() * 1e9
    }
}

/// A TCP segment from one pod's link; flags as `tcpdump` writes them.
fn tcp(from: &str, from_port: u16, to: &str, to_port: u16, flags: &str) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(MAC, MAC);
    let ends = [from, to].map(|text| text.parse::<IpAddr>().expect("an address"));
    let builder = match ends {
        [IpAddr::V4(from), IpAddr::V4(to)] => builder.ipv4(from.octets(), to.octets(), 64),
        [IpAddr::V6(from), IpAddr::V6(to)] => builder.ipv6(from.octets(), to.octets(), 64),
        _ => unreachable!("both are of one family"),
    };
    let mut builder = builder.tcp(from_port, to_port, 1, 1024);
    if flags.contains('S') {
        builder = builder.syn();
    }
    if flags.contains('.') {
        builder = builder.ack(1);
    }
    let mut frame = Vec::new();
    builder
        .write(&mut frame, &[0; 64])
        .expect("memory is written to");
    frame
}
