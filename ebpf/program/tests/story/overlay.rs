//! What goes through the tunnel, and what comes out of it.

use crate::cluster::{
    FAR, NODE_2, NODE_3, NODE_ADDRESS_V6, Received, change_node, cluster, from_far, pack, place,
    unpack, unpack_as, v6, without_v4, without_v6,
};
use crate::craft::{self, Ends};
use crate::world::{
    self, DB, NODE, NODE_ADDRESS, Pod, WEB, address, assert_drop, delivered, only_event,
};
use abi::{Address, Decider, DropReason, Endpoint, Hook, Identity, Port, Routing, protocol};
use program::memory::Memory;
use program::{Action, Tunnel};

const V4: Ends = Ends {
    from: (FAR.v4, 4000),
    to: (DB.v4, 5432),
};
const V6: Ends = Ends {
    from: (FAR.v6, 4000),
    to: (DB.v6, 5432),
};

/// This node as the one that is changed.
const HOME: Pod = Pod {
    identity: NODE,
    ..NODE_2
};

fn assert_invalid(memory: &Memory, ends: Ends, tunnel: &Tunnel) {
    let action = unpack(memory, craft::tcp(&FAR, ends, "S"), tunnel);
    assert_drop(memory, action, DropReason::InvalidIdentity);
}

#[test]
fn a_true_claim_is_judged_by_the_row_and_delivered() {
    for ends in [V4, V6] {
        for remote in [NODE_2.v4, NODE_2.v6] {
            let memory = cluster(Routing::Vxlan);
            let action = unpack(&memory, craft::tcp(&FAR, ends, "S"), &from_far(remote));
            assert_eq!(action, delivered(&DB));
            let event = only_event(&memory);
            assert_eq!(event.hook, Hook::FromOverlay as u8);
            assert_eq!(event.source_identity, FAR.identity);
            assert_eq!(event.egress.decider, Decider::NotAsked as u16);
            assert_eq!(event.ingress.decider, Decider::Rules as u16);
            let closed = Ends {
                to: (ends.to.0, 5433),
                ..ends
            };
            let action = unpack(&memory, craft::tcp(&FAR, closed, "S"), &from_far(remote));
            assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
        }
    }
}

#[test]
fn a_node_speaks_through_the_tunnel_too() {
    let memory = cluster(Routing::Vxlan);
    let ends = Ends {
        from: (NODE_2.v4, 4000),
        to: (WEB.v4, 80),
    };
    let tunnel = Tunnel {
        identity: NODE_2.identity,
        ..from_far(NODE_2.v4)
    };
    let action = unpack(&memory, craft::tcp(&NODE_2, ends, "S"), &tunnel);
    assert_eq!(action, delivered(&WEB));
    assert_eq!(only_event(&memory).source_identity, NODE_2.identity);
}

#[test]
fn a_false_claim_is_dropped() {
    for ends in [V4, V6] {
        let memory = cluster(Routing::Vxlan);
        for remote in [NODE_3.v4, NODE_3.v6, NODE_ADDRESS, FAR.v4, "203.0.113.9"] {
            assert_invalid(&memory, ends, &from_far(remote));
        }
        let remote = address(NODE_2.v4);
        for identity in [
            Identity::NONE,
            Identity::WORLD,
            DB.identity,
            NODE_2.identity,
        ] {
            assert_invalid(&memory, ends, &Tunnel { remote, identity });
        }
        assert_invalid(&memory, ends, &Tunnel::default());
        // Nobody, outside, a pod of this node, this node.
        let is_v4 = ends.to.0 == DB.v4;
        let (outside, web, node) = if is_v4 {
            ("203.0.113.9", WEB.v4, NODE_ADDRESS)
        } else {
            ("2001:db8::9", WEB.v6, NODE_ADDRESS_V6)
        };
        for (source, identity) in [
            (outside, Identity::WORLD),
            (outside, Identity::NONE),
            (web, WEB.identity),
            (node, if is_v4 { NODE } else { v6(NODE) }),
        ] {
            let from = (source, 4000);
            for remote in [NODE_2.v4, NODE_ADDRESS, NODE_ADDRESS_V6].map(address) {
                assert_invalid(&memory, Ends { from, ..ends }, &Tunnel { remote, identity });
            }
        }
    }
}

#[test]
fn an_address_that_a_node_lacks_proves_nothing() {
    let mut memory = cluster(Routing::Vxlan);
    let nowhere = Tunnel {
        remote: Address::NONE,
        ..from_far(NODE_2.v4)
    };
    change_node(&mut memory, &NODE_2, without_v6);
    assert_invalid(&memory, V4, &nowhere);
    change_node(&mut memory, &NODE_2, without_v4);
    assert_invalid(&memory, V4, &nowhere);
    assert_invalid(&memory, V4, &from_far(NODE_2.v4));
}

