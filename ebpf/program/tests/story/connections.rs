//! Connection tracking.

use crate::craft::{self, Ends};
use crate::world::{self, DB, WEB, assert_drop, delivered, only_event};
use abi::{DropReason, Timeout};
use program::Action;
use program::memory::Memory;

const ENDS: Ends = Ends {
    from: (WEB.v4, 4000),
    to: (DB.v4, 5432),
};

/// `>` is web to db, `<` is db to web, then the flags of each packet.
fn exchange(memory: &Memory, packets: &str) -> Vec<Action> {
    packets
        .split_whitespace()
        .map(|packet| match packet.split_at(1) {
            (">", flags) => world::send(memory, &WEB, craft::tcp(&WEB, ENDS, flags)),
            (_, flags) => world::send(memory, &DB, craft::tcp(&DB, ENDS.back(), flags)),
        })
        .collect()
}

#[test]
fn a_connection_makes_one_event_and_its_replies_need_no_policy() {
    let memory = world::node();
    let actions = exchange(&memory, ">S <S. >. <. >F. <F. >.");
    assert!(
        actions
            .iter()
            .all(|action| matches!(action, Action::Redirect { .. }))
    );
    only_event(&memory);
}

#[test]
fn a_reply_without_a_connection_is_judged_as_new() {
    let memory = world::node();
    // db may send (it has no egress policy) and web may receive, so the stray SYN-ACK opens a connection of db's.
    assert_eq!(exchange(&memory, "<S."), [delivered(&WEB)]);
    only_event(&memory);
    // The other way round it meets db's isolation.
    let stray = Ends {
        from: (WEB.v4, 5432),
        to: (DB.v4, 4000),
    };
    let action = world::send(&memory, &WEB, craft::tcp(&WEB, stray, "S."));
    assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
}

#[test]
fn a_new_generation_judges_the_forward_direction_again() {
    let mut memory = world::node();
    exchange(&memory, ">S <S. >.");
    memory.take_events();
    memory.generation = 2;
    assert_eq!(exchange(&memory, ">."), [delivered(&DB)]);
    assert_eq!(only_event(&memory).generation, 2);
    assert_eq!(
        exchange(&memory, ">. <."),
        [delivered(&DB), delivered(&WEB)]
    );
    assert!(memory.take_events().is_empty());
}

#[test]
fn a_revoked_connection_is_denied_both_ways_until_it_is_allowed_again() {
    let mut memory = world::node();
    exchange(&memory, ">S <S. >.");
    memory.take_events();
    world::revoke(&mut memory);
    let denied = exchange(&memory, ">.");
    assert_drop(&memory, denied[0], DropReason::PolicyDeniedIngress);
    let reply = exchange(&memory, "<.");
    assert_drop(&memory, reply[0], DropReason::ConnectionRevoked);
    memory.generation = 1;
    assert_eq!(
        exchange(&memory, ">. <."),
        [delivered(&DB), delivered(&WEB)]
    );
}

#[test]
fn an_expired_entry_is_forgotten() {
    for (packets, lifetime) in [
        (">S", 60),
        (">S <S.", 8_000),
        (">S <S. >F.", 240),
        (">S <S. >F. <F.", 120),
        (">S <R", 10),
    ] {
        let mut memory = world::node();
        exchange(&memory, packets);
        memory.take_events();
        memory.now += lifetime * 1_000_000_000 - 1;
        let stray = craft::tcp(&WEB, ENDS, ".");
        assert_eq!(world::send(&memory, &WEB, stray.clone()), delivered(&DB));
        assert!(memory.take_events().is_empty(), "{packets}: alive");

        let mut memory = world::node();
        exchange(&memory, packets);
        memory.take_events();
        memory.now += lifetime * 1_000_000_000;
        assert_eq!(world::send(&memory, &WEB, stray), delivered(&DB));
        only_event(&memory);
    }
}

#[test]
fn a_syn_on_a_closed_connection_opens_a_new_one() {
    for closing in [">S <R", ">S <S. >. >R", ">S <S. >. >F. <F. >."] {
        let memory = world::node();
        exchange(&memory, closing);
        memory.take_events();
        assert_eq!(exchange(&memory, ">S"), [delivered(&DB)]);
        only_event(&memory);
    }
    let memory = world::node();
    exchange(&memory, ">S <S.");
    memory.take_events();
    exchange(&memory, ">S");
    assert!(
        memory.take_events().is_empty(),
        "a repeated SYN is no new connection"
    );
}

