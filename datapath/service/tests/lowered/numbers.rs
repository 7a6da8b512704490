//! What stays the same from one state of a cluster to the next.

use crate::sketch::{apply, cluster, service};
use manifest::Cluster;
use service::{Compiler, Services};
use std::sync::Arc;

const PORTS: &str = "clusterIP: 10.96.0.1, ports: [{name: a, port: 80}, {name: b, port: 81}]";

fn numbers(services: &Services) -> Vec<u32> {
    let ends = services.frontends.values();
    ends.map(|frontend| frontend.number).collect()
}

#[test]
fn a_port_keeps_its_number_and_no_other_ever_gets_it() {
    let mut compiler = Compiler::default();
    let mut with = |cluster: &Cluster| numbers(&compiler.compile(cluster));
    let mut one = cluster();
    apply(&mut one, &service("web", PORTS));
    let mut two = one.clone();
    apply(
        &mut two,
        &service("another", "clusterIP: 10.96.0.2, ports: [{port: 80}]"),
    );
    assert_eq!(with(&one), [1, 2]);
    assert_eq!(with(&two), [1, 2, 3]);
    assert!(with(&cluster()).is_empty());
    assert_eq!(with(&one), [4, 5]);
}

#[test]
fn backends_that_stay_are_shared() {
    let mut compiler = Compiler::default();
    let mut cluster = cluster();
    apply(&mut cluster, &service("web", PORTS));
    let before = compiler.compile(&cluster);
    let after = compiler.compile(&cluster);
    for (before, after) in before.frontends.values().zip(after.frontends.values()) {
        assert!(Arc::ptr_eq(&before.inside, &after.inside));
    }
    assert_eq!(before, after);
}
