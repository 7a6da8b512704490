//! Who is behind a service, and why a client gets them or does not.

use super::{pod, shop};
use manifest::{Cluster, Protocol};
use oracle::service::{Answer, Asked, Roll, Source, Standing, roll};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Those on the roll whom the client may get; `None` without a roll.
pub(super) fn serving(cluster: &Cluster, asked: &Asked) -> Option<BTreeSet<SocketAddr>> {
    let members = roll(cluster, asked)?.members.into_iter();
    let serving = members.filter(|member| member.standing.is_serving());
    Some(serving.map(|member| member.end).collect())
}

/// Those who are on the roll if this is the answer.
pub(super) fn expected(answer: &Answer) -> Option<BTreeSet<SocketAddr>> {
    match answer {
        Answer::NotVirtual | Answer::NoPort => None,
        Answer::NoBackend(_) | Answer::NotHere(_) | Answer::NotFor(_) => Some(BTreeSet::new()),
        Answer::Served(backends) => Some(backends.active.clone()),
    }
}

/// The roll of shop/web for a pod on n1.
fn called(cluster: &Cluster) -> Roll {
    let asked = Asked {
        from: "shop/db".parse().unwrap(),
        at: "n1".to_owned(),
        address: "10.96.0.10".parse().unwrap(),
        protocol: Protocol::Tcp,
        port: 80,
    };
    roll(cluster, &asked).unwrap()
}

/// What web-1, web-2 and web-3 are to a pod on n1.
#[track_caller]
fn check(cluster: &Cluster, expected: [Standing; 3]) {
    let members = called(cluster).members.into_iter();
    let standings: Vec<_> = members.map(|member| member.standing).collect();
    assert_eq!(standings, expected);
}

#[test]
fn each_says_what_it_is_to_the_client() {
    use Standing::{Draining, Elsewhere, Farther, NotReady, Serves, ServesToTheEnd};
    let mut anywhere = shop(&json!({}));
    check(&anywhere, [Serves, Serves, Serves]);
    check(
        &shop(&json!({"internalTrafficPolicy": "Local"})),
        [Serves, Serves, Elsewhere],
    );
    check(
        &shop(&json!({"trafficDistribution": "PreferClose"})),
        [Serves, Serves, Farther],
    );
    pod(&mut anywhere, 1).terminating = true;
    pod(&mut anywhere, 2).ready = false;
    check(&anywhere, [Draining, NotReady, Serves]);
    pod(&mut anywhere, 3).ready = false;
    check(&anywhere, [ServesToTheEnd, NotReady, NotReady]);
}

#[test]
fn the_roll_says_who_wrote_it() {
    let source = |fields: Value| called(&shop(&fields)).source;
    assert_eq!(source(json!({})), Source::Selector(3));
    assert_eq!(
        source(json!({"selector": {"serves": "nothing"}})),
        Source::Selector(0)
    );
    assert_eq!(source(json!({"selector": null})), Source::Nothing);
}

#[test]
fn pods_without_the_port_are_selected_and_not_on_the_roll() {
    let ports = json!([{"port": 81}, {"port": 80, "targetPort": "HTTP"}]);
    let roll = called(&shop(&json!({"ports": ports})));
    assert_eq!(roll.source, Source::Selector(3));
    assert_eq!(roll.port, 1);
    assert!(roll.members.is_empty());
}
