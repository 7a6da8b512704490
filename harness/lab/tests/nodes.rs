//! Nodes reach each other, their endpoints and the hosts outside over the network between them, in both families. What
//! lies in tunnels needs programs, which a lab has none of.

mod traffic;

use lab::{EndpointSpec, Lab, LabError, NodeSpec, Routing};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind};
use std::iter;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::os::fd::AsFd;
use traffic::{echo, refusal, spec, udp};

/// Who is where, and the addresses by which others reach it: two nodes with an endpoint each, and a host outside.
const N1: [&str; 2] = ["192.168.0.1", "fd01::1"];
const N2: [&str; 2] = ["192.168.0.2", "fd01::2"];
const A: [&str; 2] = ["10.1.0.1", "fd00:1::1"];
const B: [&str; 2] = ["10.2.0.1", "fd00:2::1"];
const HOST: [&str; 2] = ["198.51.100.7", "2001:db8::7"];

/// Only ends a run that has failed already.
const GUARD_MILLISECONDS: u16 = 10_000;

fn node(name: &str, addresses: [&str; 2], prefixes: [&str; 2]) -> NodeSpec {
    NodeSpec {
        name: name.to_owned(),
        v4: Some(addresses[0].parse().unwrap()),
        v6: Some(addresses[1].parse().unwrap()),
        prefixes: prefixes.map(|prefix| prefix.parse().unwrap()).to_vec(),
    }
}

fn two_nodes() -> [NodeSpec; 2] {
    [
        node("n1", N1, ["10.1.0.0/16", "fd00:1::/64"]),
        node("n2", N2, ["10.2.0.0/16", "fd00:2::/64"]),
    ]
}

/// Endpoint `a` on node `n1`, endpoint `b` on node `n2`, and `host` outside.
fn settle(mut lab: Lab) -> Result<Lab, LabError> {
    lab.set_nodes(&two_nodes())?;
    lab.add("n1", &[spec("a", A[0], A[1])])?;
    lab.add("n2", &[spec("b", B[0], B[1])])?;
    lab.add_hosts(&[spec("host", HOST[0], HOST[1])])?;
    Ok(lab)
}

fn lab(routing: Routing) -> Lab {
    settle(Lab::new(routing)).unwrap()
}

/// A socket at an address of a node, an endpoint or a host.
fn socket(lab: &Lab, address: &str) -> UdpSocket {
    let address: IpAddr = address.parse().unwrap();
    let has_it = |node: &lab::Node| node.addresses().any(|own| own == address);
    let node = lab.nodes().find(|(_, node)| has_it(node));
    let namespace = node.map_or_else(
        || {
            let mut endpoints = lab.endpoints();
            let is_it = |own| own == address;
            let found = endpoints.find(|endpoint| endpoint.spec().addresses().any(is_it));
            found.unwrap().namespace()
        },
        |(_, node)| node.namespace(),
    );
    udp(namespace, address)
}

/// There and back, in each family, with the sender's own address seen at the far end.
fn assert_reachable(lab: &Lab, from: [&str; 2], to: [&str; 2]) {
    for (from, to) in from.into_iter().zip(to) {
        let [from, to] = [from, to].map(|address| socket(lab, address));
        assert_eq!(echo(&from, &to).unwrap(), from.local_addr().unwrap());
        assert_eq!(echo(&to, &from).unwrap(), to.local_addr().unwrap());
    }
}

#[test]
fn all_reach_each_other_by_native_routes() {
    let lab = lab(Routing::Native);
    for (from, to) in [(A, B), (A, N2), (N1, N2), (N1, B), (A, HOST), (N2, HOST)] {
        assert_reachable(&lab, from, to);
    }
}

#[test]
fn what_is_for_no_endpoint_of_another_node_needs_no_tunnel() {
    let lab = lab(Routing::Vxlan);
    for (from, to) in [(N1, N2), (HOST, N1), (HOST, N2), (A, HOST), (HOST, B)] {
        assert_reachable(&lab, from, to);
    }
}

