//! ICMP: echoes are connections, errors pass with theirs.

use crate::craft::{self, Ends};
use crate::world::{self, DB, WEB, assert_drop, delivered};
use abi::{DropReason, protocol};
use program::Action;

fn echo(kind: u8, identifier: u16) -> Vec<u8> {
    let [high, low] = identifier.to_be_bytes();
    vec![kind, 0, 0, 0, high, low, 0, 1]
}

#[test]
fn an_echo_reply_needs_its_request() {
    for (from, to, number, request, reply) in [
        (WEB.v4, DB.v4, protocol::ICMP, 8, 0),
        (WEB.v6, DB.v6, protocol::ICMPV6, 128, 129),
    ] {
        let memory = world::node();
        let to_web = Ends {
            from: (to, 0),
            to: (from, 0),
        };
        let request = craft::raw(&DB, to_web, number, &echo(request, 77));
        assert_eq!(world::send(&memory, &DB, request), delivered(&WEB));
        memory.take_events();
        let answer = craft::raw(&WEB, to_web.back(), number, &echo(reply, 77));
        assert_eq!(world::send(&memory, &WEB, answer), delivered(&DB));
        let stray = craft::raw(&WEB, to_web.back(), number, &echo(reply, 78));
        let action = world::send(&memory, &WEB, stray);
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn no_identifier_slips_through_a_rule_for_ports() {
    for identifier in [0, 80, 80u16.swap_bytes(), 5432, 65535] {
        let memory = world::node();
        let ends = Ends {
            from: (WEB.v4, 0),
            to: (DB.v4, 0),
        };
        let request = craft::raw(&WEB, ends, protocol::ICMP, &echo(8, identifier));
        let action = world::send(&memory, &WEB, request);
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn an_error_passes_only_with_the_connection_it_quotes() {
    for (web, db) in [(WEB.v4, DB.v4), (WEB.v6, DB.v6)] {
        let ends = Ends {
            from: (web, 4000),
            to: (db, 53),
        };
        let memory = world::node();
        let question = craft::udp(&WEB, ends, b"?");
        assert_eq!(world::send(&memory, &WEB, question.clone()), delivered(&DB));
        memory.take_events();
        let error = craft::unreachable(&DB, ends.back(), &question);
        assert_eq!(world::send(&memory, &DB, error), delivered(&WEB));

        let never_sent = craft::udp(
            &WEB,
            Ends {
                from: (web, 4001),
                ..ends
            },
            b"?",
        );
        let forged = craft::unreachable(&DB, ends.back(), &never_sent);
        let action = world::send(&memory, &DB, forged);
        assert_drop(&memory, action, DropReason::UnrelatedIcmpError);
    }
}

#[test]
fn eight_bytes_of_the_quoted_packet_are_enough() {
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: (DB.v4, 5432),
    };
    let memory = world::node();
    let syn = craft::tcp(&WEB, ends, "S");
    assert_eq!(world::send(&memory, &WEB, syn.clone()), delivered(&DB));
    memory.take_events();
    let shortest = craft::unreachable(&DB, ends.back(), &syn[..14 + 20 + 8]);
    assert_eq!(world::send(&memory, &DB, shortest), delivered(&WEB));
    let too_short = craft::unreachable(&DB, ends.back(), &syn[..14 + 20 + 7]);
    let action = world::send(&memory, &DB, too_short);
    assert_drop(&memory, action, DropReason::Malformed);
}

#[test]
fn the_other_family_s_icmp_is_a_protocol_like_any_other() {
    let v4 = Ends {
        from: ("203.0.113.9", 0),
        to: (DB.v4, 0),
    };
    let v6 = Ends {
        from: ("2001:db8::9", 0),
        to: (DB.v6, 0),
    };
    // A router solicitation in IPv4, a "port unreachable" of IPv4 in IPv6.
    for (ends, number, kind) in [(v4, protocol::ICMPV6, 133), (v6, protocol::ICMP, 3)] {
        let memory = world::node();
        let frame = craft::raw(&WEB, ends, number, &[kind, 0, 0, 0, 0, 0, 0, 0]);
        let action = world::receive(&memory, &DB, frame);
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn a_pod_reports_only_what_it_was_sent_and_a_router_whatever_it_dropped() {
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: ("203.0.113.9", 53),
    };
    let memory = world::node();
    let question = craft::udp(&WEB, ends, b"?");
    assert_eq!(world::send(&memory, &WEB, question.clone()), Action::Pass);
    memory.take_events();
    // db was never asked; a router on the way to the outside may say that it is unreachable.
    let to_web = Ends {
        from: (DB.v4, 0),
        to: (WEB.v4, 0),
    };
    let forged = craft::unreachable(&DB, to_web, &question);
    let action = world::send(&memory, &DB, forged);
    assert_drop(&memory, action, DropReason::UnrelatedIcmpError);
    let router = Ends {
        from: ("198.51.100.1", 0),
        ..to_web
    };
    let error = craft::unreachable(&WEB, router, &question);
    assert_eq!(world::receive(&memory, &WEB, error), Action::Pass);
}

#[test]
fn an_error_about_a_later_fragment_proves_nothing() {
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: (DB.v4, 53),
    };
    let memory = world::node();
    let question = craft::udp(&WEB, ends, b"?");
    assert_eq!(world::send(&memory, &WEB, question.clone()), delivered(&DB));
    memory.take_events();
    let mut fragment = question;
    fragment[14 + 7] = 5;
    let error = craft::unreachable(&DB, ends.back(), &fragment);
    let action = world::send(&memory, &DB, error);
    assert_drop(&memory, action, DropReason::UnrelatedIcmpError);
}

#[test]
fn an_echo_reply_that_nobody_asked_for_opens_no_way_back() {
    // web is open: db's stray reply passes, and must not turn web's request into its answer.
    let to_web = Ends {
        from: (DB.v4, 0),
        to: (WEB.v4, 0),
    };
    let memory = world::node();
    let stray = craft::raw(&DB, to_web, protocol::ICMP, &echo(0, 77));
    assert_eq!(world::send(&memory, &DB, stray), delivered(&WEB));
    assert!(memory.connections().is_empty());
    memory.take_events();
    let request = craft::raw(&WEB, to_web.back(), protocol::ICMP, &echo(8, 77));
    let action = world::send(&memory, &WEB, request);
    assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
}
