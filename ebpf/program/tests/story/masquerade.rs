//! Pods that talk to the outside with their node's address.

use crate::cluster::{self, NODE_2, NODE_ADDRESS_V6, ROUTER, arrive_at};
use crate::craft::{self, Ends};
use crate::hostile::every_byte_changed;
use crate::world::{self, DB, NODE_ADDRESS, Pod, WEB, assert_drop, delivered};
use abi::{CidrKey, DropReason, PortRange, Routing};
use program::memory::Memory;
use program::{Action, Scratch};
use std::collections::BTreeSet;

const OUTSIDE: [&str; 2] = ["203.0.113.9", "2001:db8::9"];
const NODE: [&str; 2] = [NODE_ADDRESS, NODE_ADDRESS_V6];
const RANGE: PortRange = PortRange {
    first: 61000,
    last: 61003,
};
const FAMILIES: [usize; 2] = [0, 1];
const SECOND: u64 = 1_000_000_000;

/// The node of `cluster`, which masquerades.
fn node() -> Memory {
    let mut memory = cluster::cluster(Routing::Native);
    memory.set_masquerade(RANGE, []);
    memory
}

/// A prefix that the outside host is in.
fn around_outside(family: usize) -> CidrKey {
    CidrKey {
        prefix_length: [96 + 24, 32][family],
        address: world::address(OUTSIDE[family]),
    }
}

/// The outside as the sender of frames.
const fn outside() -> Pod {
    Pod {
        mac: ROUTER,
        ..NODE_2
    }
}

fn own(pod: &Pod, family: usize) -> &'static str {
    [pod.v4, pod.v6][family]
}

/// A pod's ends of a connection to port 53 outside.
fn ends(pod: &Pod, family: usize, port: u16) -> Ends<'static> {
    Ends {
        from: (own(pod, family), port),
        to: (OUTSIDE[family], 53),
    }
}

/// How the remote end sees it.
fn seen(family: usize, port: u16) -> Ends<'static> {
    Ends {
        from: (NODE[family], port),
        to: (OUTSIDE[family], 53),
    }
}

/// What a frame of a pod is on the wire behind the uplink.
fn leave(memory: &Memory, pod: &Pod, frame: &[u8]) -> Result<Vec<u8>, Action> {
    match world::send(memory, pod, frame.to_vec()) {
        Action::Pass => {}
        other => return Err(other),
    }
    memory.take_events();
    at_the_uplink(memory, frame)
}

/// What the node's stack sends.
fn at_the_uplink(memory: &Memory, frame: &[u8]) -> Result<Vec<u8>, Action> {
    let mut frame = frame.to_vec();
    let packet = &mut frame;
    match program::to_network(memory, packet, &mut Scratch::default(), 2) {
        Action::Pass => Ok(frame),
        other => Err(other),
    }
}

/// The packet in a frame, without the frame's own header.
fn packet(frame: &[u8]) -> &[u8] {
    &frame[14..]
}

/// Each kind of packet of a pod, from this port or with this identifier.
fn kinds(pod: &Pod, ends: Ends<'_>) -> [Vec<u8>; 4] {
    [
        craft::tcp(pod, ends, "S"),
        craft::udp(pod, ends, b"question"),
        craft::udp(pod, ends, b"odd"),
        craft::echo(pod, ends, true),
    ]
}

#[test]
fn what_leaves_has_the_node_s_address_and_right_checksums() {
    for family in FAMILIES {
        for index in 0..4 {
            let memory = node();
            let sent = &kinds(&WEB, ends(&WEB, family, 40_000))[index];
            let left = leave(&memory, &WEB, sent).unwrap();
            let expected = &kinds(&WEB, seen(family, 61_000))[index];
            assert_eq!(packet(&left), packet(expected), "{family} {index}");
            assert_eq!(memory.take_events(), []);
        }
    }
}