#[test]
fn a_node_that_knows_neither_itself_nor_the_other_takes_nothing_from_the_tunnel() {
    let mut memory = cluster(Routing::Vxlan);
    memory.home = abi::Home::default();
    assert_invalid(&memory, V4, &from_far(NODE_2.v4));
    let mut memory = cluster(Routing::Vxlan);
    memory.nodes.remove(&NODE_2.identity);
    assert_invalid(&memory, V4, &from_far(NODE_2.v4));
    let mut memory = cluster(Routing::Vxlan);
    memory.generation = 0;
    assert_invalid(&memory, V4, &from_far(NODE_2.v4));
}

/// From this generation on, the far pod is somebody else.
fn relabel(memory: &mut Memory, since: u64, identity: Identity) {
    for (text, node) in [(FAR.v4, NODE_2.identity), (FAR.v6, v6(NODE_2.identity))] {
        let row = Endpoint {
            identity,
            node,
            ..Endpoint::default()
        };
        let rows = memory.endpoints[&address(text)];
        memory.write_endpoint(address(text), Some(rows.with(since, row)));
    }
}

#[test]
fn a_relabelled_pod_may_be_a_generation_ahead_or_behind() {
    const FIRST: Identity = FAR.identity;
    const SECOND: Identity = Identity(400);
    const THIRD: Identity = Identity(500);
    const FOREIGN: Identity = Identity(600);
    let mut memory = cluster(Routing::Vxlan);
    let changes: [(u64, Identity, &[Identity], &[Identity]); 5] = [
        // (generation in force, who it is by that, whom it may say it is, whom it may not)
        (1, FIRST, &[FIRST], &[SECOND, THIRD, FOREIGN]),
        (1, FIRST, &[FIRST, SECOND], &[THIRD, FOREIGN]),
        (2, SECOND, &[FIRST, SECOND], &[THIRD, FOREIGN]),
        (2, SECOND, &[SECOND, THIRD], &[FIRST, FOREIGN]),
        (3, THIRD, &[SECOND, THIRD], &[FIRST, FOREIGN]),
    ];
    for (step, (generation, is, may, may_not)) in changes.into_iter().enumerate() {
        match step {
            1 => relabel(&mut memory, 2, SECOND),
            3 => relabel(&mut memory, 3, THIRD),
            _ => {}
        }
        memory.generation = generation;
        for ends in [V4, V6] {
            let ends = Ends {
                to: (if ends.to.0 == DB.v4 { WEB.v4 } else { WEB.v6 }, 80),
                ..ends
            };
            let claim = |identity| Tunnel {
                identity,
                ..from_far(NODE_2.v4)
            };
            for identity in may {
                memory.forget_connections();
                let frame = craft::tcp(&FAR, ends, "S");
                let action = unpack(&memory, frame, &claim(*identity));
                assert_eq!(action, delivered(&WEB), "step {step}: {identity:?}");
                assert_eq!(only_event(&memory).source_identity, is);
            }
            for identity in may_not {
                assert_invalid(&memory, ends, &claim(*identity));
            }
        }
    }
}

#[test]
fn an_emptied_slot_of_a_row_is_nobody() {
    let mut memory = cluster(Routing::Vxlan);
    relabel(&mut memory, 2, Identity(400));
    let rows = memory.endpoints[&address(FAR.v4)].until(1);
    memory.write_endpoint(address(FAR.v4), rows);
    let gone = Tunnel {
        identity: Identity(400),
        ..from_far(NODE_2.v4)
    };
    assert_invalid(&memory, V4, &gone);
    // A pod that has left, and one that is not there yet.
    relabel(&mut memory, 2, Identity::NONE);
    memory.generation = 2;
    assert_invalid(&memory, V4, &from_far(NODE_2.v4));
    memory.generation = 1;
    place(&mut memory, "10.0.1.2", FAR.identity, NODE_2.identity);
    let rows = memory.endpoints[&address("10.0.1.2")].with(3, Endpoint::default());
    memory.write_endpoint(address("10.0.1.2"), Some(rows));
    let later = Ends {
        from: ("10.0.1.2", 1),
        ..V4
    };
    memory.generation = 3;
    assert_invalid(&memory, later, &from_far(NODE_2.v4));
}

