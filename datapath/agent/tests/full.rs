//! Tables that packets fill, in the kernel: what finds no room never passes, and is counted. Needs root.

use abi::{Address, DropReason, Hook, Link, Mac, Timeout, Timeouts};
use agent::{Agent, Config, Pressure};
use etherparse::PacketBuilder;
use lab::{EndpointSpec, GATEWAY_MAC};
use manifest::{Cluster, IpBlockMode, Source};
use policy::Compiler;

/// `web` is open; nothing may reach `db` but UDP 53.
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
";
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;
const SECOND: u64 = 1_000_000_000;
const HEADERS: usize = 14 + 20;

struct Node {
    lab: lab::Node,
    agent: Agent,
}

impl Node {
    fn new(config: &Config) -> Self {
        let mut lab = lab::Node::new().unwrap();
        let specs = [("web", 1), ("db", 2)].map(|(name, number)| EndpointSpec {
            name: name.to_owned(),
            v4: Some([10, 0, 0, number].into()),
            v6: None,
        });
        lab.add(&specs).unwrap();
        let mut cluster = Cluster::default();
        cluster.apply(&[Source::text("test", CLUSTER)]).unwrap();
        let mut agent = Agent::load(config).unwrap();
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
            lab.namespace().run(attach).unwrap().unwrap();
        }
        Self { lab, agent }
    }

    /// What becomes of a frame that a pod sends.
    fn send(&mut self, pod: &str, frame: &[u8]) -> u32 {
        let ifindex = self.lab.endpoint(pod).unwrap().ifindex();
        let agent = &mut self.agent;
        let run = || agent.test_run(Hook::FromEndpoint, ifindex, frame, 1);
        self.lab.namespace().run(run).unwrap().unwrap().action
    }

    /// A datagram of a pod.
    fn datagram(&self, [from, to]: [&str; 2], [from_port, to_port]: [u16; 2]) -> Vec<u8> {
        let [from, to] = [from, to].map(|name| self.lab.endpoint(name).unwrap());
        let [source, destination] = [from, to].map(|end| end.spec().v4.unwrap().octets());
        let builder = PacketBuilder::ethernet2(from.mac(), GATEWAY_MAC);
        let builder = builder.ipv4(source, destination, 64);
        let mut frame = Vec::new();
        let builder = builder.udp(from_port, to_port);
        builder.write(&mut frame, &[0; 32]).unwrap();
        frame
    }

    fn pressure(&self, table: &str) -> Pressure {
        let mut tables = self.agent.pressure().unwrap().into_iter();
        tables.find(|pressure| pressure.table == table).unwrap()
    }
}

#[test]
fn a_full_connection_table_drops_new_connections_and_keeps_the_known() {
    const ROOM: u16 = 8;
    let mut node = Node::new(&Config {
        connections: ROOM.into(),
        timeouts: Timeouts::default().with(Timeout::DatagramOpening, 30 * SECOND),
        ..Config::default()
    });
    let there = |node: &Node, port| node.datagram(["web", "db"], [port, 53]);
    let back = node.datagram(["db", "web"], [53, 1]);
    for port in 1..=ROOM {
        let frame = there(&node, port);
        assert_eq!(node.send("web", &frame), REDIRECT, "port {port}");
    }
    let one_more = there(&node, 100);
    assert_eq!(node.send("web", &one_more), SHOT);
    let known = there(&node, 1);
    assert_eq!(node.send("web", &known), REDIRECT);
    assert_eq!(node.send("db", &back), REDIRECT);
    let pressure = node.pressure("CONNECTIONS");
    assert_eq!(pressure.entries, Some(ROOM.into()));
    assert_eq!(pressure.refused, 1);
    assert_eq!(node.agent.drops().unwrap()[&DropReason::ConntrackFull], 1);
    // The others are dead by the clock; the one with an answer lives longer.
    node.agent.set_clock_offset(31 * SECOND).unwrap();
    assert_eq!(node.agent.sweep().unwrap(), usize::from(ROOM) - 1);
    assert_eq!(node.send("web", &one_more), REDIRECT);
}