#[test]
fn nobody_is_where_no_endpoint_is() {
    let lab = lab(Routing::Native);
    for (from, nobody) in A.into_iter().zip(["10.2.0.9", "fd00:2::9"]) {
        let nobody = SocketAddr::new(nobody.parse().unwrap(), 80);
        let error = refusal(&socket(&lab, from), nobody);
        let is_said = [ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable];
        assert!(is_said.contains(&error.kind()), "{error}");
    }
}

#[test]
fn a_node_that_comes_is_known_to_all_and_one_that_goes_to_nobody() {
    const N3: [&str; 2] = ["192.168.0.3", "fd01::3"];
    const C: [&str; 2] = ["10.3.0.1", "fd00:3::1"];
    let mut lab = lab(Routing::Native);
    let [first, second] = two_nodes();
    let third = node("n3", N3, ["10.3.0.0/16", "fd00:3::/64"]);
    lab.set_nodes(&[first.clone(), second, third]).unwrap();
    lab.add("n3", &[spec("c", C[0], C[1])]).unwrap();
    for other in [A, B, N1, N2, HOST] {
        assert_reachable(&lab, C, other);
    }
    let heir = node("n3", N3, ["10.2.0.0/16", "fd00:2::/64"]);
    lab.set_nodes(&[first, heir]).unwrap();
    assert!(lab.endpoint("b").is_none());
    lab.add("n3", &[spec("d", B[0], B[1])]).unwrap();
    assert_reachable(&lab, A, B);
}

#[test]
fn a_node_that_is_cut_off_gets_nothing_until_it_is_joined() {
    let mut lab = lab(Routing::Native);
    for (from, to) in [(N1, N2), (HOST, N2), (A, B)] {
        for (from, to) in from.into_iter().zip(to) {
            let [from, to] = [from, to].map(|address| socket(&lab, address));
            from.connect(to.local_addr().unwrap()).unwrap();
            lab.cut_off("n2").unwrap();
            from.send(b"lost").unwrap();
            lab.join("n2").unwrap();
            // The far end takes what comes first for the greeting.
            echo(&from, &to).unwrap();
        }
    }
}

#[test]
fn a_lossy_link_loses_every_so_manieth_frame_of_each_direction_until_it_is_mended() {
    let mut lab = lab(Routing::Native);
    let third = NonZeroU32::new(3).unwrap();
    for (a, b) in A.into_iter().zip(B) {
        let [a, b] = [a, b].map(|address| socket(&lab, address));
        a.connect(b.local_addr().unwrap()).unwrap();
        b.connect(a.local_addr().unwrap()).unwrap();
        // What was counted before does not count.
        lab.lose("n2", NonZeroU32::new(2).unwrap()).unwrap();
        a.send(&[0]).unwrap();
        assert_eq!(next(&b), 0);
        lab.lose("n2", third).unwrap();
        for number in 1..=9 {
            a.send(&[number]).unwrap();
            b.send(&[number + 100]).unwrap();
        }
        lab.mend("n2").unwrap();
        a.send(&[10]).unwrap();
        b.send(&[110]).unwrap();
        for number in [1, 2, 4, 5, 7, 8, 10] {
            assert_eq!([next(&b), next(&a)], [number, number + 100]);
        }
        lab.mend("n2").unwrap();
    }
}

#[test]
fn an_unplugged_endpoint_gets_nothing_and_is_itself_again_when_it_is_plugged() {
    let mut lab = lab(Routing::Native);
    for (a, b) in A.into_iter().zip(B) {
        let [a, b] = [a, b].map(|address| socket(&lab, address));
        a.connect(b.local_addr().unwrap()).unwrap();
        lab.unplug("b").unwrap();
        a.send(&[1]).unwrap();
        let gone = b.send_to(&[2], a.local_addr().unwrap());
        assert_eq!(gone.unwrap_err().kind(), ErrorKind::NetworkUnreachable);
        lab.plug("b").unwrap();
        a.send(&[3]).unwrap();
        assert_eq!(next(&b), 3);
    }
    assert_reachable(&lab, A, B);
    assert_reachable(&lab, HOST, B);
}