#[test]
fn a_packet_from_the_tunnel_is_for_a_pod_of_this_node_or_for_the_node() {
    let memory = cluster(Routing::Vxlan);
    for (from, own, others) in [
        (FAR.v4, NODE_ADDRESS, [NODE_3.v4, "10.0.9.9", "203.0.113.9"]),
        (FAR.v6, NODE_ADDRESS_V6, [NODE_3.v6, FAR.v6, "2001:db8::9"]),
    ] {
        let to = |destination| Ends {
            from: (from, 4000),
            to: (destination, 5432),
        };
        let remote = from_far(NODE_2.v4);
        let action = unpack(&memory, craft::tcp(&FAR, to(own), "S"), &remote);
        assert_eq!(action, Action::Pass);
        assert_eq!(memory.take_events(), []);
        for destination in others {
            let action = unpack(&memory, craft::tcp(&FAR, to(destination), "S"), &remote);
            assert_drop(&memory, action, DropReason::WrongDestination);
        }
    }
}

#[test]
fn a_frame_out_of_the_tunnel_is_for_this_node_s_device() {
    let memory = cluster(Routing::Vxlan);
    let foreign = || Received {
        is_for_another_host: true,
        ..Received::plain(craft::tcp(&FAR, V4, "S"))
    };
    let action = unpack_as(&memory, foreign(), &from_far(NODE_2.v4));
    assert_drop(&memory, action, DropReason::WrongDestination);
    let action = unpack_as(&memory, foreign(), &from_far(NODE_3.v4));
    assert_drop(&memory, action, DropReason::InvalidIdentity);
}

#[test]
fn only_whole_ip_packets_come_out_of_the_tunnel() {
    let memory = cluster(Routing::Vxlan);
    let remote = from_far(NODE_2.v4);
    for ethertype in [[0x08, 0x06], [0x88, 0xcc]] {
        let mut frame = craft::tcp(&FAR, V4, "S");
        frame[12..14].copy_from_slice(&ethertype);
        let action = unpack(&memory, frame, &remote);
        assert_drop(&memory, action, DropReason::UnsupportedEthertype);
    }
    let whole = craft::udp(&FAR, V4, b"");
    for length in 34..whole.len() {
        let action = unpack(&memory, whole[..length].to_vec(), &remote);
        assert_drop(&memory, action, DropReason::Malformed);
        // A false claim counts before anything else that is wrong.
        let action = unpack(&memory, whole[..length].to_vec(), &from_far(NODE_3.v4));
        assert_drop(&memory, action, DropReason::InvalidIdentity);
    }
}

#[test]
fn established_connections_errors_and_fragments_pass_the_tunnel() {
    let memory = cluster(Routing::Vxlan);
    let remote = from_far(NODE_2.v4);
    let to_far = Ends {
        from: (DB.v4, 7000),
        to: (FAR.v4, 53),
    };
    let question = craft::udp(&DB, to_far, b"?");
    assert_eq!(world::send(&memory, &DB, question.clone()), Action::Pass);
    only_event(&memory);
    let answer = craft::udp(&FAR, to_far.back(), b"!");
    assert_eq!(unpack(&memory, answer, &remote), delivered(&DB));
    let error = craft::unreachable(&FAR, to_far.back(), &question);
    assert_eq!(unpack(&memory, error, &remote), delivered(&DB));
    assert_eq!(memory.take_events(), []);
    let other = Ends {
        from: (DB.v4, 7001),
        ..to_far
    };
    let never_sent = craft::udp(&DB, other, b"?");
    let forged = craft::unreachable(&FAR, to_far.back(), &never_sent);
    let action = unpack(&memory, forged, &remote);
    assert_drop(&memory, action, DropReason::UnrelatedIcmpError);

    let udp = Ends {
        to: (DB.v4, 53),
        ..V4
    };
    let mut first = craft::udp(&FAR, udp, &[0; 32]);
    first[14 + 6] = 0x20;
    let mut later = craft::raw(&FAR, udp, protocol::UDP, &[0; 8]);
    later[14 + 7] = 5;
    let action = unpack(&memory, later.clone(), &remote);
    assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
    assert_eq!(unpack(&memory, first, &remote), delivered(&DB));
    assert_eq!(unpack(&memory, later, &remote), delivered(&DB));
}

