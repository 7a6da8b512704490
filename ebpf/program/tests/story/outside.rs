//! Outside hosts, and pods of other nodes, that come to a node for a service.

use crate::cluster::{self, FAR, NODE_2, NODE_3, NODE_ADDRESS_V6, ROUTER, arrive_at};
use crate::craft::{self, Ends};
use crate::hostile::every_byte_changed;
use crate::world::{self, NODE_ADDRESS, Pod, WEB, address, assert_drop, delivered};
use abi::{
    BackendSet, DropReason, End, FRONTEND_IS_LOCAL, FRONTEND_IS_THERE, Frontend, FrontendKey,
    FrontendRows, Guard, MEMBER_TAKES_NEW, MemberKey, Port, PortRange, Routing, SlotKey, protocol,
};
use program::memory::Memory;
use program::{Action, Scratch};

const FAMILIES: [usize; 2] = [0, 1];
const CLIENT: [&str; 2] = ["203.0.113.9", "2001:db8::9"];
const NODE: [&str; 2] = [NODE_ADDRESS, NODE_ADDRESS_V6];
const NODE_PORT: u16 = 30_080;
const TARGET: u16 = 5432;
const PORTS: PortRange = PortRange {
    first: 61000,
    last: 61003,
};

/// The outside as the sender of frames.
const OUTSIDE: Pod = Pod {
    mac: ROUTER,
    ..NODE_2
};

fn own(pod: &Pod, family: usize) -> &'static str {
    [pod.v4, pod.v6][family]
}

/// The node of `cluster` with a node port in front of these pods.
fn node(family: usize, backends: &[&Pod], flags: u32) -> Memory {
    node_for(Routing::Native, family, backends, flags)
}

fn node_for(routing: Routing, family: usize, backends: &[&Pod], flags: u32) -> Memory {
    let mut memory = cluster::cluster(routing);
    memory.service_ports = PORTS;
    let set = 7;
    for (slot, pod) in (0..).zip(backends) {
        let backend = End::new(address(own(pod, family)), Port::new(TARGET));
        memory.write_slot(SlotKey { set, slot }, Some(backend));
        memory.write_member(MemberKey { set, backend }, Some(MEMBER_TAKES_NEW));
    }
    let backends = BackendSet {
        id: set,
        slots: u32::try_from(backends.len()).unwrap(),
    };
    let frontend = Frontend {
        number: 1,
        flags: FRONTEND_IS_THERE | flags,
        inside: backends,
        outside: backends,
        ..Frontend::default()
    };
    for number in [protocol::TCP, protocol::UDP, protocol::SCTP] {
        let key = FrontendKey::exact(address(NODE[family]), number, Port::new(NODE_PORT));
        let rows = FrontendRows::default().with(1, frontend);
        memory.write_frontend(key, Some(rows));
    }
    memory
}

/// The client's ends, as it sees them.
fn asked(family: usize) -> Ends<'static> {
    Ends {
        from: (CLIENT[family], 40_000),
        to: (NODE[family], NODE_PORT),
    }
}

/// Those of the same connection, as a backend on this node sees them.
fn kept(pod: &Pod, family: usize) -> Ends<'static> {
    Ends {
        to: (own(pod, family), TARGET),
        ..asked(family)
    }
}

/// Those of the same connection, as a backend on another node sees them.
fn sent_on(pod: &Pod, family: usize) -> Ends<'static> {
    Ends {
        from: (NODE[family], 61_000),
        to: (own(pod, family), TARGET),
    }
}

/// The packet in a frame, without the frame's own header.
fn packet(frame: &[u8]) -> &[u8] {
    &frame[14..]
}