#[test]
fn what_comes_back_is_the_pod_s_and_so_says_nothing() {
    for family in FAMILIES {
        for index in 0..4 {
            let memory = node();
            let sent = &kinds(&WEB, ends(&WEB, family, 40_000))[index];
            leave(&memory, &WEB, sent).unwrap();
            let answer = |ends: Ends<'_>| match index {
                0 => craft::tcp(&outside(), ends, "S."),
                1 | 2 => craft::udp(&outside(), ends, b"answer"),
                _ => craft::echo(&outside(), ends, false),
            };
            let (action, frame) = arrive_at(&memory, answer(seen(family, 61_000).back()));
            assert_eq!(action, delivered(&WEB));
            let expected = answer(ends(&WEB, family, 40_000).back());
            assert_eq!(packet(&frame), packet(&expected), "{family} {index}");
            assert_eq!(memory.take_events(), []);
            let (action, _) = arrive_at(&memory, answer(seen(family, 61_001).back()));
            assert_eq!(action, Action::Pass);
        }
    }
}

#[test]
fn a_port_of_the_range_is_kept() {
    for family in FAMILIES {
        let memory = node();
        let sent = craft::udp(&WEB, ends(&WEB, family, 61_002), b"?");
        let left = leave(&memory, &WEB, &sent).unwrap();
        let expected = craft::udp(&WEB, seen(family, 61_002), b"?");
        assert_eq!(packet(&left), packet(&expected));
    }
}

/// The port that a frame has on the node.
fn node_port(frame: &[u8]) -> u16 {
    let place = if frame[14] >> 4 == 4 { 34 } else { 54 };
    u16::from_be_bytes([frame[place], frame[place + 1]])
}

#[test]
fn one_port_towards_one_remote_end_is_one_connection_s() {
    for family in FAMILIES {
        let memory = node();
        let ask = |pod: &Pod, port, to| {
            let ends = Ends {
                to: (OUTSIDE[family], to),
                ..ends(pod, family, port)
            };
            let frame = craft::udp(pod, ends, b"?");
            leave(&memory, pod, &frame).map(|frame| node_port(&frame))
        };
        assert_eq!(ask(&WEB, 61_003, 53), Ok(61_003));
        assert_eq!(ask(&DB, 61_003, 53), Ok(61_000));
        assert_eq!(ask(&DB, 61_003, 54), Ok(61_003));
        // Each keeps its own.
        assert_eq!(ask(&WEB, 61_003, 53), Ok(61_003));
        assert_eq!(ask(&DB, 61_003, 53), Ok(61_000));
        assert!(ask(&DB, 4_000, 53).is_ok());
        assert!(ask(&DB, 4_001, 53).is_ok());
        let denied = Action::Drop(DropReason::MasqueradePortsExhausted);
        assert_eq!(ask(&DB, 4_002, 53), Err(denied));
        assert_drop(&memory, denied, DropReason::MasqueradePortsExhausted);
        assert_eq!(memory.translations().len(), 5);
    }
}

#[test]
fn a_large_range_is_searched_all_over() {
    let mut memory = node();
    let large = PortRange {
        last: 65_535,
        ..RANGE
    };
    memory.set_masquerade(large, []);
    let count = u16::try_from(large.count()).unwrap();
    // All of them begin at the same place.
    let ports: BTreeSet<u16> = (0..13)
        .map(|turn| {
            let frame = craft::udp(&WEB, ends(&WEB, 0, 100 + turn * count), b"?");
            node_port(&leave(&memory, &WEB, &frame).unwrap())
        })
        .collect();
    assert_eq!(ports.len(), 13);
    let gaps = ports
        .iter()
        .zip(ports.iter().skip(1))
        .map(|(one, next)| next - one);
    assert!(gaps.min() >= Some(count / 32), "{ports:?}");
}

#[test]
fn a_dead_connection_s_port_is_free_and_leads_nowhere() {
    for family in FAMILIES {
        let mut memory = node();
        let one = PortRange {
            last: RANGE.first,
            ..RANGE
        };
        memory.set_masquerade(one, []);
        let ask = |memory: &Memory, pod: &Pod| {
            let frame = craft::udp(pod, ends(pod, family, 4_000), b"?");
            leave(memory, pod, &frame).map(|frame| node_port(&frame))
        };
        let answer = |memory: &Memory| {
            let back = seen(family, 61_000).back();
            arrive_at(memory, craft::udp(&outside(), back, b"!")).0
        };
        assert_eq!(ask(&memory, &WEB), Ok(61_000));
        memory.now += 29 * SECOND;
        assert_eq!(answer(&memory), delivered(&WEB));
        memory.now += 119 * SECOND;
        let full = Err(Action::Drop(DropReason::MasqueradePortsExhausted));
        assert_eq!(ask(&memory, &DB), full);
        memory.now += SECOND;
        assert_eq!(answer(&memory), Action::Pass);
        memory.forget_connections();
        assert_eq!(ask(&memory, &DB), Ok(61_000));
        assert_eq!(answer(&memory), delivered(&DB));
    }
}

