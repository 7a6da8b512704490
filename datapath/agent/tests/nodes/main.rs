//! Nodes that send to each other, in the real kernel. Needs root.

mod masquerade;
mod rig;
mod wire;

use abi::{Address, Disposition, DropReason, Event, Hook, Identity, Routing};
use agent::{Agent, AgentError, Config};
use etherparse::PacketBuilder;
use rig::{
    DB, FAMILIES, FAR, Host, MACS, NODES, OVERLAY, OVERLAY_MAC, UPLINK, WEB, beside_a_bare_peer,
    identity, ip, is_about, pair,
};
use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::thread;

const OK: u32 = 0;
const SHOT: u32 = 2;
const REDIRECT: u32 = 7;
const ALLOWED: u16 = 53;
const DENIED: u16 = 54;

/// far asks db, and is answered; what db's policy denies is not. The event says by which hook, and whose identity.
fn far_and_db_talk([one, two]: &mut [Host; 2], family: usize, hook: Hook) {
    let db = one.socket(DB, family, ALLOWED);
    let far = two.socket(FAR, family, 4000);
    let [far_address, db_address] = [FAR, DB].map(|(_, addresses)| addresses[family]);
    far.send_to(&[1], (db_address, ALLOWED)).unwrap();
    let (_, sender) = db.recv_from(&mut [0; 8]).unwrap();
    assert_eq!(sender, SocketAddr::new(ip(far_address), 4000));
    db.send_to(&[2, 2], sender).unwrap();
    assert_eq!(far.recv(&mut [0; 8]).unwrap(), 2);
    let is_far_s =
        |port| move |event: &Event| is_about(event, (far_address, 4000), (db_address, port));
    let event = one.event(is_far_s(ALLOWED));
    assert_eq!(event.disposition, Disposition::Allowed as u8);
    assert_eq!(event.hook, hook as u8);
    assert_eq!(event.source_identity, identity(far_address));
    far.send_to(&[3], (db_address, DENIED)).unwrap();
    let event = one.event(is_far_s(DENIED));
    assert_eq!(event.reason, DropReason::PolicyDeniedIngress as u8);
    assert_eq!(event.hook, hook as u8);
}

/// db sends far a stream in segments as large as its own link takes. Where the way takes less, it must be told so.
fn a_stream_arrives([one, two]: &[Host; 2], family: usize) {
    const LENGTH: usize = 1 << 20;
    let address = SocketAddr::new(ip(FAR.1[family]), 8080);
    let listen = || TcpListener::bind(address);
    let listener = two.pod(FAR).run(listen).unwrap().unwrap();
    let connect = || TcpStream::connect_timeout(&address, rig::LIMIT);
    let mut client = one.pod(DB).run(connect).unwrap().unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(rig::LIMIT)).unwrap();
    thread::scope(|scope| {
        scope.spawn(move || client.write_all(&vec![7; LENGTH]).unwrap());
        let mut received = Vec::new();
        server.read_to_end(&mut received).unwrap();
        assert_eq!(received.len(), LENGTH);
    });
}

#[test]
fn pods_talk_over_the_network_between_their_nodes() {
    let mut hosts = pair(Routing::Native, 0);
    for family in FAMILIES {
        far_and_db_talk(&mut hosts, family, Hook::FromNetwork);
        a_stream_arrives(&hosts, family);
    }
}

#[test]
fn pods_talk_through_a_tunnel_over_either_family() {
    for underlay in FAMILIES {
        let mut hosts = pair(Routing::Vxlan, underlay);
        for family in FAMILIES {
            far_and_db_talk(&mut hosts, family, Hook::FromOverlay);
            a_stream_arrives(&hosts, family);
        }
    }
}

/// A VXLAN header (RFC 7348 section 5).
fn vxlan(identity: Identity) -> [u8; 8] {
    let [_, a, b, c] = identity.0.to_be_bytes();
    [0x08, 0, 0, 0, a, b, c, 0]
}

