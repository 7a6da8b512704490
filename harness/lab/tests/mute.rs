//! Who is mute takes packets and says nothing; taps see them all the same.

mod traffic;

use lab::{Node, Tap};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use traffic::{echo, refusal, spec, udp};

const A: [&str; 2] = ["10.0.0.1", "fd00::1"];
const B: [&str; 2] = ["10.0.0.2", "fd00::2"];
const NODE: [&str; 2] = ["192.168.0.1", "fd01::1"];
/// Where an Ethernet frame's payload begins.
const PAYLOAD: usize = 14;
/// Only ends a run that has failed already.
const GUARD_MILLISECONDS: u16 = 10_000;

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

/// The frame of a datagram from `a`, as its own tap would send it.
fn frame(lab: &Node, to: &str) -> Vec<u8> {
    let [a, b] = ["a", "b"].map(|name| lab.endpoint(name).unwrap());
    let tap = b.tap().unwrap();
    let from = udp(
        a.namespace(),
        address(if to.contains(':') { A[1] } else { A[0] }),
    );
    let known = address(if to.contains(':') { B[1] } else { B[0] });
    from.send_to(b"datagram", SocketAddr::new(known, 9))
        .unwrap();
    let mut frame = next(&tap);
    frame[..6].copy_from_slice(&lab::GATEWAY_MAC);
    frame[6..12].copy_from_slice(&a.mac());
    let at = PAYLOAD + if to.contains(':') { 24 } else { 16 };
    match address(to) {
        IpAddr::V4(v4) => {
            frame[at..at + 4].copy_from_slice(&v4.octets());
            // The sender's stack left the checksum to the link; zero is none (RFC 768).
            frame[PAYLOAD + 26..PAYLOAD + 28].fill(0);
        }
        IpAddr::V6(v6) => frame[at..at + 16].copy_from_slice(&v6.octets()),
    }
    frame
}

/// Waits for the next IP frame that carries or quotes a datagram; housekeeping of IPv6 links is passed over.
fn next(tap: &Tap) -> Vec<u8> {
    loop {
        if let Some(frame) = waiting(tap).pop() {
            return frame;
        }
        wait(tap.as_fd());
    }
}

fn wait(descriptor: BorrowedFd<'_>) {
    let mut descriptors = [PollFd::new(descriptor, PollFlags::POLLIN)];
    let ready = poll(&mut descriptors, PollTimeout::from(GUARD_MILLISECONDS));
    assert_eq!(ready, Ok(1), "a frame comes");
}

fn waiting(tap: &Tap) -> Vec<Vec<u8>> {
    let frames = std::iter::from_fn(|| tap.receive().unwrap());
    frames
        .filter(|frame| frame.ends_with(b"datagram"))
        .collect()
}

#[test]
fn who_is_mute_sees_everything_and_refuses_nothing() {
    let mut lab = two_endpoints();
    let frames: Vec<_> = B.iter().map(|to| frame(&lab, to)).collect();
    let [a, b] = ["a", "b"].map(|name| lab.endpoint(name).unwrap().tap().unwrap());
    lab.mute_all_but(&[]).unwrap();
    for frame in &frames {
        a.send(frame).unwrap();
        next(&b);
    }
    lab.unmute().unwrap();
    // A link keeps the order: an error about a frame above would come first.
    a.send(&frames[0]).unwrap();
    next(&a);
    assert!(waiting(&a).is_empty(), "one refusal");
}

#[test]
fn a_mute_node_answers_nothing_for_itself() {
    let mut lab = two_endpoints();
    let frames: Vec<_> = NODE.iter().map(|to| frame(&lab, to)).collect();
    let a = lab.endpoint("a").unwrap().tap().unwrap();
    lab.mute_all_but(&[]).unwrap();
    let node = lab.tap().unwrap();
    for frame in &frames {
        a.send(frame).unwrap();
        let family = usize::from(frame[PAYLOAD] >> 4 == 6);
        wait(node.descriptors()[family]);
        let seen = std::iter::from_fn(|| node.receive().unwrap());
        assert_eq!(seen.filter(|seen| seen == frame).count(), 1);
        assert!(waiting(&a).is_empty());
    }
}

#[test]
fn what_is_added_or_moved_while_the_lab_is_mute_can_be_muted_and_talks_afterwards() {
    let mut lab = two_endpoints();
    lab.mute_all_but(&[]).unwrap();
    lab.add(&[spec("c", "10.0.0.3", "fd00::3")]).unwrap();
    lab.set_addresses(&[address("192.168.0.2"), address(NODE[1])])
        .unwrap();
    lab.mute_all_but(&[]).unwrap();
    lab.mute_all_but(&[]).unwrap();
    lab.unmute().unwrap();
    lab.unmute().unwrap();
    let socket = |name: &str, own: &str| -> UdpSocket {
        udp(lab.endpoint(name).unwrap().namespace(), address(own))
    };
    for (a, c) in A.into_iter().zip(["10.0.0.3", "fd00::3"]) {
        echo(&socket("a", a), &socket("c", c)).unwrap();
        let closed = SocketAddr::new(address(c), 9);
        let answer = refusal(&socket("a", a), closed);
        assert_eq!(answer.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    for (a, node) in A.into_iter().zip(["192.168.0.2", NODE[1]]) {
        echo(&socket("a", a), &udp(lab.namespace(), address(node))).unwrap();
    }
}

#[test]
fn the_node_sends_out_of_its_end_of_a_link() {
    let lab = two_endpoints();
    let frame = frame(&lab, B[0]);
    let b = lab.endpoint("b").unwrap().tap().unwrap();
    let node = lab.tap().unwrap();
    node.send(lab.link("b").unwrap(), &frame).unwrap();
    assert_eq!(next(&b), frame);
    assert!(lab.link("z").is_err());
    lab::close_all([b], Some(node));
}
