//! Whatever a pod or another node sends: nothing passes under a false name, nothing reaches a pod that nobody may reach.

use crate::node::{Node, Pod};
use abi::{Address, Disposition, DropReason, Event};
use program::{Action, Scratch, Tunnel};

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ICMPV6: u8 = 58;

/// Frames, one after the other: where each enters, how far the clock moves first (seconds), its length (two bytes,
/// little-endian), its bytes. A frame is sent by web (0), delivered to db by the node's stack (1), arrives at the uplink
/// (2), leaves by it (3) or comes out of the tunnel, from the other node (4); more begins at 0 again.
pub(crate) fn run(input: &[u8]) {
    let mut node = Node::new();
    for (enters, seconds, frame) in Frames(input) {
        node.memory.now += u64::from(seconds) * 1_000_000_000;
        match enters % 5 {
            0 => send(&node, frame),
            1 => receive(&node, frame),
            2 => arrive(&node, frame),
            3 => leave(&node, frame),
            _ => unpack(&node, frame),
        }
    }
}

fn send(node: &Node, frame: &[u8]) {
    let mut bytes = frame.to_vec();
    let packet = &mut bytes;
    let ifindex = node.web.ifindex;
    let action = program::from_endpoint(&node.memory, packet, &mut Scratch::default(), ifindex);
    check_events(node, action);
    assert_ne!(action, redirect(node.db), "db is closed: {frame:02x?}");
    if !matches!(action, Action::Drop(_)) {
        assert_eq!(frame[6..12], node.web.mac.0, "a foreign link-layer address");
        assert!(is_from(frame, node.web), "a foreign address: {frame:02x?}");
    }
}

fn receive(node: &Node, frame: &[u8]) {
    let mut bytes = frame.to_vec();
    let packet = &mut bytes;
    let ifindex = node.db.ifindex;
    let action = program::to_endpoint(&node.memory, packet, &mut Scratch::default(), ifindex);
    check_events(node, action);
    let is_from_node = source(frame).is_some_and(|source| NODE.contains(&source));
    if action == Action::Pass && !is_from_node {
        assert!(is_neighbours(frame), "db is closed: {frame:02x?}");
    }
}

fn arrive(node: &Node, frame: &[u8]) {
    let mut bytes = frame.to_vec();
    let packet = &mut bytes;
    let action = program::from_network(&node.memory, packet, &mut Scratch::default(), UPLINK);
    check_events(node, action);
    assert_ne!(action, redirect(node.db), "db is closed: {frame:02x?}");
    if action == redirect(node.web) {
        let source = source(frame);
        let is_here = |pod: Pod| source == Some(pod.v4) || source == Some(pod.v6);
        assert!(!is_here(node.web) && !is_here(node.db), "{frame:02x?}");
        assert!(!is_here(node.far) || frame[6..12] == node.far.mac.0);
    }
}

/// It may be rewritten, and never grows.
fn leave(node: &Node, frame: &[u8]) {
    let mut bytes = frame.to_vec();
    let packet = &mut bytes;
    let action = program::to_network(&node.memory, packet, &mut Scratch::default(), UPLINK);
    check_events(node, action);
    assert!(matches!(action, Action::Pass | Action::Drop(_)));
    assert_eq!(bytes.len(), frame.len());
}

fn unpack(node: &Node, frame: &[u8]) {
    let mut bytes = frame.to_vec();
    let packet = &mut bytes;
    let tunnel = Tunnel {
        remote: OTHER_NODE,
        identity: node.far_identity,
    };
    let scratch = &mut Scratch::default();
    let action = program::from_overlay(&node.memory, packet, scratch, OVERLAY, &tunnel);
    check_events(node, action);
    assert_ne!(action, redirect(node.db), "db is closed: {frame:02x?}");
    if !matches!(action, Action::Drop(_)) {
        assert!(is_from(frame, node.far), "a foreign address: {frame:02x?}");
    }
}

/// A drop has its event, with its reason; whatever passes has one at most, which says so.
fn check_events(node: &Node, action: Action) {
    let events: Vec<Event> = node.memory.take_events();
    match action {
        Action::Drop(reason) | Action::Refuse { reason, .. } | Action::Reflect { reason, .. } => {
            let [event] = events.as_slice() else {
                panic!("{reason}: {events:?}");
            };
            assert_eq!(DropReason::from_number(event.reason), Some(reason));
        }
        Action::Pass | Action::Redirect { .. } | Action::Encapsulate(_) => {
            assert!(events.len() <= 1, "{events:?}");
            let allowed = Disposition::Allowed as u8;
            assert!(events.iter().all(|event| event.disposition == allowed));
        }
    }
}

/// Indices of the node's other links.
const UPLINK: u32 = 10;
const OVERLAY: u32 = 11;

/// What the other node packs frames with.
const OTHER_NODE: Address = Address::from_v4([192, 0, 2, 2]);

/// The node's own addresses: what comes from them is let in.
const NODE: [Address; 2] = [
    Address::from_v4([192, 0, 2, 1]),
    Address::from_v6([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
];

fn redirect(pod: Pod) -> Action {
    Action::Redirect {
        ifindex: pod.ifindex,
    }
}

/// The source address as it stands in the frame; `None` if it is not IP.
fn source(frame: &[u8]) -> Option<Address> {
    match frame.get(12..14)?.try_into().ok()? {
        IPV4 => Some(Address::from_v4(frame.get(26..30)?.try_into().ok()?)),
        IPV6 => Some(Address::from_v6(frame.get(22..38)?.try_into().ok()?)),
        _ => None,
    }
}

fn is_from(frame: &[u8], pod: Pod) -> bool {
    source(frame).is_none_or(|source| source == pod.v4 || source == pod.v6) || is_neighbours(frame)
}

/// ARP, or `ICMPv6` somewhere in the packet: neighbour discovery has sources and destinations of its own.
fn is_neighbours(frame: &[u8]) -> bool {
    let network = frame.get(12..14);
    network != Some(&IPV4) && (network != Some(&IPV6) || frame[14..].contains(&ICMPV6))
}

/// The frames in an input; what is cut off is left out.
struct Frames<'a>(&'a [u8]);

impl<'a> Iterator for Frames<'a> {
    type Item = (u8, u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let [enters, seconds, low, high, rest @ ..] = self.0 else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (frame, rest) = rest.split_at(length);
        self.0 = rest;
        Some((*enters, *seconds, frame))
    }
}
