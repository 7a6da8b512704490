//! Host policies: what a node takes and sends for itself.

use crate::cluster::{
    FAR, NODE_2, NODE_ADDRESS_V6, ROUTER, arrive, cluster, from_far, pack, unpack, v6,
};
use crate::craft::{self, Ends};
use crate::world::{
    self, DB, NODE, NODE_ADDRESS, Pod, WEB, address, assert_drop, delivered, only_event,
};
use abi::{
    CidrKey, ClassKey, Decider, Disposition, DropReason, Endpoint, EndpointRows, Guard, Hook,
    Identity, IdentityRows, Port, Routing, RuleSet, TableId, VXLAN_PORT, Verdict, VerdictKey,
    protocol,
};
use program::memory::Memory;
use program::{Action, Scratch};

/// TCP 80 only, from whomever.
const INGRESS: TableId = TableId(20);
/// TCP 443 only, to whomever.
const EGRESS: TableId = TableId(21);
const OUTSIDE: Pod = Pod {
    ifindex: 0,
    v4: "203.0.113.9",
    v6: "2001:db8::9",
    mac: ROUTER,
    identity: Identity::WORLD,
};
/// This node as the sender of frames.
const HERE: Pod = Pod {
    ifindex: 0,
    v4: NODE_ADDRESS,
    v6: NODE_ADDRESS_V6,
    mac: [2, 0, 0, 0, 1, 1],
    identity: NODE,
};

/// The node of `cluster` with these tables of its own, from generation 1 on.
fn with_tables(routing: Routing, egress: TableId, ingress: TableId) -> Memory {
    let mut memory = cluster(routing);
    for (text, identity) in [(HERE.v4, NODE), (HERE.v6, v6(NODE))] {
        let row = Endpoint {
            identity,
            node: identity,
            egress,
            ingress,
        };
        memory.write_endpoint(address(text), Some(EndpointRows::default().with(1, row)));
    }
    memory.guard = Guard {
        v4: address(HERE.v4),
        v6: address(HERE.v6),
    };
    for (table, port) in [(INGRESS, 80), (EGRESS, 443)] {
        let port = Port::new(port);
        let key = VerdictKey::prefix(table, 0, protocol::TCP, port, VerdictKey::EXACT);
        memory.write_verdict(key, Some(Verdict::allow(RuleSet(1))));
    }
    memory
}

fn guarded(routing: Routing) -> Memory {
    with_tables(routing, EGRESS, INGRESS)
}

fn leave(memory: &Memory, mut frame: Vec<u8>) -> Action {
    let packet = &mut frame;
    program::to_network(memory, packet, &mut Scratch::default(), 2)
}

/// From one end to another, in each family.
fn ends<'a>(from: &'a Pod, to: &'a Pod, port: u16) -> [Ends<'a>; 2] {
    [(from.v4, to.v4), (from.v6, to.v6)].map(|(from, to)| Ends {
        from: (from, 4000),
        to: (to, port),
    })
}

#[track_caller]
fn assert_untouched(memory: &Memory, action: Action) {
    assert_eq!(action, Action::Pass);
    assert_eq!(memory.take_events(), []);
    assert_eq!(memory.connections().len(), 0);
}

#[test]
fn what_comes_to_a_guarded_node_is_judged_by_its_own_table() {
    for routing in [Routing::Native, Routing::Vxlan] {
        for from in [&OUTSIDE, &NODE_2, &FAR] {
            for (open, closed) in ends(from, &HERE, 80).into_iter().zip(ends(from, &HERE, 81)) {
                let memory = guarded(routing);
                let action = arrive(&memory, craft::tcp(from, open, "S"));
                assert_eq!(action, Action::Pass);
                let event = only_event(&memory);
                assert_eq!(event.hook, Hook::FromNetwork as u8);
                assert_eq!(event.disposition, Disposition::Allowed as u8);
                assert_eq!(event.egress.decider, Decider::NotAsked as u16);
                assert_eq!(event.ingress.table, INGRESS);
                assert_eq!(
                    leave(&memory, craft::tcp(&HERE, open.back(), "S.")),
                    Action::Pass
                );
                assert_eq!(memory.take_events(), []);
                let action = arrive(&memory, craft::tcp(from, closed, "S"));
                assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
            }
        }
    }
}

