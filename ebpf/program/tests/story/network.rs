//! What comes by the uplink: from other nodes' pods, from nodes, from outside.

use crate::cluster::{
    FAR, NODE_2, NODE_3, NODE_ADDRESS_V6, ROUTER, Received, arrive, arrive_as, cluster, v6,
};
use crate::craft::{self, Ends};
use crate::world::{self, DB, NODE_ADDRESS, Pod, WEB, assert_drop, delivered, only_event};
use abi::{Decider, Disposition, DropReason, Hook, Identity, Port, Routing, protocol};
use program::Action;
use program::memory::Memory;

const V4: Ends = Ends {
    from: (FAR.v4, 4000),
    to: (DB.v4, 5432),
};
const V6: Ends = Ends {
    from: (FAR.v6, 4000),
    to: (DB.v6, 5432),
};

/// As `pod`, but with frames from another link-layer address.
const fn by(mac: [u8; 6]) -> Pod {
    Pod { mac, ..FAR }
}

/// A new connection from `source` to `destination`, in a frame from this link-layer address.
fn open(memory: &Memory, mac: [u8; 6], source: &str, destination: &str) -> Action {
    let ends = Ends {
        from: (source, 4000),
        to: (destination, 5432),
    };
    arrive(memory, craft::tcp(&by(mac), ends, "S"))
}

fn assert_untouched(memory: &Memory, action: Action) {
    assert_eq!(action, Action::Pass);
    assert_eq!(memory.take_events(), []);
}