#[test]
fn the_tunnel_carries_the_sender_s_identity() {
    for underlay in FAMILIES {
        let (one, peer) = beside_a_bare_peer(underlay);
        let remote = rig::socket(&peer, NODES[underlay][1], wire::VXLAN_PORT);
        for family in FAMILIES {
            let web = one.socket(WEB, family, 4000);
            web.send_to(b"question", (FAR.1[family], ALLOWED)).unwrap();
            let mut outer = [0; 256];
            let (length, from) = remote.recv_from(&mut outer).unwrap();
            assert_eq!(from.ip(), ip(NODES[underlay][0]));
            let (header, inner) = outer[..length].split_at(8);
            assert_eq!(header, vxlan(identity(WEB.1[family])));
            assert_eq!(
                (&inner[..6], &inner[6..12]),
                (&OVERLAY_MAC[..], &MACS[0][..])
            );
            assert!(inner.ends_with(b"question"));
        }
    }
}

/// A datagram of far to db, as it is before it is packed.
fn inner(family: usize, source: &str, port: u16) -> Vec<u8> {
    let ethernet = PacketBuilder::ethernet2(MACS[1], OVERLAY_MAC);
    let builder = match (ip(source), ip(DB.1[family])) {
        (IpAddr::V4(from), IpAddr::V4(to)) => ethernet.ipv4(from.octets(), to.octets(), 64),
        (IpAddr::V6(from), IpAddr::V6(to)) => ethernet.ipv6(from.octets(), to.octets(), 64),
        _ => panic!("two families in one packet"),
    };
    let mut frame = Vec::new();
    builder.udp(port, ALLOWED).write(&mut frame, b"x").unwrap();
    frame
}

#[test]
fn what_comes_through_the_tunnel_must_be_who_it_says() {
    for underlay in FAMILIES {
        let (mut one, peer) = beside_a_bare_peer(underlay);
        let stranger = ["172.18.0.9", "fd00:172::9"][underlay];
        peer.run(|| wire::add_address(UPLINK.0, ip(stranger)))
            .unwrap();
        let to = SocketAddr::new(ip(NODES[underlay][0]), wire::VXLAN_PORT);
        let [node_2, stranger] = [NODES[underlay][1], stranger]
            .map(|address| rig::socket(&peer, address, wire::VXLAN_PORT));
        for family in FAMILIES {
            let far = FAR.1[family];
            let true_one = identity(far);
            let claims = [
                (&node_2, far, true_one, true),
                (&node_2, far, identity(DB.1[family]), false),
                (&node_2, far, Identity::NONE, false),
                (&node_2, far, Identity(true_one.0 | 1 << 23), false),
                (&stranger, far, true_one, false),
                (&node_2, WEB.1[family], identity(WEB.1[family]), false),
            ];
            let db = one.socket(DB, family, ALLOWED);
            for (port, (socket, source, identity, is_true)) in (4000..).zip(claims) {
                let packet = [&vxlan(identity)[..], &inner(family, source, port)].concat();
                socket.send_to(&packet, to).unwrap();
                let event =
                    one.event(|event| is_about(event, (source, port), (DB.1[family], ALLOWED)));
                assert_eq!(event.hook, Hook::FromOverlay as u8);
                if is_true {
                    assert_eq!(event.disposition, Disposition::Allowed as u8);
                    let (_, from) = db.recv_from(&mut [0; 8]).unwrap();
                    assert_eq!(from, SocketAddr::new(ip(source), port));
                } else {
                    assert_eq!(event.reason, DropReason::InvalidIdentity as u8, "{port}");
                }
            }
        }
    }
}

/// Runs `from_network` over a frame from this link-layer address to that one.
fn arrive(host: &mut Host, [from, to]: [[u8; 6]; 2], source: &str, destination: &str) -> u32 {
    let family = usize::from(destination.contains(':'));
    let mut frame = inner(family, source, 4000);
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
    match ip(destination) {
        IpAddr::V4(address) => frame[30..34].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => frame[38..54].copy_from_slice(&address.octets()),
    }
    let agent = &mut host.agent;
    let run = || agent.test_run(Hook::FromNetwork, UPLINK.0, &frame, 1);
    host.lab.namespace().run(run).unwrap().unwrap().action
}

