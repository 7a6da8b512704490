//! Pods of a node that masquerades, and an outside host on its link.

use crate::rig::{
    self, DB, FAMILIES, Host, LIMIT, MACS, NODES, Pod, UPLINK, WEB, connect, ip, is_about,
};
use crate::wire;
use abi::{DropReason, Hook, Routing};
use agent::{AgentError, Masquerade};
use lab::Namespace;
use std::collections::BTreeSet;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

const OUTSIDE: [&str; 2] = ["203.0.113.9", "2001:db8::9"];
const PORT: u16 = 53;
const MINUTE: u64 = 60_000_000_000;

/// Node 1, which masquerades like this, and the outside host.
fn beside_the_outside(masquerade: Option<&Masquerade>) -> (Host, Namespace) {
    let mut host = Host::new("node-1", &[WEB, DB], Routing::Native, 0);
    let outside = Namespace::new().unwrap();
    connect([host.lab.namespace(), &outside]);
    host.join(Routing::Native);
    for address in OUTSIDE {
        outside
            .run(|| wire::add_address(UPLINK.0, ip(address)))
            .unwrap();
        host.lab
            .namespace()
            .run(|| wire::add_route(UPLINK.0, ip(address), MACS[1]))
            .unwrap();
    }
    let [mut nodes, others] = FAMILIES.map(rig::nodes);
    for (identity, node) in &mut nodes {
        node.v6 = others[identity].v6;
    }
    host.agent.set_nodes(&nodes).unwrap();
    host.agent.set_masquerade(masquerade).unwrap();
    (host, outside)
}

/// Masquerade with these ports and no exceptions.
fn with_ports(ports: std::ops::RangeInclusive<u16>) -> Masquerade {
    Masquerade {
        exceptions: BTreeSet::new(),
        ports,
    }
}

fn node(family: usize) -> IpAddr {
    ip(NODES[family][0])
}

fn outside_end(family: usize) -> SocketAddr {
    SocketAddr::new(ip(OUTSIDE[family]), PORT)
}

/// A datagram of a pod to the outside host, and whom this one takes for its sender.
fn ask(host: &Host, pod: Pod, server: &UdpSocket, family: usize, port: u16) -> SocketAddr {
    let socket = host.socket(pod, family, port);
    socket.send_to(b"?", outside_end(family)).unwrap();
    server.recv_from(&mut [0; 8]).unwrap().1
}

#[test]
fn the_outside_sees_the_node_and_answers_reach_the_pod() {
    let (mut host, outside) = beside_the_outside(Some(&Masquerade::default()));
    for family in FAMILIES {
        let server = rig::socket(&outside, OUTSIDE[family], PORT);
        let web = host.socket(WEB, family, 4000);
        // The second one is in fragments either way.
        for length in [8, 4000] {
            let question = vec![7; length];
            web.send_to(&question, outside_end(family)).unwrap();
            let mut received = [0; 5000];
            let (size, sender) = server.recv_from(&mut received).unwrap();
            assert_eq!(received[..size], question);
            assert_eq!(sender.ip(), node(family));
            assert!(sender.port() >= 61_000, "{sender}");
            server.send_to(&question, sender).unwrap();
            let (size, sender) = web.recv_from(&mut received).unwrap();
            assert_eq!(received[..size], question);
            assert_eq!(sender, outside_end(family));
        }
        let (pod, remote) = ((WEB.1[family], 4000), (OUTSIDE[family], PORT));
        let event = host.event(|event| is_about(event, pod, remote));
        assert_eq!(event.hook, Hook::FromEndpoint as u8);
    }
    assert_eq!(host.agent.drops().unwrap().len(), 0);
}

#[test]
fn streams_go_both_ways() {
    const LENGTH: usize = 1 << 20;
    let (host, outside) = beside_the_outside(Some(&Masquerade::default()));
    for family in FAMILIES {
        let address = outside_end(family);
        let listen = || TcpListener::bind(address);
        let listener = outside.run(listen).unwrap().unwrap();
        let connect = || TcpStream::connect_timeout(&address, LIMIT);
        let mut client = host.pod(DB).run(connect).unwrap().unwrap();
        let (mut server, peer) = listener.accept().unwrap();
        assert_eq!(peer.ip(), node(family));
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(LIMIT)).unwrap();
        }
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut all = vec![0; LENGTH];
                server.read_exact(&mut all).unwrap();
                server.write_all(&all).unwrap();
            });
            client.write_all(&vec![7; LENGTH]).unwrap();
            let mut back = vec![0; LENGTH];
            client.read_exact(&mut back).unwrap();
            assert!(back.iter().all(|byte| *byte == 7));
        });
    }
}