#[test]
fn a_pod_of_another_node_is_judged_by_its_identity_and_delivered() {
    for ends in [V4, V6] {
        let memory = cluster(Routing::Native);
        let action = arrive(&memory, craft::tcp(&FAR, ends, "S"));
        assert_eq!(action, delivered(&DB));
        let event = only_event(&memory);
        assert_eq!(event.hook, Hook::FromNetwork as u8);
        assert_eq!(event.disposition, Disposition::Allowed as u8);
        assert_eq!(
            (event.source_identity, event.destination_identity),
            (FAR.identity, DB.identity)
        );
        assert_eq!(event.egress.decider, Decider::NotAsked as u16);
        assert_eq!(event.ingress.decider, Decider::Rules as u16);
        let closed = Ends {
            to: (ends.to.0, 5433),
            ..ends
        };
        let action = arrive(&memory, craft::tcp(&FAR, closed, "S"));
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn a_frame_for_a_pod_gets_the_pod_s_link_layer_addresses() {
    let memory = cluster(Routing::Native);
    let mut frame = craft::tcp(&FAR, V4, "S");
    let mut scratch = program::Scratch::default();
    let packet = &mut frame;
    let action = program::from_network(&memory, packet, &mut scratch, 2);
    assert_eq!(action, delivered(&DB));
    assert_eq!(frame[..6], DB.mac);
    assert_eq!(frame[6..12], world::GATEWAY.0);
}

#[test]
fn an_address_of_the_cluster_comes_from_its_own_node_only() {
    let memory = cluster(Routing::Native);
    for (mac, source) in [
        (NODE_3.mac, FAR.v4),
        (NODE_3.mac, FAR.v6),
        (ROUTER, FAR.v4),
        (ROUTER, NODE_2.v4),
        (NODE_3.mac, NODE_2.v6),
        // Nothing that this node sends comes back to it.
        (NODE_2.mac, WEB.v4),
        (NODE_2.mac, WEB.v6),
        (NODE_2.mac, NODE_ADDRESS),
        ([2, 0, 0, 0, 1, 1], NODE_ADDRESS),
        ([2, 0, 0, 0, 1, 1], WEB.v4),
    ] {
        let is_v4 = !source.contains(':');
        let (pod, node) = if is_v4 {
            (WEB.v4, NODE_ADDRESS)
        } else {
            (WEB.v6, NODE_ADDRESS_V6)
        };
        for destination in [pod, node] {
            let action = open(&memory, mac, source, destination);
            assert_eq!(action, Action::Drop(DropReason::SpoofedSource), "{source}");
            let event = memory.take_events()[0];
            assert_eq!(event.source, world::address(source));
            assert_eq!(event.destination_port, Port::new(5432));
            assert_eq!(event.generation, 1);
        }
    }
    assert_eq!(memory.drops()[&DropReason::SpoofedSource], 20);
}

#[test]
fn a_node_that_knows_neither_itself_nor_the_other_takes_nothing_from_it() {
    let mut memory = cluster(Routing::Native);
    memory.nodes.remove(&NODE_2.identity);
    memory.nodes.remove(&v6(NODE_2.identity));
    let action = open(&memory, FAR.mac, FAR.v4, WEB.v4);
    assert_drop(&memory, action, DropReason::SpoofedSource);
    let mut memory = cluster(Routing::Native);
    memory.home = abi::Home::default();
    let action = open(&memory, FAR.mac, FAR.v4, WEB.v4);
    assert_drop(&memory, action, DropReason::SpoofedSource);
    // The outside it still takes.
    let action = open(&memory, ROUTER, "203.0.113.9", WEB.v4);
    assert_eq!(action, delivered(&WEB));
}

#[test]
fn the_outside_is_the_world_whoever_brings_it() {
    for source in ["203.0.113.9", "10.0.7.7"] {
        for mac in [ROUTER, NODE_2.mac] {
            let memory = cluster(Routing::Vxlan);
            let action = open(&memory, mac, source, WEB.v4);
            assert_eq!(action, delivered(&WEB));
            assert_eq!(only_event(&memory).source_identity, Identity::WORLD);
            let action = open(&memory, mac, source, DB.v4);
            assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
        }
    }
}

#[test]
fn beside_a_tunnel_a_pod_s_packet_comes_to_the_node_itself_only() {
    let memory = cluster(Routing::Vxlan);
    for (source, own, other, pod) in [
        (FAR.v4, NODE_ADDRESS, NODE_3.v4, WEB.v4),
        (FAR.v6, NODE_ADDRESS_V6, NODE_3.v6, WEB.v6),
    ] {
        let action = open(&memory, FAR.mac, source, own);
        assert_untouched(&memory, action);
        for destination in [pod, other] {
            let action = open(&memory, FAR.mac, source, destination);
            assert_drop(&memory, action, DropReason::SpoofedSource);
        }
    }
    let action = open(&memory, FAR.mac, FAR.v4, "203.0.113.9");
    assert_drop(&memory, action, DropReason::SpoofedSource);
    let action = open(&memory, NODE_3.mac, FAR.v4, NODE_ADDRESS);
    assert_drop(&memory, action, DropReason::SpoofedSource);
    // A node speaks for itself either way.
    let action = open(&memory, NODE_2.mac, NODE_2.v4, WEB.v4);
    assert_eq!(action, delivered(&WEB));
    assert_eq!(only_event(&memory).source_identity, NODE_2.identity);
    // Without a tunnel the stack may send it on.
    let memory = cluster(Routing::Native);
    for destination in [NODE_ADDRESS, NODE_3.v4, "203.0.113.9"] {
        let action = open(&memory, FAR.mac, FAR.v4, destination);
        assert_untouched(&memory, action);
    }
}

#[test]
fn another_node_is_an_ordinary_peer() {
    for (source, db) in [(NODE_2.v4, DB.v4), (NODE_2.v6, DB.v6)] {
        let memory = cluster(Routing::Native);
        let action = open(&memory, NODE_2.mac, source, db);
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn what_is_for_no_pod_is_the_stack_s_business() {
    let memory = cluster(Routing::Native);
    let to_node = Ends {
        to: (NODE_ADDRESS, 22),
        ..V4
    };
    let whole = craft::tcp(&FAR, to_node, "S");
    let mut arp = whole.clone();
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let mut other = whole.clone();
    other[12..14].copy_from_slice(&[0x88, 0xcc]);
    let mut lying = whole.clone();
    lying[17] = 250;
    let mut later = whole.clone();
    later[14 + 7] = 5;
    for frame in [arp, other, lying, later] {
        let action = arrive(&memory, frame);
        assert_untouched(&memory, action);
    }
    for length in 0..whole.len() {
        let action = arrive(&memory, whole[..length].to_vec());
        assert_untouched(&memory, action);
    }
}

#[test]
fn what_is_malformed_and_for_a_pod_is_dropped() {
    for (ends, network) in [(V4, 20), (V6, 40)] {
        let whole = craft::udp(&FAR, ends, b"");
        for length in 14 + network..whole.len() {
            let memory = cluster(Routing::Native);
            let action = arrive(&memory, whole[..length].to_vec());
            assert_drop(&memory, action, DropReason::Malformed);
            // A false source counts before anything else that is wrong.
            let foreign = craft::udp(&by(NODE_3.mac), ends, b"");
            let action = arrive(&memory, foreign[..length].to_vec());
            assert_drop(&memory, action, DropReason::SpoofedSource);
        }
    }
}

#[test]
fn frames_for_other_hosts_are_left_alone_and_tagged_ones_are_dropped() {
    let memory = cluster(Routing::Native);
    let spoofed = craft::tcp(&by(ROUTER), V4, "S");
    let foreign = Received {
        is_for_another_host: true,
        ..Received::plain(spoofed.clone())
    };
    let action = arrive_as(&memory, foreign);
    assert_untouched(&memory, action);
    let tagged = Received {
        is_tagged: true,
        ..Received::plain(spoofed)
    };
    let action = arrive_as(&memory, tagged);
    assert_drop(&memory, action, DropReason::UnsupportedEthertype);
}

#[test]
fn neighbour_discovery_never_enters_a_pod() {
    let memory = cluster(Routing::Native);
    for kind in [133, 134, 135, 136, 137] {
        let mut message = vec![0; 24];
        message[0] = kind;
        for source in ["fe80::2", NODE_2.v6] {
            let ends = Ends {
                from: (source, 0),
                to: (DB.v6, 0),
            };
            let frame = craft::raw(&NODE_2, ends, protocol::ICMPV6, &message);
            let action = arrive(&memory, frame);
            assert_untouched(&memory, action);
        }
    }
}

#[test]
fn established_connections_pass_both_ways_with_one_event() {
    for ends in [V4, V6] {
        let memory = cluster(Routing::Native);
        for (frame, expected) in [
            (craft::tcp(&FAR, ends, "S"), delivered(&DB)),
            (craft::tcp(&FAR, ends, "."), delivered(&DB)),
        ] {
            assert_eq!(arrive(&memory, frame), expected);
            let answer = craft::tcp(&DB, ends.back(), "S.");
            assert_eq!(world::send(&memory, &DB, answer), Action::Pass);
        }
        only_event(&memory);
        // The other way round: db opens, and its answers need no policy of db's.
        let to_far = Ends {
            from: (ends.to.0, 7000),
            to: (ends.from.0, 80),
        };
        let opens = craft::tcp(&DB, to_far, "S");
        assert_eq!(world::send(&memory, &DB, opens), Action::Pass);
        only_event(&memory);
        let answer = craft::tcp(&FAR, to_far.back(), "S.");
        assert_eq!(arrive(&memory, answer), delivered(&DB));
        assert_eq!(memory.take_events(), []);
        // An answer with a false source is none.
        let forged = craft::tcp(&by(NODE_3.mac), to_far.back(), ".");
        let action = arrive(&memory, forged);
        assert_drop(&memory, action, DropReason::SpoofedSource);
    }
}

#[test]
fn a_new_generation_judges_again_and_may_revoke() {
    let mut memory = cluster(Routing::Native);
    let packet = || craft::tcp(&FAR, V4, ".");
    assert_eq!(arrive(&memory, packet()), delivered(&DB));
    only_event(&memory);
    memory.generation = 2;
    assert_eq!(arrive(&memory, packet()), delivered(&DB));
    assert_eq!(only_event(&memory).generation, 2);
    world::revoke(&mut memory);
    let action = arrive(&memory, packet());
    assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    let answer = craft::tcp(&DB, V4.back(), ".");
    let action = world::send(&memory, &DB, answer);
    assert_drop(&memory, action, DropReason::ConnectionRevoked);
    memory.generation = 0;
    let action = open(&memory, ROUTER, "203.0.113.9", WEB.v4);
    assert_drop(&memory, action, DropReason::NoTables);
}

#[test]
fn errors_pass_with_the_connection_that_they_quote() {
    for (ends, router) in [(V4, "198.51.100.1"), (V6, "2001:db8::1")] {
        let memory = cluster(Routing::Native);
        let to_far = Ends {
            from: (ends.to.0, 7000),
            to: (ends.from.0, 53),
        };
        let question = craft::udp(&DB, to_far, b"?");
        assert_eq!(world::send(&memory, &DB, question.clone()), Action::Pass);
        memory.take_events();
        // The pod itself, its node, and a router on the way.
        for (sender, source) in [
            (FAR, ends.from.0),
            (by(NODE_3.mac), router),
            (by(ROUTER), router),
        ] {
            let ends = Ends {
                from: (source, 0),
                to: (ends.to.0, 0),
            };
            let error = craft::unreachable(&sender, ends, &question);
            assert_eq!(arrive(&memory, error), delivered(&DB));
            let other = Ends {
                from: (to_far.from.0, 7001),
                ..to_far
            };
            let never_sent = craft::udp(&DB, other, b"?");
            let forged = craft::unreachable(&sender, ends, &never_sent);
            let action = arrive(&memory, forged);
            assert_drop(&memory, action, DropReason::UnrelatedIcmpError);
        }
    }
}

#[test]
fn later_fragments_follow_the_first_and_only_a_true_one() {
    let memory = cluster(Routing::Native);
    let udp = Ends {
        to: (DB.v4, 53),
        ..V4
    };
    let first = |sender: &Pod| {
        let mut frame = craft::udp(sender, udp, &[0; 32]);
        frame[14 + 6] = 0x20;
        frame
    };
    let mut later = craft::raw(&FAR, udp, protocol::UDP, &[0; 8]);
    later[14 + 7] = 5;
    let action = arrive(&memory, first(&by(NODE_3.mac)));
    assert_drop(&memory, action, DropReason::SpoofedSource);
    let action = arrive(&memory, later.clone());
    assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
    assert_eq!(arrive(&memory, first(&FAR)), delivered(&DB));
    assert_eq!(arrive(&memory, later), delivered(&DB));
}
