//! Who decides, and what the event says of it.

use crate::craft::{self, Ends};
use crate::world::{self, DB, NODE_ADDRESS, Pod, WEB, assert_drop, delivered, only_event};
use abi::{
    Decider, Disposition, DropReason, Identity, PolicyAction, Port, RuleSet, Verdict, VerdictKey,
    protocol,
};

const TO_5432: [Ends; 2] = [
    Ends {
        from: (WEB.v4, 4000),
        to: (DB.v4, 5432),
    },
    Ends {
        from: (WEB.v6, 4000),
        to: (DB.v6, 5432),
    },
];

#[test]
fn an_allowed_connection_is_delivered_with_an_event_that_names_both_halves() {
    for ends in TO_5432 {
        let memory = world::node();
        assert_eq!(
            world::send(&memory, &WEB, craft::tcp(&WEB, ends, "S")),
            delivered(&DB)
        );
        let event = only_event(&memory);
        assert_eq!(event.disposition, Disposition::Allowed as u8);
        assert_eq!(event.generation, 1);
        assert_eq!(
            (event.source_identity, event.destination_identity),
            (WEB.identity, DB.identity)
        );
        assert_eq!(event.egress.decider, Decider::NoPolicy as u16);
        assert_eq!(event.ingress.decider, Decider::Rules as u16);
        assert_eq!(
            (event.ingress.table, event.ingress.rules),
            (world::DB_INGRESS, world::RULE)
        );
        assert_eq!(
            (event.source_port.number(), event.destination_port.number()),
            (4000, 5432)
        );
    }
}

#[test]
fn isolation_denies_what_no_rule_matches() {
    let memory = world::node();
    let other_port = Ends {
        from: (WEB.v4, 4000),
        to: (DB.v4, 5433),
    };
    let action = world::send(&memory, &WEB, craft::tcp(&WEB, other_port, "S"));
    assert_drop(&memory, action, DropReason::PolicyDeniedIngress);
    assert!(memory.connections().is_empty());
}

#[test]
fn an_audited_connection_passes_like_an_allowed_one_and_its_one_event_says_so() {
    let rule = Verdict::audit(world::RULE);
    let isolation = Verdict::audit(RuleSet::NONE);
    for (verdict, decider) in [(rule, Decider::Rules), (isolation, Decider::Isolation)] {
        let mut memory = world::node();
        let key = VerdictKey::exact(world::DB_INGRESS, 1, protocol::TCP, Port::new(5432));
        memory.write_verdict(key, Some(verdict));
        for _ in 0..2 {
            let frame = craft::tcp(&WEB, TO_5432[0], "S");
            assert_eq!(world::send(&memory, &WEB, frame), delivered(&DB));
        }
        let event = only_event(&memory);
        assert_eq!(event.disposition, Disposition::Audited as u8);
        assert_eq!(event.ingress.decider, decider as u16);
        assert_eq!(event.ingress.action, PolicyAction::Audit as u16);
        assert_eq!(event.egress.action, PolicyAction::Allow as u16);
    }
}

#[test]
fn an_entry_without_rules_lets_through_what_no_policy_decides() {
    let mut memory = world::node();
    let key = VerdictKey::exact(world::DB_INGRESS, 1, protocol::TCP, Port::new(5432));
    memory.write_verdict(key, Some(Verdict::allow(RuleSet::NONE)));
    let frame = craft::tcp(&WEB, TO_5432[0], "S");
    assert_eq!(world::send(&memory, &WEB, frame), delivered(&DB));
    let event = only_event(&memory);
    assert_eq!(event.disposition, Disposition::Allowed as u8);
    assert_eq!(event.ingress.decider, Decider::NoPolicy as u16);
}

#[test]
fn a_packet_for_the_outside_goes_to_the_stack_after_its_egress_half() {
    let memory = world::node();
    let ends = Ends {
        from: (WEB.v4, 4000),
        to: ("203.0.113.9", 443),
    };
    let action = world::send(&memory, &WEB, craft::tcp(&WEB, ends, "S"));
    assert_eq!(action, program::Action::Pass);
    let event = only_event(&memory);
    assert_eq!(event.destination_identity, Identity::WORLD);
    assert_eq!(event.ingress.decider, Decider::NotAsked as u16);
}

#[test]
fn the_own_node_is_let_in_and_the_world_is_not() {
    let node = Pod {
        v4: NODE_ADDRESS,
        mac: world::GATEWAY.0,
        ..DB
    };
    let memory = world::node();
    for (source, expected) in [
        (NODE_ADDRESS, None),
        ("203.0.113.9", Some(DropReason::PolicyDeniedIngress)),
    ] {
        let ends = Ends {
            from: (source, 4000),
            to: (DB.v4, 80),
        };
        let action = world::receive(&memory, &DB, craft::tcp(&node, ends, "S"));
        if let Some(reason) = expected {
            assert_drop(&memory, action, reason);
        } else {
            assert_eq!(action, program::Action::Pass);
            assert_eq!(only_event(&memory).ingress.decider, Decider::OwnNode as u16);
        }
    }
}

#[test]
fn without_tables_or_an_endpoint_row_nothing_passes() {
    let mut memory = world::node();
    memory.generation = 0;
    let frame = craft::tcp(&WEB, TO_5432[0], "S");
    let action = world::send(&memory, &WEB, frame.clone());
    assert_drop(&memory, action, DropReason::NoTables);
    memory.generation = 1;
    memory.endpoints.clear();
    let action = world::send(&memory, &WEB, frame.clone());
    assert_drop(&memory, action, DropReason::UnknownEndpoint);
    memory.links.clear();
    let action = world::send(&memory, &WEB, frame);
    assert_drop(&memory, action, DropReason::UnknownEndpoint);
}