#[test]
fn a_connection_that_begins_anew_finds_its_port_again() {
    let mut memory = node();
    let ask = |memory: &Memory| {
        let frame = craft::udp(&WEB, ends(&WEB, 0, 4_000), b"?");
        node_port(&leave(memory, &WEB, &frame).unwrap())
    };
    let before = ask(&memory);
    memory.now += 1_000 * SECOND;
    assert_eq!(ask(&memory), before);
    assert_eq!(memory.translations().len(), 1);
}

#[test]
fn a_full_table_drops_with_its_own_reason() {
    let mut memory = node();
    memory.capacity = 1;
    let frame = craft::udp(&WEB, ends(&WEB, 0, 4_000), b"?");
    leave(&memory, &WEB, &frame).unwrap();
    memory.capacity = 2;
    let other = craft::udp(&DB, ends(&DB, 0, 4_000), b"?");
    assert_eq!(world::send(&memory, &DB, other.clone()), Action::Pass);
    memory.take_events();
    memory.capacity = 1;
    let action = at_the_uplink(&memory, &other).unwrap_err();
    assert_drop(&memory, action, DropReason::TranslationTableFull);
}

#[test]
fn what_stays_in_the_cluster_or_is_excepted_keeps_its_address() {
    for family in FAMILIES {
        let mut memory = node();
        let inside = Ends {
            to: ([NODE_2.v4, NODE_2.v6][family], 53),
            ..ends(&WEB, family, 4_000)
        };
        for ends in [ends(&WEB, family, 4_000), inside] {
            let frame = craft::udp(&WEB, ends, b"?");
            memory.set_masquerade(RANGE, [around_outside(family)]);
            assert_eq!(leave(&memory, &WEB, &frame).as_ref(), Ok(&frame));
        }
        // What the node itself sends, and what no node's address can stand for.
        let own = Ends {
            from: (NODE[family], 4_000),
            ..ends(&WEB, family, 4_000)
        };
        let frame = craft::udp(&WEB, own, b"?");
        assert_eq!(at_the_uplink(&memory, &frame).as_ref(), Ok(&frame));
        let mut memory = node();
        let home = Pod {
            identity: world::NODE,
            ..NODE_2
        };
        cluster::change_node(&mut memory, &home, |node| {
            cluster::without_v4(node);
            cluster::without_v6(node);
        });
        let frame = craft::udp(&WEB, ends(&WEB, family, 4_000), b"?");
        assert_eq!(leave(&memory, &WEB, &frame).as_ref(), Ok(&frame));
    }
}

#[test]
fn masquerade_is_off_unless_it_has_ports() {
    let memory = cluster::cluster(Routing::Native);
    let frame = craft::udp(&WEB, ends(&WEB, 0, 4_000), b"?");
    assert_eq!(leave(&memory, &WEB, &frame).as_ref(), Ok(&frame));
}

#[test]
fn a_connection_that_was_answered_goes_on_as_it_began() {
    for family in FAMILIES {
        let mut memory = node();
        let frame = craft::udp(&WEB, ends(&WEB, family, 61_001), b"?");
        let masqueraded = leave(&memory, &WEB, &frame).unwrap();
        memory.set_masquerade(RANGE, [around_outside(family)]);
        assert_eq!(leave(&memory, &WEB, &frame).as_ref(), Ok(&masqueraded));
        let other = craft::udp(&WEB, ends(&WEB, family, 61_002), b"?");
        assert_eq!(leave(&memory, &WEB, &other).as_ref(), Ok(&other));
        let answer = ends(&WEB, family, 61_002).back();
        let (action, _) = arrive_at(&memory, craft::udp(&outside(), answer, b"!"));
        assert_eq!(action, delivered(&WEB));
        memory.set_masquerade(RANGE, []);
        assert_eq!(leave(&memory, &WEB, &other).as_ref(), Ok(&other));
    }
}

