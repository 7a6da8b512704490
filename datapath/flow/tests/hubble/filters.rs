//! Which flows a filter wants.

use crate::samples::{denied_at_ingress, end, web_to_db};
use abi::{Hook, protocol};
use flow::filter::{Filter, LabelSelector, Protocol, Sided};
use flow::hubble::{self, TrafficDirection, Verdict};
use flow::{Flow, Party};

/// A connection inside the shop, one that is denied, and one from outside.
fn flows() -> [hubble::Flow; 3] {
    let outside = Flow {
        time: "2020-06-13T21:40:00Z".parse().unwrap(),
        hook: Hook::ToEndpoint,
        source: end("2001:db8::7", Some(4000), Party::World),
        protocol: protocol::UDP,
        ..web_to_db()
    };
    [web_to_db(), denied_at_ingress(true), outside].map(|flow| (&flow).into())
}

/// The filter wants those of [`flows`] with a 1 here.
#[track_caller]
fn check(filter: &Filter, expected: [u8; 3]) {
    let wanted = flows().map(|flow| u8::from(filter.wants(&flow)));
    assert_eq!(wanted, expected);
}

fn one_of<T: std::str::FromStr>(values: &[&str]) -> Vec<T> {
    let values = values.iter().map(|value| value.parse().ok());
    values.collect::<Option<_>>().unwrap()
}

#[test]
fn nothing_asked_wants_everything() {
    check(&Filter::default(), [1, 1, 1]);
}

#[test]
fn pods_are_meant_by_the_beginning_of_their_names() {
    let from = |pods: &[&str]| Filter {
        pods: Sided {
            from: one_of(pods),
            ..Sided::default()
        },
        ..Filter::default()
    };
    check(&from(&["shop/web"]), [1, 1, 0]);
    check(&from(&["shop/w"]), [1, 1, 0]);
    check(&from(&["shop/"]), [1, 1, 0]);
    check(&from(&["w"]), [1, 1, 0]);
    check(&from(&["bank/web"]), [0, 0, 0]);
    check(&from(&["bank/web", "shop/web"]), [1, 1, 0]);
    check(&from(&["shop/db"]), [0, 0, 0]);
    check(&from(&[""]), [1, 1, 0]);
}

#[test]
fn either_end_may_be_meant() {
    let filter = |pod: &str, port: u16| Filter {
        pods: Sided {
            either: one_of(&[pod]),
            ..Sided::default()
        },
        ports: Sided {
            either: vec![port],
            ..Sided::default()
        },
        ..Filter::default()
    };
    check(&filter("shop/db", 5432), [1, 1, 1]);
    check(&filter("shop/db", 4000), [0, 0, 1]);
    check(&filter("shop/web", 5432), [1, 1, 0]);
    check(&filter("shop/web", 1), [0, 0, 0]);
}

#[test]
fn addresses_are_prefixes() {
    let to = |prefix: &str| Filter {
        addresses: Sided {
            either: one_of(&[prefix]),
            ..Sided::default()
        },
        ..Filter::default()
    };
    check(&to("10.0.0.1/32"), [1, 1, 0]);
    check(&to("2001:db8::/32"), [0, 0, 1]);
    check(&to("0.0.0.0/0"), [1, 1, 1]);
    check(&to("::/0"), [0, 0, 1]);
}

#[test]
fn verdict_protocol_direction_and_time_narrow_further() {
    let verdict = |verdict| Filter {
        verdicts: vec![verdict],
        ..Filter::default()
    };
    check(&verdict(Verdict::Dropped), [0, 1, 0]);
    check(&verdict(Verdict::Audit), [0, 0, 0]);
    let protocol = |protocol| Filter {
        protocols: vec![protocol],
        ..Filter::default()
    };
    check(&protocol(Protocol::Udp), [0, 0, 1]);
    check(&protocol(Protocol::Icmp), [0, 0, 0]);
    let ingress = Filter {
        directions: vec![TrafficDirection::Ingress],
        ..Filter::default()
    };
    check(&ingress, [0, 1, 1]);
    let time = |since: Option<&str>, until: Option<&str>| Filter {
        since: since.map(|time| time.parse().unwrap()),
        until: until.map(|time| time.parse().unwrap()),
        ..Filter::default()
    };
    check(&time(Some("2020-06-13T21:40:00Z"), None), [0, 0, 1]);
    check(&time(None, Some("2020-06-13T21:39:59Z")), [1, 1, 0]);
}

#[track_caller]
fn check_labels(selector: &str, expected: [u8; 3]) {
    let filter = Filter {
        labels: Sided {
            from: one_of(&[selector]),
            ..Sided::default()
        },
        ..Filter::default()
    };
    check(&filter, expected);
}

#[test]
fn labels_are_selected_with_or_without_their_source() {
    check_labels("app=web", [1, 1, 0]);
    check_labels("k8s:app=web", [1, 1, 0]);
    check_labels("other:app=web", [0, 0, 0]);
    check_labels("app==db", [0, 0, 0]);
    check_labels("app", [1, 1, 0]);
    check_labels("app, io.kubernetes.pod.namespace=shop", [1, 1, 0]);
    check_labels("app, io.kubernetes.pod.namespace=bank", [0, 0, 0]);
    check_labels("!app", [0, 0, 1]);
    check_labels("app!=web", [0, 0, 1]);
    check_labels("reserved:world", [0, 0, 1]);
    check_labels("world", [0, 0, 1]);
}

#[test]
fn a_selector_that_is_none_says_what_to_write() {
    for text in ["", "=web", "app=a=b", "a,,b", "app in (web)", "!"] {
        let error = text.parse::<LabelSelector>().unwrap_err().to_string();
        assert!(error.contains("write key=value"), "{error}");
    }
    let error = "gre".parse::<Protocol>().unwrap_err().to_string();
    assert!(error.contains("use one of tcp, udp"), "{error}");
}