#[test]
fn errors_find_their_way_in_and_out() {
    let (host, outside) = beside_the_outside(Some(&Masquerade::default()));
    for family in FAMILIES {
        // Nobody listens outside.
        let web = host.socket(WEB, family, 4000);
        web.connect(outside_end(family)).unwrap();
        web.send(b"?").unwrap();
        let error = web.recv(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // Nobody listens in the pod any more.
        let server = rig::socket(&outside, OUTSIDE[family], PORT);
        let sender = ask(&host, DB, &server, family, 4001);
        server.connect(sender).unwrap();
        server.send(b"!").unwrap();
        let error = server.recv(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    assert_eq!(host.agent.drops().unwrap().len(), 0);
}

#[test]
fn without_masquerade_and_to_exceptions_pods_keep_their_addresses() {
    let (mut host, outside) = beside_the_outside(None);
    for family in FAMILIES {
        let server = rig::socket(&outside, OUTSIDE[family], PORT);
        let sender = ask(&host, WEB, &server, family, 4000);
        assert_eq!(sender, SocketAddr::new(ip(WEB.1[family]), 4000));
        host.agent
            .set_masquerade(Some(&Masquerade::default()))
            .unwrap();
        assert_eq!(ask(&host, WEB, &server, family, 4001).ip(), node(family));
        let mut masquerade = Masquerade::default();
        let network = ["203.0.113.77/24", "2001:db8::77/32"][family];
        masquerade.exceptions.insert(network.parse().unwrap());
        host.agent.set_masquerade(Some(&masquerade)).unwrap();
        let sender = ask(&host, WEB, &server, family, 4002);
        assert_eq!(sender.ip(), ip(WEB.1[family]));
        host.agent.set_masquerade(None).unwrap();
    }
}

#[test]
fn a_port_is_one_connection_s_until_that_is_dead() {
    let (mut host, outside) = beside_the_outside(Some(&with_ports(61_000..=61_000)));
    let rows = |host: &Host| {
        let tables = host.agent.pressure().unwrap();
        let mut tables = tables.into_iter();
        tables
            .find(|table| table.table == "TRANSLATIONS")
            .and_then(|table| table.entries)
    };
    for family in FAMILIES {
        let server = rig::socket(&outside, OUTSIDE[family], PORT);
        let sender = ask(&host, WEB, &server, family, 4000);
        assert_eq!(sender, SocketAddr::new(node(family), 61_000));
        let db = host.socket(DB, family, 4000);
        db.send_to(b"?", outside_end(family)).unwrap();
        let (pod, remote) = ((DB.1[family], 4000), (OUTSIDE[family], PORT));
        let is_drop = |event: &abi::Event| event.reason != 0 && is_about(event, pod, remote);
        let event = host.event(is_drop);
        assert_eq!(event.reason, DropReason::MasqueradePortsExhausted as u8);
        assert_eq!(event.hook, Hook::ToNetwork as u8);
        assert_eq!(rows(&host), Some(1));
        host.agent.set_clock_offset(MINUTE).unwrap();
        host.agent.sweep().unwrap();
        assert_eq!(rows(&host), Some(0));
        assert_eq!(ask(&host, WEB, &server, family, 4001).port(), 61_000);
        host.agent.forget_connections().unwrap();
        host.agent.sweep().unwrap();
        host.agent.set_clock_offset(0).unwrap();
    }
}

#[test]
fn ports_that_are_none_are_refused() {
    let (mut host, _) = beside_the_outside(None);
    #[expect(clippy::reversed_empty_ranges, reason = "what is refused")]
    for ports in [0..=10, 10..=9] {
        let error = host.agent.set_masquerade(Some(&with_ports(ports)));
        assert!(
            matches!(error, Err(AgentError::NoPorts { .. })),
            "{error:?}"
        );
    }
}