/// The first byte of the next datagram.
fn next(socket: &UdpSocket) -> u8 {
    let mut buffer = [0];
    socket.recv(&mut buffer).unwrap();
    buffer[0]
}

#[test]
fn what_fits_passes_in_one_piece() {
    let check = |(routing, mtu), from: [&str; 2], longest: usize| {
        let lab = settle(Lab::with_mtu(routing, mtu)).unwrap();
        for (from, to) in from.into_iter().zip(B) {
            let tap = lab.endpoint("b").unwrap().tap().unwrap();
            let [from, to] = [from, to].map(|address| socket(&lab, address));
            send_long(&from, &to, longest).unwrap();
            let frames = iter::from_fn(|| tap.receive().unwrap());
            assert_eq!(frames.map(|frame| frame.len()).max(), Some(14 + longest));
        }
    };
    check((Routing::Native, 1500), A, 1500);
    check((Routing::Native, 9000), A, 9000);
    check((Routing::Native, 1300), HOST, 1300);
    // The links of endpoints leave room for what a tunnel adds, whatever they are for.
    check((Routing::Vxlan, 1500), HOST, 1450);
    check((Routing::Vxlan, 1330), HOST, 1280);
}

#[test]
fn who_sends_what_does_not_fit_is_told() {
    let lab = lab(Routing::Vxlan);
    for (from, to) in HOST.into_iter().zip(B) {
        let [from, to] = [from, to].map(|address| socket(&lab, address));
        let error = send_long(&from, &to, 1451).unwrap_err();
        assert_eq!(
            error.raw_os_error(),
            Some(Errno::EMSGSIZE as i32),
            "{error}"
        );
        // From now on it comes in pieces.
        send_long(&from, &to, 1451).unwrap();
    }
}

#[test]
fn tunnels_over_ipv6_leave_less_room() {
    let mut lab = Lab::new(Routing::Vxlan);
    let [first, second] = two_nodes();
    let nodes = [NodeSpec { v4: None, ..first }, second];
    lab.set_nodes(&nodes).unwrap();
    lab.add("n2", &[spec("b", B[0], B[1])]).unwrap();
    lab.add_hosts(&[spec("host", HOST[0], HOST[1])]).unwrap();
    let [from, to] = [HOST[1], B[1]].map(|address| socket(&lab, address));
    send_long(&from, &to, 1430).unwrap();
    let error = send_long(&from, &to, 1431).unwrap_err();
    assert_eq!(
        error.raw_os_error(),
        Some(Errno::EMSGSIZE as i32),
        "{error}"
    );
}

#[test]
fn an_address_is_one_places_only() {
    let mut lab = lab(Routing::Native);
    let [first, second] = two_nodes();
    let check = |refused: Result<(), LabError>, expected: &str| {
        assert_eq!(refused.unwrap_err().to_string(), expected);
    };
    let taken = |v4: &str, v6: &str| [spec("c", v4, v6)];
    check(
        lab.add("n2", &taken("10.2.0.9", A[1])),
        "endpoint c: address fd00:1::1 belongs to a already",
    );
    check(
        lab.add("n2", &taken(HOST[0], "fd00:2::9")),
        "endpoint c: address 198.51.100.7 belongs to host already",
    );
    check(
        lab.add_hosts(&taken(N1[0], "2001:db8::9")),
        "endpoint c: address 192.168.0.1 belongs to node n1 already",
    );
    let nodes = |addresses| {
        [
            first.clone(),
            node("n2", addresses, ["10.2.0.0/16", "fd00:2::/64"]),
        ]
    };
    check(
        lab.set_nodes(&nodes([N1[0], N2[1]])),
        "node n2: address 192.168.0.1 belongs to node n1 already",
    );
    check(
        lab.set_nodes(&nodes([N2[0], A[1]])),
        "node n2: address fd00:1::1 belongs to a already",
    );
    check(
        lab.set_nodes(&nodes([HOST[0], N2[1]])),
        "node n2: address 198.51.100.7 belongs to host already",
    );
    check(
        lab.add("n3", &taken("10.2.0.9", "fd00:2::9")),
        "there is no node n3 in the lab",
    );
    // What was refused has changed nothing, and who goes leaves its address.
    assert_reachable(&lab, A, B);
    lab.set_nodes(&[node("n2", B, ["10.1.0.0/16", "fd00:1::/64"]), first.clone()])
        .unwrap_err();
    lab.set_nodes(&[second]).unwrap();
    lab.add("n2", &taken(A[0], A[1])).unwrap();
    assert_reachable(&lab, HOST, B);
}