#[test]
fn times_are_as_configured() {
    let mut memory = world::node();
    memory.timeouts = memory.timeouts.with(Timeout::StreamOpening, 5);
    exchange(&memory, ">S");
    memory.take_events();
    memory.now += 5;
    exchange(&memory, ">S");
    only_event(&memory);
}

#[test]
fn what_opens_a_connection_is_no_answer() {
    // db may open connections to web, and web answers; what web opens on the same ports meets db's isolation.
    let from_db = Ends {
        from: (DB.v4, 4000),
        to: (WEB.v4, 80),
    };
    for (opening, answer, against) in [
        (
            craft::tcp(&DB, from_db, "S"),
            craft::tcp(&WEB, from_db.back(), "S."),
            craft::tcp(&WEB, from_db.back(), "S"),
        ),
        (
            craft::sctp(&DB, from_db, 1),
            craft::sctp(&WEB, from_db.back(), 2),
            craft::sctp(&WEB, from_db.back(), 1),
        ),
    ] {
        let memory = world::node();
        assert_eq!(world::send(&memory, &DB, opening), delivered(&WEB));
        assert_eq!(world::send(&memory, &WEB, answer), delivered(&DB));
        memory.take_events();
        let action = world::send(&memory, &WEB, against);
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn sctp_opens_and_closes_like_tcp() {
    const INIT: u8 = 1;
    let ends = Ends {
        from: (DB.v4, 4000),
        to: (WEB.v4, 80),
    };
    // Each chunk with its sender; then how long the entry lives, seconds.
    for (chunks, lifetime) in [
        (&[(&DB, INIT)][..], 60),
        (&[(&DB, INIT), (&WEB, 2)], 8_000),
        (&[(&DB, INIT), (&WEB, 2), (&WEB, 7)], 240),
        (&[(&DB, INIT), (&WEB, 2), (&WEB, 7), (&DB, 8)], 120),
        (&[(&DB, INIT), (&WEB, 2), (&WEB, 14)], 120),
        (&[(&DB, INIT), (&WEB, 6)], 10),
    ] {
        let mut memory = world::node();
        for (sender, chunk) in chunks {
            let ends = if sender.v4 == DB.v4 {
                ends
            } else {
                ends.back()
            };
            let action = world::send(&memory, sender, craft::sctp(sender, ends, *chunk));
            assert!(matches!(action, Action::Redirect { .. }), "{action:?}");
        }
        only_event(&memory);
        memory.now += lifetime * 1_000_000_000 - 1;
        let answer = || craft::sctp(&WEB, ends.back(), 3);
        assert_eq!(world::send(&memory, &WEB, answer()), delivered(&DB));
        let connection = *memory.connections().values().next().unwrap();
        memory.now = connection.expires;
        let action = world::send(&memory, &WEB, answer());
        assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    }
}

#[test]
fn datagrams_are_connections_while_they_go_on() {
    let ends = Ends {
        from: (DB.v4, 4000),
        to: (WEB.v4, 53),
    };
    let mut memory = world::node();
    let ask = || craft::udp(&DB, ends, b"?");
    let answer = || craft::udp(&WEB, ends.back(), b"!");
    assert_eq!(world::send(&memory, &DB, ask()), delivered(&WEB));
    memory.now += 30 * 1_000_000_000 - 1;
    assert_eq!(world::send(&memory, &WEB, answer()), delivered(&DB));
    memory.now += 120 * 1_000_000_000 - 1;
    assert_eq!(world::send(&memory, &WEB, answer()), delivered(&DB));
    only_event(&memory);
    // Too late to be an answer: a datagram of web's own, which may talk to db.
    memory.now += 120 * 1_000_000_000;
    assert_eq!(world::send(&memory, &WEB, answer()), delivered(&DB));
    only_event(&memory);
}

#[test]
fn a_full_table_drops_with_its_own_reason() {
    let mut memory = world::node();
    memory.capacity = 0;
    let actions = exchange(&memory, ">S");
    assert_drop(&memory, actions[0], DropReason::ConntrackFull);
}