#[test]
fn what_a_pod_sends_to_its_own_node_is_judged_by_both() {
    for (open, closed) in ends(&WEB, &HERE, 80).into_iter().zip(ends(&WEB, &HERE, 81)) {
        let memory = guarded(Routing::Native);
        let action = world::send(&memory, &WEB, craft::tcp(&WEB, open, "S"));
        assert_eq!(action, Action::Pass);
        let event = only_event(&memory);
        assert_eq!(event.egress.decider, Decider::NoPolicy as u16);
        assert_eq!(event.ingress.decider, Decider::Rules as u16);
        let action = world::send(&memory, &WEB, craft::tcp(&WEB, closed, "S"));
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
        // Without a host policy the node is not asked.
        let action = world::send(
            &cluster(Routing::Native),
            &WEB,
            craft::tcp(&WEB, closed, "S"),
        );
        assert_eq!(action, Action::Pass);
    }
}

/// Addresses of one link: a stranger's and this node's.
const LINK_LOCAL: [(&str, &str); 2] = [("169.254.7.7", "169.254.1.1"), ("fe80::7", "fe80::1")];

#[test]
fn an_address_of_one_link_is_the_node_s_own() {
    for (from, to) in [(WEB.v4, "169.254.1.1"), (WEB.v6, "fe80::1")] {
        let memory = guarded(Routing::Native);
        for (port, is_open) in [(80, true), (81, false)] {
            let ends = Ends {
                from: (from, 4000),
                to: (to, port),
            };
            let action = world::send(&memory, &WEB, craft::tcp(&WEB, ends, "S"));
            if is_open {
                assert_eq!(action, Action::Pass);
                assert_eq!(only_event(&memory).ingress.table, INGRESS);
            } else {
                assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
            }
        }
    }
    for (from, to) in LINK_LOCAL {
        let ends = Ends {
            from: (from, 4000),
            to: (to, 81),
        };
        let frame = || craft::tcp(&OUTSIDE, ends, "S");
        let memory = guarded(Routing::Native);
        let action = arrive(&memory, frame());
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
        let memory = cluster(Routing::Native);
        let action = arrive(&memory, frame());
        assert_untouched(&memory, action);
    }
}

#[test]
fn what_a_guarded_node_sends_is_judged_and_its_answers_come_back() {
    for (open, closed) in ends(&HERE, &OUTSIDE, 443)
        .into_iter()
        .zip(ends(&HERE, &OUTSIDE, 444))
    {
        let memory = guarded(Routing::Native);
        assert_eq!(leave(&memory, craft::tcp(&HERE, open, "S")), Action::Pass);
        let event = only_event(&memory);
        assert_eq!(event.hook, Hook::ToNetwork as u8);
        assert_eq!(event.egress.table, EGRESS);
        assert_eq!(event.ingress.decider, Decider::NotAsked as u16);
        let action = arrive(&memory, craft::tcp(&OUTSIDE, open.back(), "S."));
        assert_eq!(action, Action::Pass);
        let refusal = craft::unreachable(&OUTSIDE, open.back(), &craft::tcp(&HERE, open, "S"));
        assert_eq!(arrive(&memory, refusal), Action::Pass);
        assert_eq!(memory.take_events(), []);
        let action = leave(&memory, craft::tcp(&HERE, closed, "S"));
        assert_drop(&memory, action, DropReason::PolicyDeniedEgress);
        let refusal = craft::unreachable(&OUTSIDE, closed.back(), &craft::tcp(&HERE, closed, "S"));
        let action = arrive(&memory, refusal);
        assert_drop(&memory, action, DropReason::UnrelatedIcmpError);
    }
}

#[test]
fn what_a_guarded_node_sends_from_an_address_of_one_link_is_judged_but_multicast() {
    for (stranger, own) in LINK_LOCAL {
        let memory = guarded(Routing::Native);
        let to = |to, port| Ends {
            from: (own, 4000),
            to: (to, port),
        };
        let open = to(stranger, 443);
        assert_eq!(leave(&memory, craft::tcp(&HERE, open, "S")), Action::Pass);
        let event = only_event(&memory);
        assert_ne!(event.source_identity, Identity::WORLD);
        assert_eq!(event.egress.table, EGRESS);
        let action = arrive(&memory, craft::tcp(&OUTSIDE, open.back(), "S."));
        assert_eq!(action, Action::Pass);
        assert_eq!(memory.take_events(), []);
        let action = leave(&memory, craft::tcp(&HERE, to(stranger, 444), "S"));
        assert_drop(&memory, action, DropReason::PolicyDeniedEgress);
        let group = if own.contains(':') {
            "ff02::1:2"
        } else {
            "224.0.0.22"
        };
        let memory = guarded(Routing::Native);
        let action = leave(&memory, craft::udp(&HERE, to(group, 547), b"who?"));
        assert_untouched(&memory, action);
    }
}

/// Of one link, and so the node's unless it is somebody's.
const METADATA: &str = "169.254.169.254";