#[test]
fn a_packet_goes_to_its_destination_s_node_in_its_source_s_name() {
    let v4 = (WEB.v4, FAR.v4, NODE_ADDRESS, NODE);
    let v6 = (WEB.v6, FAR.v6, NODE_ADDRESS_V6, v6(NODE));
    for (web, far, node, node_identity) in [v4, v6] {
        for (source, identity) in [(web, WEB.identity), (node, node_identity)] {
            let ends = Ends {
                from: (source, 4000),
                to: (far, 80),
            };
            let frame = craft::tcp(&WEB, ends, "S");
            let goes_to = |memory: &Memory, remote: &str| {
                let remote = address(remote);
                let tunnel = Tunnel { remote, identity };
                let action = pack(memory, frame.clone());
                assert_eq!(action, Action::Encapsulate(tunnel));
                assert_eq!(memory.take_events(), []);
            };
            goes_to(&cluster(Routing::Vxlan), NODE_2.v4);
            for lacking in [&HOME, &NODE_2] {
                let mut memory = cluster(Routing::Vxlan);
                change_node(&mut memory, lacking, without_v4);
                goes_to(&memory, NODE_2.v6);
                let mut memory = cluster(Routing::Vxlan);
                change_node(&mut memory, lacking, without_v6);
                goes_to(&memory, NODE_2.v4);
            }
        }
    }
}

#[test]
fn a_packed_frame_says_which_node_it_is_from() {
    let memory = cluster(Routing::Vxlan);
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: (FAR.v4, 80),
    };
    let frame = craft::tcp(&WEB, ends, "S");
    let mut bytes = frame.clone();
    let mut scratch = program::Scratch::default();
    let packet = &mut bytes;
    let action = program::to_overlay(&memory, packet, &mut scratch, 3);
    assert!(matches!(action, Action::Encapsulate(_)));
    assert_eq!(bytes[6..12], memory.nodes[&NODE].mac.0);
    assert_eq!((&bytes[..6], &bytes[12..]), (&frame[..6], &frame[12..]));
}

#[test]
fn a_packet_for_nowhere_goes_into_no_tunnel() {
    let to = |destination| Ends {
        from: (WEB.v4, 4000),
        to: (destination, 80),
    };
    let memory = cluster(Routing::Vxlan);
    for destination in ["203.0.113.9", "10.0.9.9", DB.v4, NODE_ADDRESS] {
        let action = pack(&memory, craft::tcp(&WEB, to(destination), "S"));
        assert_eq!(action, Action::Drop(DropReason::NoTunnelEndpoint));
        let event = only_event(&memory);
        assert_eq!(event.hook, Hook::ToOverlay as u8);
        assert_eq!(
            (event.source_port, event.destination_port),
            (Port::new(4000), Port::new(80))
        );
    }
    let frame = craft::tcp(&WEB, to(FAR.v4), "S");
    let mut unknown = cluster(Routing::Vxlan);
    unknown.nodes.remove(&NODE_2.identity);
    let mut apart = cluster(Routing::Vxlan);
    change_node(&mut apart, &NODE_2, without_v4);
    change_node(&mut apart, &HOME, without_v6);
    let mut homeless = cluster(Routing::Vxlan);
    homeless.home = abi::Home::default();
    for memory in [unknown, apart, homeless] {
        let action = pack(&memory, frame.clone());
        assert_drop(&memory, action, DropReason::NoTunnelEndpoint);
    }
    let outside = Ends {
        from: ("203.0.113.9", 4000),
        to: (FAR.v4, 80),
    };
    let action = pack(&memory, craft::tcp(&WEB, outside, "S"));
    assert_drop(&memory, action, DropReason::UnknownEndpoint);
    let action = pack(&memory, frame[..33].to_vec());
    assert_drop(&memory, action, DropReason::Malformed);
}

#[test]
fn a_later_fragment_goes_into_the_tunnel_by_its_addresses() {
    let memory = cluster(Routing::Vxlan);
    let ends = Ends {
        from: (NODE_ADDRESS, 4000),
        to: (FAR.v4, 80),
    };
    let mut later = craft::raw(&HOME, ends, protocol::UDP, &[0; 8]);
    later[14 + 7] = 5;
    assert!(matches!(pack(&memory, later), Action::Encapsulate(_)));
}

#[test]
fn the_device_s_own_chatter_goes_into_no_tunnel_and_is_no_event() {
    let memory = cluster(Routing::Vxlan);
    let mut arp = craft::tcp(&HOME, V4, "S");
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let ends = Ends {
        from: ("fe80::1", 0),
        to: ("ff02::16", 0),
    };
    let mut report = vec![0; 24];
    report[0] = 143;
    let report = craft::raw(&HOME, ends, protocol::ICMPV6, &report);
    for frame in [arp, report] {
        assert_eq!(pack(&memory, frame), Action::Pass);
        assert_eq!(memory.take_events(), []);
    }
}