#[test]
fn an_answer_to_the_outside_keeps_the_address_that_it_was_asked_at() {
    for family in FAMILIES {
        let memory = node();
        let asked = ends(&WEB, family, 8_080).back();
        let (action, _) = arrive_at(&memory, craft::tcp(&outside(), asked, "S"));
        assert_eq!(action, delivered(&WEB));
        let answer = craft::tcp(&WEB, asked.back(), "S.");
        assert_eq!(leave(&memory, &WEB, &answer).as_ref(), Ok(&answer));
    }
}

#[test]
fn sctp_keeps_its_port_or_does_not_leave() {
    for family in FAMILIES {
        let memory = node();
        let init = |pod| craft::sctp(pod, ends(pod, family, 4_000), 1);
        let left = leave(&memory, &WEB, &init(&WEB)).unwrap();
        let expected = craft::sctp(&WEB, seen(family, 4_000), 1);
        assert_eq!(packet(&left), packet(&expected));
        let action = leave(&memory, &DB, &init(&DB)).unwrap_err();
        assert_drop(&memory, action, DropReason::MasqueradePortsExhausted);
        let back = craft::sctp(&outside(), seen(family, 4_000).back(), 2);
        let (action, frame) = arrive_at(&memory, back);
        assert_eq!(action, delivered(&WEB));
        let expected = craft::sctp(&outside(), ends(&WEB, family, 4_000).back(), 2);
        assert_eq!(packet(&frame), packet(&expected));
    }
}

#[test]
fn a_datagram_without_a_checksum_stays_without() {
    let memory = node();
    let mut frame = craft::udp(&WEB, ends(&WEB, 0, 4_000), b"?");
    frame[40..42].copy_from_slice(&[0, 0]);
    let mut expected = craft::udp(&WEB, seen(0, 61_000), b"?");
    expected[40..42].copy_from_slice(&[0, 0]);
    let left = leave(&memory, &WEB, &frame).unwrap();
    assert_eq!(packet(&left), packet(&expected));
}

#[test]
fn an_error_about_what_left_is_about_what_the_pod_sent() {
    for family in FAMILIES {
        for index in 0..4 {
            let memory = node();
            let sent = &kinds(&WEB, ends(&WEB, family, 40_000))[index];
            let left = leave(&memory, &WEB, sent).unwrap();
            let router = ["198.51.100.1", "2001:db8:1::1"][family];
            let error = |to, about: &[u8]| {
                let ends = Ends {
                    from: (router, 0),
                    to: (to, 0),
                };
                craft::summed(craft::unreachable(&outside(), ends, about))
            };
            let (action, frame) = arrive_at(&memory, error(NODE[family], &left));
            assert_eq!(action, delivered(&WEB));
            let expected = error(own(&WEB, family), sent);
            assert_eq!(packet(&frame), packet(&expected), "{family} {index}");
            assert_eq!(memory.take_events(), []);
            // Eight bytes of it are enough.
            let shortest = 14 + [20, 40][family] + 8;
            let (action, frame) = arrive_at(&memory, error(NODE[family], &left[..shortest]));
            assert_eq!(action, delivered(&WEB));
            let expected = error(own(&WEB, family), &sent[..shortest]);
            assert_eq!(packet(&frame), packet(&expected), "{family} {index}");
            // What never left is the node's business.
            let stranger = craft::udp(&WEB, seen(family, 61_003), b"?");
            let (action, _) = arrive_at(&memory, error(NODE[family], &stranger));
            assert_eq!(action, Action::Pass);
        }
    }
}

#[test]
fn an_error_of_the_pod_is_about_what_was_sent_to_the_node() {
    for family in FAMILIES {
        let memory = node();
        let sent = craft::udp(&WEB, ends(&WEB, family, 40_000), b"?");
        leave(&memory, &WEB, &sent).unwrap();
        let outer = craft::udp(&outside(), seen(family, 61_000).back(), b"!");
        let (action, answer) = arrive_at(&memory, outer.clone());
        assert_eq!(action, delivered(&WEB));
        let error = |from, about: &[u8]| {
            let ends = Ends {
                from: (from, 0),
                to: (OUTSIDE[family], 0),
            };
            craft::summed(craft::unreachable(&WEB, ends, about))
        };
        let left = leave(&memory, &WEB, &error(own(&WEB, family), &answer)).unwrap();
        let expected = error(NODE[family], &outer);
        assert_eq!(packet(&left), packet(&expected));
    }
}