fn to_metadata(memory: &Memory) -> Action {
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: (METADATA, 81),
    };
    world::send(memory, &WEB, craft::tcp(&WEB, ends, "S"))
}

#[test]
fn a_pod_s_own_policy_asks_for_the_address_of_one_link() {
    let mut memory = guarded(Routing::Native);
    let network = Identity(700);
    let key = CidrKey {
        prefix_length: 96 + 16,
        address: address(METADATA),
    };
    memory.write_cidr(key, Some(IdentityRows::default().with(1, network)));
    let table = TableId(22);
    write_row(&mut memory, WEB.v4, (WEB.identity, table));
    let action = to_metadata(&memory);
    assert_drop(&memory, action, DropReason::PolicyDeniedEgress);
    memory.write_class(
        ClassKey {
            table,
            identity: network,
        },
        Some(1),
    );
    let any_port = VerdictKey::prefix(table, 1, protocol::TCP, Port::new(0), VerdictKey::ANY_PORT);
    memory.write_verdict(any_port, Some(Verdict::allow(RuleSet(1))));
    let action = to_metadata(&memory);
    assert_eq!(action, Action::Drop(DropReason::PolicyDeniedIngress));
    let events = memory.take_events();
    let [event] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(event.egress.decider, Decider::Rules as u16);
    assert_eq!(event.destination_identity, NODE);
}

#[test]
fn an_address_of_one_link_that_is_somebody_s_is_not_the_node_s() {
    let mut memory = guarded(Routing::Native);
    write_row(&mut memory, METADATA, (FAR.identity, TableId::OPEN));
    assert_eq!(to_metadata(&memory), Action::Pass);
    let event = only_event(&memory);
    assert_eq!(event.destination_identity, FAR.identity);
    assert_eq!(event.ingress.decider, Decider::NotAsked as u16);
}

/// A pod of this node, with its egress table.
fn write_row(memory: &mut Memory, of: &str, (identity, egress): (Identity, TableId)) {
    let row = Endpoint {
        identity,
        node: NODE,
        egress,
        ingress: TableId::OPEN,
    };
    memory.write_endpoint(address(of), Some(EndpointRows::default().with(1, row)));
}

#[test]
fn with_a_table_in_one_direction_the_other_is_open_and_watched() {
    let memory = with_tables(Routing::Native, TableId::OPEN, INGRESS);
    for ends in ends(&HERE, &NODE_2, 444) {
        assert_eq!(leave(&memory, craft::tcp(&HERE, ends, "S")), Action::Pass);
        assert_eq!(only_event(&memory).egress.decider, Decider::NoPolicy as u16);
        let action = arrive(&memory, craft::tcp(&NODE_2, ends.back(), "S."));
        assert_eq!(action, Action::Pass);
        assert_eq!(memory.take_events(), []);
    }
}

#[test]
fn nothing_of_a_node_without_host_policies_is_looked_at() {
    let without = cluster(Routing::Native);
    // As between the moment that the guard is on and the first generation with tables.
    let soon = with_tables(Routing::Native, TableId::OPEN, TableId::OPEN);
    for memory in [&without, &soon] {
        for ends in ends(&OUTSIDE, &HERE, 81) {
            let action = arrive(memory, craft::tcp(&OUTSIDE, ends, "S"));
            assert_untouched(memory, action);
            let action = leave(memory, craft::tcp(&HERE, ends.back(), "S"));
            assert_untouched(memory, action);
        }
        let cut = craft::tcp(&OUTSIDE, ends(&OUTSIDE, &HERE, 81)[0], "S")[..40].to_vec();
        let action = arrive(memory, cut);
        assert_untouched(memory, action);
    }
    let memory = guarded(Routing::Native);
    let cut = craft::tcp(&OUTSIDE, ends(&OUTSIDE, &HERE, 81)[0], "S")[..40].to_vec();
    let action = arrive(&memory, cut);
    assert_drop(&memory, action, DropReason::Malformed);
}

#[test]
fn what_a_guarded_node_forwards_is_not_its_own() {
    let memory = guarded(Routing::Native);
    for destination in ["198.51.100.7", NODE_2.v4, "224.0.0.1"] {
        let ends = Ends {
            from: (OUTSIDE.v4, 4000),
            to: (destination, 81),
        };
        let action = arrive(&memory, craft::tcp(&OUTSIDE, ends, "S"));
        assert_untouched(&memory, action);
        let ends = Ends {
            from: (WEB.v4, 4000),
            to: (destination, 81),
        };
        let action = leave(&memory, craft::tcp(&HERE, ends, "S"));
        assert_untouched(&memory, action);
    }
}