#[test]
fn an_address_of_the_cluster_comes_from_its_node_only() {
    let router = [2, 0, 0, 0, 1, 0xfe];
    let [own, node_2] = MACS;
    for routing in [Routing::Native, Routing::Vxlan] {
        let [mut one, _two] = pair(routing, 0);
        let pod = if routing == Routing::Native {
            REDIRECT
        } else {
            SHOT
        };
        let on = if routing == Routing::Native { OK } else { SHOT };
        for family in FAMILIES {
            let [web, db, far] = [WEB, DB, FAR].map(|(_, addresses)| addresses[family]);
            let [node, other] = NODES[family];
            let outside = ["203.0.113.9", "2001:db8::9"][family];
            for (frame, source, destination, expected) in [
                ([node_2, own], far, db, pod),
                ([node_2, own], far, node, OK),
                ([node_2, own], far, outside, on),
                ([node_2, own], other, web, REDIRECT),
                ([node_2, own], web, db, SHOT),
                ([node_2, own], node, web, SHOT),
                ([router, own], far, db, SHOT),
                ([router, own], far, node, SHOT),
                ([router, own], other, node, SHOT),
                ([router, own], outside, web, REDIRECT),
                ([router, own], outside, db, SHOT),
                ([router, own], outside, node, OK),
                // For another host: the stack drops it.
                ([router, router], far, db, OK),
            ] {
                let action = arrive(&mut one, frame, source, destination);
                assert_eq!(action, expected, "{routing}: {source} to {destination}");
            }
        }
        // One drop by policy in each family.
        let drops = one.agent.drops().unwrap();
        assert_eq!(drops[&DropReason::PolicyDeniedIngress], 2);
        let spoofed = if routing == Routing::Native { 5 } else { 7 };
        assert_eq!(drops[&DropReason::SpoofedSource], 2 * spoofed);
        assert_eq!(drops.len(), 2, "{drops:?}");
    }
}

#[test]
fn an_uplink_that_is_detached_is_the_stack_s() {
    let [mut one, two] = pair(Routing::Native, 0);
    let far = two.socket(FAR, 0, 4000);
    let hook_of = |one: &mut Host, port| {
        far.send_to(&[1], (DB.1[0], port)).unwrap();
        one.event(|event| is_about(event, (FAR.1[0], 4000), (DB.1[0], port)))
            .hook
    };
    assert_eq!(hook_of(&mut one, 60), Hook::FromNetwork as u8);
    one.agent.detach([UPLINK.0]).unwrap();
    assert_eq!(hook_of(&mut one, 61), Hook::ToEndpoint as u8);
    let attach = || one.agent.attach_uplink(UPLINK.1, UPLINK.0);
    one.lab.namespace().run(attach).unwrap().unwrap();
    assert_eq!(hook_of(&mut one, 62), Hook::FromNetwork as u8);
}

#[test]
fn an_interface_that_is_not_there_is_refused() {
    let mut host = Host::new("node-1", &[], Routing::Vxlan, 0);
    let agent = &mut host.agent;
    let attach = || {
        agent.attach_uplink("nowhere", UPLINK.0).unwrap_err();
        agent.attach_overlay("nowhere", OVERLAY.0).unwrap_err();
    };
    host.lab.namespace().run(attach).unwrap();
}

#[test]
fn the_nodes_are_those_that_were_said_last() {
    let entries = |agent: &Agent| {
        let tables = agent.pressure().unwrap();
        let nodes = tables
            .into_iter()
            .find(|table| table.table == "NODES")
            .unwrap();
        (nodes.entries, nodes.refused)
    };
    let config = Config {
        nodes: 2,
        ..Config::default()
    };
    let mut agent = Agent::load(&config).unwrap();
    let node = |number| abi::Node {
        number,
        v4: Address::from_v4([172, 18, 0, 1]),
        ..abi::Node::default()
    };
    let two = BTreeMap::from([(Identity(256), node(1)), (Identity(257), node(2))]);
    agent.set_nodes(&two).unwrap();
    assert_eq!(entries(&agent), (Some(2), 0));
    agent.set_nodes(&two).unwrap();
    agent
        .set_nodes(&BTreeMap::from([(Identity(256), node(1))]))
        .unwrap();
    assert_eq!(entries(&agent), (Some(1), 0));
    let three = (256..259)
        .map(|identity| (Identity(identity), node(1)))
        .collect();
    let error = agent.set_nodes(&three).unwrap_err();
    assert!(
        matches!(
            error,
            AgentError::Full {
                table: "NODES",
                capacity: 2
            }
        ),
        "{error}"
    );
    assert_eq!(entries(&agent), (Some(2), 1));
    agent.reset().unwrap();
    assert_eq!(entries(&agent), (Some(0), 0));
}