#[test]
fn a_full_fragment_table_forgets_the_oldest_and_drops_its_rest() {
    const ROOM: u16 = 64;
    let mut node = Node::new(&Config {
        fragments: ROOM.into(),
        ..Config::default()
    });
    let first = |node: &Node, identification: u16| {
        let mut frame = node.datagram(["web", "db"], [4000, 53]);
        frame[18..20].copy_from_slice(&identification.to_be_bytes());
        frame[20] = 0x20;
        frame
    };
    let later = |node: &Node, identification| {
        let mut frame = first(node, identification);
        frame[20..22].copy_from_slice(&[0, 5]);
        frame.truncate(HEADERS + 8);
        frame[16..18].copy_from_slice(&28_u16.to_be_bytes());
        frame
    };
    let frame = first(&node, 0);
    assert_eq!(node.send("web", &frame), REDIRECT);
    let frame = later(&node, 0);
    assert_eq!(node.send("web", &frame), REDIRECT);
    for identification in 1..ROOM * 16 {
        let frame = first(&node, identification);
        assert_eq!(node.send("web", &frame), REDIRECT);
    }
    // The kernel keeps those it was asked for lately, as many as there is room for.
    let pressure = node.pressure("FRAGMENTS");
    assert!(pressure.entries.unwrap() <= ROOM.into(), "{pressure:?}");
    let mut passed = 0;
    for identification in 1..ROOM * 16 {
        let frame = later(&node, identification);
        passed += u16::from(node.send("web", &frame) == REDIRECT);
    }
    assert!((1..=ROOM).contains(&passed), "{passed} passed");
    let drops = node.agent.drops().unwrap();
    let expected = u64::from(ROOM * 16 - 1 - passed);
    assert_eq!(drops[&DropReason::FragmentWithoutFirst], expected);
}

#[test]
fn a_full_ring_of_events_loses_events_and_nothing_else() {
    let mut node = Node::new(&Config {
        events: 4096,
        drop_events: None,
        ..Config::default()
    });
    let denied = node.datagram(["web", "db"], [4000, 54]);
    for _ in 0..500 {
        assert_eq!(node.send("web", &denied), SHOT);
    }
    let allowed = node.datagram(["web", "db"], [4000, 53]);
    assert_eq!(node.send("web", &allowed), REDIRECT);
    let mut read = 0;
    node.agent.events(|_| read += 1);
    let lost = node.agent.lost_events().unwrap();
    assert!(read > 0 && lost > 0, "{read} events read, {lost} lost");
    assert_eq!(read + lost, 501);
    assert_eq!(node.pressure("EVENTS").refused, lost);
    assert_eq!(
        node.agent.drops().unwrap()[&DropReason::PolicyDeniedIngress],
        500
    );
    // With room again, events come again.
    assert_eq!(node.send("web", &denied), SHOT);
    node.agent.events(|_| read += 1);
    assert_eq!(read + lost, 502);
}

#[test]
fn a_flood_of_drops_is_reported_at_the_configured_rate() {
    let mut node = Node::new(&Config {
        drop_events: Some(agent::DropEvents {
            per_second: std::num::NonZeroU32::MIN,
            burst: 5,
        }),
        ..Config::default()
    });
    let denied = node.datagram(["web", "db"], [4000, 54]);
    for _ in 0..200 {
        assert_eq!(node.send("web", &denied), SHOT);
    }
    let mut reported = 0;
    node.agent.events(|_| reported += 1);
    let suppressed = node.agent.suppressed_events().unwrap();
    assert_eq!(reported + suppressed, 200);
    assert!((5..20).contains(&reported), "{reported} of 200 reported");
    assert_eq!(
        node.agent.drops().unwrap()[&DropReason::PolicyDeniedIngress],
        200
    );
}
