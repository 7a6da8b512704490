//! What is written.

use crate::samples::{decided, denied_at_ingress, end, web_to_db};
use abi::{Disposition, DropReason, Hook, PolicyAction, protocol};
use flow::hubble::Line;
use flow::{Flow, Party, Side, VirtualEnd};
use insta::assert_snapshot;
use manifest::ObjectName;

/// The line of a flow, spread over several to be read; it is read back as it was written.
fn written(flow: &Flow) -> String {
    let line = Line::of_flow(flow.into());
    let text = line.to_string();
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(Line::read(&text).unwrap(), line);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    serde_json::to_string_pretty(&value).unwrap()
}

#[test]
fn an_allowed_connection_names_the_policies_of_both_ends() {
    assert_snapshot!(written(&Flow {
        egress: decided(PolicyAction::Allow, &["shop/web"], false),
        ingress: decided(
            PolicyAction::Allow,
            &["shop/db", "ClusterNetworkPolicy/guard"],
            false
        ),
        ..web_to_db()
    }));
}

#[test]
fn a_default_deny_names_the_policies_that_isolate() {
    assert_snapshot!(written(&denied_at_ingress(true)));
}

#[test]
fn an_explicit_deny_has_a_reason_of_its_own() {
    let flow: flow::hubble::Flow = (&denied_at_ingress(false)).into();
    assert_eq!(
        (flow.drop_reason, &*flow.drop_reason_desc),
        (181, "POLICY_DENY")
    );
    assert_eq!(flow.policy_match_type, 2);
    assert_eq!(flow.ingress_denied_by[0].to_string(), "shop/db");
}

#[test]
fn what_only_audit_mode_lets_through_says_who_would_deny_it() {
    assert_snapshot!(written(&Flow {
        disposition: Disposition::Audited,
        ingress: decided(PolicyAction::Audit, &["shop/db"], true),
        ..web_to_db()
    }));
}

#[test]
fn a_packet_that_no_policy_dropped_is_a_drop_event() {
    assert_snapshot!(written(&Flow {
        disposition: Disposition::Dropped,
        reason: Some(DropReason::SpoofedSource),
        egress: Side::NotAsked,
        ingress: Side::NotAsked,
        ..web_to_db()
    }));
}

#[test]
fn nodes_and_the_world_have_reserved_labels() {
    assert_snapshot!(written(&Flow {
        hook: Hook::ToEndpoint,
        source: end("192.0.2.7", Some(53), Party::World),
        egress: Side::NotAsked,
        protocol: protocol::UDP,
        ..web_to_db()
    }));
    let labels = |node: &str| {
        let flow = Flow {
            hook: Hook::ToEndpoint,
            source: end("10.1.0.1", None, Party::Node(node.into())),
            ..web_to_db()
        };
        let flow = flow::hubble::Flow::from(&flow);
        flow.source.unwrap().labels.concat()
    };
    assert_eq!(labels("node-1"), "reserved:host");
    assert_eq!(labels("node-2"), "reserved:remote-node");
}

#[test]
fn echoes_have_no_ports_and_garbage_has_no_addresses() {
    assert_snapshot!(written(&Flow {
        source: end("fd00::1", None, Party::World),
        destination: end("fd00::2", None, Party::World),
        protocol: protocol::ICMPV6,
        ..web_to_db()
    }));
    assert_snapshot!(written(&Flow {
        disposition: Disposition::Dropped,
        reason: Some(DropReason::Malformed),
        source: end("::", None, Party::World),
        destination: end("::", None, Party::World),
        protocol: 0,
        egress: Side::NotAsked,
        ingress: Side::NotAsked,
        ..web_to_db()
    }));
}

#[test]
fn what_a_service_was_asked_for_names_it_beside_the_backend() {
    assert_snapshot!(written(&Flow {
        frontend: Some(VirtualEnd {
            address: "10.96.0.1".parse().unwrap(),
            port: Some(5432),
            service: Some(ObjectName::new("shop", "sql")),
        }),
        ..web_to_db()
    }));
}

#[test]
fn lost_events_are_a_line_of_their_own() {
    let time = "2020-06-13T21:29:31Z".parse().unwrap();
    let line = Line::of_lost_events(12, "node-1", time);
    assert_eq!(
        line.to_string(),
        r#"{"lost_events":{"source":"PERF_EVENT_RING_BUFFER","num_events_lost":"12"},"node_name":"node-1","time":"2020-06-13T21:29:31Z"}"#
    );
    assert_eq!(Line::read(&line.to_string()).unwrap(), line);
}