#[test]
fn an_mtu_that_is_too_small_is_refused_before_anything_is_made() {
    let refused = |routing, mtu| settle(Lab::with_mtu(routing, mtu)).err();
    let check = |routing, mtu, expected: &str| {
        assert_eq!(refused(routing, mtu).unwrap().to_string(), expected);
    };
    check(
        Routing::Vxlan,
        1300,
        "an MTU of 1300 is too small for IPv6 in a VXLAN tunnel, which takes 50 bytes of it: it must be at least 1330",
    );
    check(
        Routing::Native,
        1200,
        "an MTU of 1200 is too small for IPv6: it must be at least 1280",
    );
    check(
        Routing::Native,
        65_000,
        "an MTU of 65000 is too big: it must be at most 9000",
    );
    let mut lab = Lab::with_mtu(Routing::Native, 1000);
    let host = lab.add_hosts(&[spec("host", HOST[0], HOST[1])]);
    assert_eq!(
        host.unwrap_err().to_string(),
        "an MTU of 1000 is too small for IPv6: it must be at least 1280"
    );
}

#[test]
fn ipv4_alone_fits_where_ipv6_does_not() {
    let v4_only = |spec: NodeSpec| NodeSpec {
        v6: None,
        prefixes: vec![spec.prefixes[0]],
        ..spec
    };
    for (routing, mtu, longest) in [(Routing::Vxlan, 1300, 1250), (Routing::Native, 600, 600)] {
        let mut lab = Lab::with_mtu(routing, mtu);
        lab.set_nodes(&two_nodes().map(v4_only)).unwrap();
        let v6: Option<Ipv6Addr> = None;
        let b = EndpointSpec {
            v6,
            ..spec("b", B[0], B[1])
        };
        let host = EndpointSpec {
            v6,
            ..spec("host", HOST[0], HOST[1])
        };
        lab.add("n2", &[b]).unwrap();
        lab.add_hosts(&[host]).unwrap();
        let [from, to] = [HOST[0], B[0]].map(|address| socket(&lab, address));
        send_long(&from, &to, longest).unwrap();
    }
}

/// Sends a datagram of so many bytes, IP header included. The far end gets it, or the sender is told why not.
fn send_long(from: &UdpSocket, to: &UdpSocket, length: usize) -> io::Result<()> {
    let address = to.local_addr()?;
    let headers = if address.is_ipv4() { 28 } else { 48 };
    let payload = vec![7; length - headers];
    from.connect(address)?;
    from.send(&payload)?;
    let mut ready = [
        PollFd::new(from.as_fd(), PollFlags::POLLIN),
        PollFd::new(to.as_fd(), PollFlags::POLLIN),
    ];
    poll(&mut ready, PollTimeout::from(GUARD_MILLISECONDS))?;
    if let Some(error) = from.take_error()? {
        return Err(error);
    }
    let mut buffer = vec![0; 1 << 16];
    let (received, _) = to.recv_from(&mut buffer)?;
    assert_eq!(buffer[..received], payload);
    Ok(())
}