type Craft = fn(&Pod, Ends<'_>) -> Vec<u8>;

/// Ways to ask and to answer, and the port that the node gives to the connection: one of SCTP keeps its own.
const KINDS: [(Craft, Craft, u16); 3] = [
    (
        |pod, ends| craft::tcp(pod, ends, "S"),
        |pod, ends| craft::tcp(pod, ends, "S."),
        61_000,
    ),
    (
        |pod, ends| craft::udp(pod, ends, b"question"),
        |pod, ends| craft::udp(pod, ends, b"answer"),
        61_000,
    ),
    (
        |pod, ends| craft::sctp(pod, ends, 1),
        |pod, ends| craft::sctp(pod, ends, 2),
        40_000,
    ),
];

#[test]
fn a_backend_on_this_node_sees_the_client_and_answers_as_the_service() {
    for family in FAMILIES {
        for (ask, answer, _) in KINDS {
            let memory = node(family, &[&WEB], 0);
            let (action, frame) = arrive_at(&memory, ask(&OUTSIDE, asked(family)));
            assert_eq!(action, delivered(&WEB));
            assert_eq!(packet(&frame), packet(&ask(&OUTSIDE, kept(&WEB, family))));
            let event = world::only_event(&memory);
            assert_eq!(
                event.frontend,
                End::new(address(NODE[family]), Port::new(NODE_PORT))
            );
            let mut reply = answer(&WEB, kept(&WEB, family).back());
            let action =
                program::from_endpoint(&memory, &mut reply, &mut Scratch::default(), WEB.ifindex);
            assert_eq!(action, Action::Pass);
            assert_eq!(packet(&reply), packet(&answer(&WEB, asked(family).back())));
        }
    }
}

#[test]
fn a_backend_on_another_node_sees_the_node_and_the_client_the_service() {
    for family in FAMILIES {
        for routing in [Routing::Native, Routing::Vxlan] {
            for (ask, answer, port) in KINDS {
                let memory = node_for(routing, family, &[&FAR], 0);
                let (action, frame) = arrive_at(&memory, ask(&OUTSIDE, asked(family)));
                let there = Ends {
                    from: (NODE[family], port),
                    ..sent_on(&FAR, family)
                };
                assert_eq!(action, Action::Pass);
                assert_eq!(packet(&frame), packet(&ask(&OUTSIDE, there)));
                let (action, reply) = arrive_at(&memory, answer(&FAR, there.back()));
                assert_eq!(action, Action::Pass);
                assert_eq!(packet(&reply), packet(&answer(&FAR, asked(family).back())));
                let event = world::only_event(&memory);
                assert_eq!(event.source, address(CLIENT[family]));
                assert_eq!(event.destination, address(own(&FAR, family)));
                assert_eq!(event.frontend.address, address(NODE[family]));
                let not_asked = abi::Decider::NotAsked as u16;
                assert_eq!(
                    [event.egress.decider, event.ingress.decider],
                    [not_asked; 2]
                );
            }
        }
    }
}

#[test]
fn a_node_that_is_a_backend_itself_answers_as_the_service() {
    let itself = Pod {
        v4: NODE[0],
        v6: NODE[1],
        ..NODE_2
    };
    for family in FAMILIES {
        for (ask, answer, _) in KINDS {
            let memory = node(family, &[&itself], 0);
            let (action, frame) = arrive_at(&memory, ask(&OUTSIDE, asked(family)));
            assert_eq!(action, Action::Pass);
            let seen = kept(&itself, family);
            assert_eq!(packet(&frame), packet(&ask(&OUTSIDE, seen)));
            let mut reply = answer(&itself, seen.back());
            let action = program::to_network(&memory, &mut reply, &mut Scratch::default(), 2);
            assert_eq!(action, Action::Pass);
            assert_eq!(
                packet(&reply),
                packet(&answer(&itself, asked(family).back()))
            );
        }
    }
}

#[test]
fn a_connection_goes_on_to_where_it_began() {
    for family in FAMILIES {
        let memory = node(family, &[&WEB, &FAR], 0);
        let (first, _) = arrive_at(&memory, craft::tcp(&OUTSIDE, asked(family), "S"));
        for _ in 0..8 {
            let (next, _) = arrive_at(&memory, craft::tcp(&OUTSIDE, asked(family), "."));
            assert_eq!(next, first);
        }
    }
}

#[test]
fn a_pod_of_another_node_is_served_too() {
    for family in FAMILIES {
        let memory = node(family, &[&WEB], FRONTEND_IS_LOCAL);
        let asked = Ends {
            from: (own(&FAR, family), 40_000),
            ..asked(family)
        };
        let (action, frame) = arrive_at(&memory, craft::tcp(&FAR, asked, "S"));
        assert_eq!(action, delivered(&WEB));
        let seen = Ends {
            to: (own(&WEB, family), TARGET),
            ..asked
        };
        assert_eq!(packet(&frame), packet(&craft::tcp(&FAR, seen, "S")));
    }
}

#[test]
fn a_false_source_is_not_served() {
    for family in FAMILIES {
        let memory = node(family, &[&WEB], 0);
        let asked = Ends {
            from: (own(&FAR, family), 40_000),
            ..asked(family)
        };
        let (action, _) = arrive_at(&memory, craft::tcp(&NODE_3, asked, "S"));
        assert_drop(&memory, action, DropReason::SpoofedSource);
    }
}

#[test]
fn who_finds_nobody_is_told_unless_a_load_balancer_should_have_known() {
    for family in FAMILIES {
        let memory = node(family, &[], 0);
        let (action, frame) = arrive_at(&memory, craft::tcp(&OUTSIDE, asked(family), "S"));
        let reason = DropReason::NoServiceBackend;
        assert_eq!(action, Action::Reflect { reason, ifindex: 2 });
        assert_eq!(frame[..6], ROUTER);
        let memory = node(family, &[], FRONTEND_IS_LOCAL);
        let (action, _) = arrive_at(&memory, craft::tcp(&OUTSIDE, asked(family), "S"));
        assert_drop(&memory, action, DropReason::NoLocalBackend);
    }
}

#[test]
fn errors_find_their_way_to_both_ends() {
    for family in FAMILIES {
        let memory = node(family, &[&FAR], 0);
        let (_, question) = arrive_at(&memory, craft::udp(&OUTSIDE, asked(family), b"question"));
        // The backend's node says that nobody is there: to the client it is the service.
        let from_backend =
            |ends: Ends<'_>, about: &[u8]| craft::summed(craft::unreachable(&FAR, ends, about));
        let refused = from_backend(sent_on(&FAR, family).back(), &question);
        let (action, frame) = arrive_at(&memory, refused);
        assert_eq!(action, Action::Pass);
        let sent = craft::udp(&OUTSIDE, asked(family), b"question");
        let expected = from_backend(asked(family).back(), &sent);
        assert_eq!(packet(&frame), packet(&expected));
        // The client, or a router near it, has no room for an answer.
        let answer = craft::udp(&FAR, sent_on(&FAR, family).back(), b"answer");
        let (_, answered) = arrive_at(&memory, answer.clone());
        for source in [CLIENT[family], ["198.51.100.1", "2001:db8:1::1"][family]] {
            let error = |from: &'static str, ends: Ends<'_>, about: &[u8]| {
                let ends = Ends {
                    from: (from, 0),
                    ..ends
                };
                craft::summed(craft::unreachable(&OUTSIDE, ends, about))
            };
            let (action, frame) = arrive_at(&memory, error(source, asked(family), &answered));
            assert_eq!(action, Action::Pass);
            let expected = error(NODE[family], sent_on(&FAR, family), &answer);
            assert_eq!(packet(&frame), packet(&expected), "{source}");
        }
    }
}

#[test]
fn what_is_sent_on_is_not_the_node_s_own() {
    for family in FAMILIES {
        let mut memory = node(family, &[&FAR], 0);
        memory.guard = Guard {
            v4: address(NODE[0]),
            v6: address(NODE[1]),
        };
        let (_, frame) = arrive_at(&memory, craft::tcp(&OUTSIDE, asked(family), "S"));
        let (_, reply) = arrive_at(
            &memory,
            craft::tcp(&FAR, sent_on(&FAR, family).back(), "S."),
        );
        memory.take_events();
        for mut leaves in [frame, reply] {
            let action = program::to_network(&memory, &mut leaves, &mut Scratch::default(), 2);
            assert_eq!(action, Action::Pass);
        }
        assert_eq!(memory.take_events(), []);
    }
}

#[test]
fn without_services_nothing_is_looked_for() {
    for family in FAMILIES {
        let mut memory = node(family, &[&WEB], 0);
        memory.service_ports = PortRange::NONE;
        let frame = craft::tcp(&OUTSIDE, asked(family), "S");
        assert_eq!(arrive_at(&memory, frame.clone()), (Action::Pass, frame));
    }
}

#[test]
fn no_byte_makes_it_panic() {
    for family in FAMILIES {
        let memory = node(family, &[&WEB, &FAR], 0);
        for (ask, _, _) in KINDS {
            every_byte_changed(&ask(&OUTSIDE, asked(family)), |frame| {
                let _ = arrive_at(&memory, frame);
            });
        }
    }
}
