//! Endpoints reach each other through the node, in both families, at once.

mod traffic;

use lab::{GATEWAY_V4, GATEWAY_V6, LabError, Node};
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::{AddressFamily, neighbour::NeighbourHeader};
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use traffic::{echo, refusal, spec, udp};

const A: [&str; 2] = ["10.0.0.1", "fd00::1"];
const B: [&str; 2] = ["10.0.0.2", "fd00::2"];
const NODE: [&str; 2] = ["192.168.0.1", "fd01::1"];

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Two endpoints `a` and `b` and a node with an address of each family.
fn two_endpoints() -> Node {
    let mut lab = Node::new().unwrap();
    lab.set_addresses(&NODE.map(address)).unwrap();
    lab.add(&[spec("a", A[0], A[1]), spec("b", B[0], B[1])])
        .unwrap();
    lab
}

/// Both directions of a pair in each family, with the sender's own address seen at the far end.
fn assert_reachable(lab: &Node) {
    let [a, b] = ["a", "b"].map(|name| lab.endpoint(name).unwrap().namespace());
    for (from, to) in A.into_iter().zip(B) {
        let (from, to) = (udp(a, address(from)), udp(b, address(to)));
        assert_eq!(echo(&from, &to).unwrap(), from.local_addr().unwrap());
        assert_eq!(echo(&to, &from).unwrap(), to.local_addr().unwrap());
    }
}

#[test]
fn endpoints_reach_each_other() {
    assert_reachable(&two_endpoints());
}

#[test]
fn node_and_endpoints_reach_each_other() {
    let lab = two_endpoints();
    let a = lab.endpoint("a").unwrap().namespace();
    for (node, endpoint) in NODE.into_iter().zip(A) {
        let (node, endpoint) = (
            udp(lab.namespace(), address(node)),
            udp(a, address(endpoint)),
        );
        assert_eq!(echo(&node, &endpoint).unwrap(), node.local_addr().unwrap());
        assert_eq!(
            echo(&endpoint, &node).unwrap(),
            endpoint.local_addr().unwrap()
        );
    }
}

#[test]
fn a_node_has_exactly_the_addresses_it_was_given_last() {
    let mut lab = two_endpoints();
    let a = lab.endpoint("a").unwrap().namespace();
    let from = udp(a, address(A[0]));
    let old = udp(lab.namespace(), address(NODE[0])).local_addr().unwrap();
    lab.set_addresses(&["192.168.0.2"].map(address)).unwrap();
    let addresses: Vec<_> = lab.addresses().collect();
    assert_eq!(addresses, [address("192.168.0.2")]);
    echo(&from, &udp(lab.namespace(), address("192.168.0.2"))).unwrap();
    let a = lab.endpoint("a").unwrap().namespace();
    let answer = refusal(&udp(a, address(A[0])), old);
    assert_eq!(answer.kind(), ErrorKind::NetworkUnreachable);
}

#[test]
fn every_datagram_to_a_closed_port_is_answered_where_the_limits_are_lifted() {
    let lab = two_endpoints();
    let [a, b] = ["a", "b"].map(|name| lab.endpoint(name).unwrap().namespace());
    b.run(lab::lift_icmp_limits).unwrap().unwrap();
    for (from, to) in A.into_iter().zip(B) {
        let from = udp(a, address(from));
        for port in 1000..1200 {
            let answer = refusal(&from, SocketAddr::new(address(to), port));
            assert_eq!(answer.kind(), ErrorKind::ConnectionRefused, "port {port}");
        }
    }
}

#[test]
fn the_gateway_answers_address_resolution() {
    let lab = two_endpoints();
    let a = lab.endpoint("a").unwrap().namespace();
    a.run(forget_the_gateway).unwrap();
    assert_reachable(&lab);
}

/// Deletes the permanent neighbour entries of the gateway in the calling thread's namespace.
fn forget_the_gateway() {
    let gateways = [
        (AddressFamily::Inet, NeighbourAddress::Inet(GATEWAY_V4)),
        (AddressFamily::Inet6, NeighbourAddress::Inet6(GATEWAY_V6)),
    ];
    let socket = Socket::new(NETLINK_ROUTE).unwrap();
    for (family, gateway) in gateways {
        let mut entry = NeighbourMessage::default();
        entry.header = NeighbourHeader {
            family,
            ifindex: 2,
            ..NeighbourHeader::default()
        };
        entry.attributes = vec![NeighbourAttribute::Destination(gateway)];
        let mut message = NetlinkMessage::from(RouteNetlinkMessage::DelNeighbour(entry));
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        socket.send(&bytes, 0).unwrap();
        let (answer, _) = socket.recv_from_full().unwrap();
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer).unwrap();
        assert!(matches!(answer.payload, NetlinkPayload::Error(error) if error.code.is_none()));
    }
}

#[test]
fn labs_with_the_same_addresses_run_side_by_side() {
    std::thread::scope(|scope| {
        let labs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| assert_reachable(&two_endpoints())))
            .collect();
        for lab in labs {
            lab.join().unwrap();
        }
    });
}

#[test]
fn a_removed_endpoint_is_gone_at_once_and_its_address_is_free() {
    let mut lab = two_endpoints();
    let first = lab.endpoint("b").unwrap().ifindex();
    for round in 0..5 {
        lab.remove(["b"]).unwrap();
        assert!(lab.endpoint("b").is_none());
        let a = lab.endpoint("a").unwrap().namespace();
        for (from, to) in A.into_iter().zip(B) {
            let answer = refusal(&udp(a, address(from)), SocketAddr::new(address(to), 80));
            assert_eq!(
                answer.kind(),
                ErrorKind::NetworkUnreachable,
                "{to}, round {round}"
            );
        }
        lab.add(&[spec("b", B[0], B[1])]).unwrap();
        assert_reachable(&lab);
    }
    assert_ne!(lab.endpoint("b").unwrap().ifindex(), first);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_made() {
    let mut lab = two_endpoints();
    let mut check = |spec, expected: &str| {
        let error = lab.add(&[spec]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check(
        spec("a", "10.0.0.9", "fd00::9"),
        "endpoint a is in the lab already",
    );
    check(
        spec("c", "10.0.0.1", "fd00::9"),
        "endpoint c: address 10.0.0.1 belongs to a already",
    );
    check(
        spec("c", "10.0.0.9", "fd01::1"),
        "endpoint c: address fd01::1 belongs to node already",
    );
    let error = lab.set_addresses(&[address(B[1])]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "node: address fd00::2 belongs to b already"
    );
    let error = lab.remove(["a", "z"]).unwrap_err();
    assert!(matches!(error, LabError::UnknownEndpoint { ref name } if name == "z"));
    assert_reachable(&lab);
}

#[test]
fn a_failed_addition_leaves_none_of_its_endpoints() {
    let mut lab = two_endpoints();
    let error = lab
        .add(&[
            spec("c", "10.0.0.3", "fd00::3"),
            // The kernel takes no multicast address for an interface.
            spec("d", "10.0.0.4", "ff02::4"),
        ])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "d: adding an address: Cannot assign requested address (os error 99)"
    );
    assert!(lab.endpoint("c").is_none());
    lab.add(&[spec("c", "10.0.0.3", "fd00::3")]).unwrap();
    assert_reachable(&lab);
}