#[test]
fn tunnels_between_nodes_and_neighbour_discovery_pass() {
    for tunnel in ends(&NODE_2, &HERE, VXLAN_PORT) {
        let memory = guarded(Routing::Vxlan);
        let action = arrive(&memory, craft::udp(&NODE_2, tunnel, b"packed"));
        assert_untouched(&memory, action);
        let back = Ends {
            to: (tunnel.from.0, VXLAN_PORT),
            ..tunnel.back()
        };
        let action = leave(&memory, craft::udp(&HERE, back, b"packed"));
        assert_untouched(&memory, action);
        // There is no tunnel.
        let memory = guarded(Routing::Native);
        let action = arrive(&memory, craft::udp(&NODE_2, tunnel, b"packed"));
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
    let memory = guarded(Routing::Vxlan);
    for tunnel in ends(&OUTSIDE, &HERE, VXLAN_PORT) {
        let action = arrive(&memory, craft::udp(&OUTSIDE, tunnel, b"packed"));
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    solicitation.extend(address(HERE.v6).octets());
    let asks = ends(&NODE_2, &HERE, 0)[1];
    let mut frame = craft::raw(&NODE_2, asks, protocol::ICMPV6, &solicitation);
    frame[14 + 7] = 255;
    let action = arrive(&memory, craft::summed(frame.clone()));
    assert_untouched(&memory, action);
    let action = leave(&memory, craft::summed(frame));
    assert_untouched(&memory, action);
}

#[test]
fn what_the_node_sends_through_the_tunnel_is_judged_and_answered_natively() {
    let [open, _] = ends(&HERE, &FAR, 443);
    let [closed, _] = ends(&HERE, &FAR, 444);
    let memory = guarded(Routing::Vxlan);
    let action = pack(&memory, craft::tcp(&HERE, open, "S"));
    assert!(matches!(action, Action::Encapsulate(_)), "{action:?}");
    assert_eq!(only_event(&memory).hook, Hook::ToOverlay as u8);
    let action = arrive(&memory, craft::tcp(&FAR, open.back(), "S."));
    assert_eq!(action, Action::Pass);
    assert_eq!(memory.take_events(), []);
    let action = pack(&memory, craft::tcp(&HERE, closed, "S"));
    assert_drop(&memory, action, DropReason::PolicyDeniedEgress);
    // What its pods send was judged at their links.
    let action = pack(&memory, craft::tcp(&WEB, ends(&WEB, &FAR, 444)[0], "S"));
    assert!(matches!(action, Action::Encapsulate(_)), "{action:?}");
    assert_eq!(memory.take_events(), []);
}

#[test]
fn what_comes_through_the_tunnel_for_the_node_is_judged() {
    let memory = guarded(Routing::Vxlan);
    let tunnel = from_far(NODE_2.v4);
    let action = unpack(
        &memory,
        craft::tcp(&FAR, ends(&FAR, &HERE, 80)[0], "S"),
        &tunnel,
    );
    assert_eq!(action, Action::Pass);
    assert_eq!(only_event(&memory).ingress.table, INGRESS);
    let action = unpack(
        &memory,
        craft::tcp(&FAR, ends(&FAR, &HERE, 81)[0], "S"),
        &tunnel,
    );
    assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    let action = unpack(
        &memory,
        craft::tcp(&FAR, ends(&FAR, &DB, 5432)[0], "S"),
        &tunnel,
    );
    assert_eq!(action, delivered(&DB));
}

#[test]
fn a_node_reaches_its_own_pods_whatever_it_may_send() {
    let memory = guarded(Routing::Native);
    let ends = ends(&HERE, &DB, 1)[0];
    let action = world::receive(&memory, &DB, craft::tcp(&HERE, ends, "S"));
    assert_eq!(action, Action::Pass);
    assert_eq!(only_event(&memory).ingress.decider, Decider::OwnNode as u16);
    let action = world::send(&memory, &DB, craft::tcp(&DB, ends.back(), "S."));
    assert_eq!(action, Action::Pass);
    assert_eq!(memory.take_events(), []);
}

#[test]
fn later_fragments_follow_their_first_to_the_node() {
    let mut memory = guarded(Routing::Native);
    let key = VerdictKey::prefix(
        INGRESS,
        0,
        protocol::UDP,
        Port::new(0),
        VerdictKey::ANY_PORT,
    );
    memory.write_verdict(key, Some(Verdict::allow(RuleSet(1))));
    for ends in ends(&OUTSIDE, &HERE, 53) {
        let [first, later] = craft::fragments(&OUTSIDE, ends, &[7; 64]);
        let action = arrive(&memory, later.clone());
        assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
        assert_eq!(arrive(&memory, first), Action::Pass);
        assert_eq!(arrive(&memory, later), Action::Pass);
        memory.take_events();
    }
}