#[test]
fn fragments_follow_their_first_both_ways() {
    for family in FAMILIES {
        let memory = node();
        let fragments = |pod: &Pod, ends| craft::fragments(pod, ends, &[7; 64]);
        let sent = fragments(&WEB, ends(&WEB, family, 40_000));
        let expected = fragments(&WEB, seen(family, 61_000));
        for (sent, expected) in sent.iter().zip(&expected) {
            let left = leave(&memory, &WEB, sent).unwrap();
            assert_eq!(packet(&left), packet(expected));
        }
        let came = fragments(&outside(), seen(family, 61_000).back());
        let expected = fragments(&outside(), ends(&WEB, family, 40_000).back());
        for (came, expected) in came.iter().zip(&expected) {
            let (action, frame) = arrive_at(&memory, came.clone());
            assert_eq!(action, delivered(&WEB));
            assert_eq!(packet(&frame), packet(expected));
        }
    }
}

#[test]
fn what_belongs_to_no_connection_does_not_leave_with_a_pod_s_address() {
    for family in FAMILIES {
        let memory = node();
        let stray = craft::echo(&WEB, ends(&WEB, family, 7), false);
        let action = leave(&memory, &WEB, &stray).unwrap_err();
        assert_drop(&memory, action, DropReason::NoTranslation);
        let [_, later] = craft::fragments(&WEB, ends(&WEB, family, 40_000), &[7; 64]);
        let action = at_the_uplink(&memory, &later).unwrap_err();
        assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
    }
}

#[test]
fn what_ends_a_connection_that_nobody_remembers_leaves_with_the_node_s_address() {
    for family in FAMILIES {
        for flags in ["F.", "R", "."] {
            let memory = node();
            let left = leave(
                &memory,
                &WEB,
                &craft::tcp(&WEB, ends(&WEB, family, 4_000), flags),
            );
            let node = craft::tcp(&WEB, seen(family, 61_000), flags);
            assert_eq!(source(&left.unwrap()), source(&node), "{flags}");
        }
    }
}

#[test]
fn a_forgotten_connection_s_port_leads_to_the_node() {
    let mut memory = node();
    let frame = craft::udp(&DB, ends(&DB, 0, 4_000), b"?");
    leave(&memory, &DB, &frame).unwrap();
    let (action, _) = arrive_at(
        &memory,
        craft::udp(&outside(), seen(0, 61_000).back(), b"!"),
    );
    assert_eq!(action, delivered(&DB));
    memory.forget_connections();
    let (action, _) = arrive_at(
        &memory,
        craft::udp(&outside(), seen(0, 61_000).back(), b"!"),
    );
    assert_eq!(action, Action::Pass);
}

/// The source address in a frame.
fn source(frame: &[u8]) -> &[u8] {
    if frame[14] >> 4 == 4 {
        &frame[26..30]
    } else {
        &frame[22..38]
    }
}

#[test]
fn no_bytes_make_the_program_panic_or_show_a_pod_s_address_outside() {
    for family in FAMILIES {
        let memory = node();
        let sent = craft::udp(&WEB, ends(&WEB, family, 40_000), b"?");
        let left = leave(&memory, &WEB, &sent).unwrap();
        let answer = craft::udp(&outside(), seen(family, 61_000).back(), b"!");
        let (_, came) = arrive_at(&memory, answer.clone());
        let error = craft::unreachable(&WEB, ends(&WEB, family, 0), &came);
        for frame in [&sent, &error] {
            every_byte_changed(frame, |frame| {
                let is_shown =
                    leave(&memory, &WEB, &frame).is_ok_and(|left| source(&left) == source(&sent));
                assert!(!is_shown, "{frame:?}");
            });
        }
        let error = craft::unreachable(&outside(), seen(family, 0).back(), &left);
        for frame in [answer, error] {
            every_byte_changed(&frame, |frame| drop(arrive_at(&memory, frame)));
        }
    }
}
