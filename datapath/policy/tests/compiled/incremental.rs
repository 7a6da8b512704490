//! What one change of a large cluster writes.

use crate::cluster::Sketch;
use manifest::IpBlockMode;
use policy::{Compiler, Planner};

/// Namespaces alike, each with two pods and two policies; every policy names its own namespace and one block.
fn cluster(namespaces: u8) -> Sketch {
    let mut sketch = Sketch::default().node("node-1", "192.0.2.1 2001:db8::1");
    for number in 0..namespaces {
        let name = |what: &str| format!("ns-{number}/{what}");
        let block = format!(
            "{{podSelector: {{}}, egress: [{{to: [{{ipBlock: {{cidr: 198.51.{number}.0/24}}}}], ports: [{{port: 443}}]}}]}}"
        );
        sketch = sketch
            .namespace(
                &format!("ns-{number}"),
                &format!("team=team-{}", number % 7),
            )
            .pod(
                &name("web"),
                &format!("10.0.{number}.1 fd00:{number}::1"),
                "app=web",
                "http:80/TCP",
            )
            .pod(
                &name("db"),
                &format!("10.0.{number}.2 fd00:{number}::2"),
                "app=db",
                "sql:5432/TCP",
            )
            .policy(&name("out"), &block)
            .policy(&name("db"), &from("web", 5432));
    }
    sketch
}

/// Lets the pods `db` be reached by some of their namespace at one port.
fn from(app: &str, port: u16) -> String {
    format!(
        "{{podSelector: {{matchLabels: {{app: db}}}}, \
         ingress: [{{from: [{{podSelector: {{matchLabels: {{app: {app}}}}}}}], ports: [{{port: {port}}}]}}]}}"
    )
}

/// The writes of each step from one state to the next, the first state aside.
fn writes(states: &[Sketch]) -> Vec<usize> {
    let (mut compiler, mut planner) = (Compiler::new(IpBlockMode::Any), Planner::new());
    let plans = states
        .iter()
        .map(|state| planner.plan(&compiler.compile(&state.0)).writes.len());
    plans.skip(1).collect()
}

/// A change and the next one, which takes away what the first left behind: neither may write more than `most` rows,
/// and neither more in a cluster ten times as large.
fn check(what: &str, change: impl Fn(Sketch) -> Sketch, most: usize) {
    let of_size = |namespaces| {
        let before = cluster(namespaces);
        let states = [before.clone(), change(before.clone()), before];
        writes(&states)
    };
    let (small, large) = (of_size(20), of_size(200));
    assert_eq!(small, large, "{what}, there and back");
    let fewest = large.iter().min().copied().unwrap_or_default();
    assert!(fewest > 0, "{what}: {large:?}");
    assert!(
        large.iter().all(|writes| *writes <= most),
        "{what}: {large:?}"
    );
}

#[test]
fn what_one_change_writes_does_not_grow_with_the_cluster() {
    check(
        "one policy more",
        |cluster| cluster.policy("ns-3/more", &from("db", 5433)),
        16,
    );
    check(
        "one policy changed",
        |cluster| cluster.policy("ns-3/db", &from("web", 5433)),
        16,
    );
    let without = |mut cluster: Sketch| {
        cluster
            .0
            .policies
            .retain(|name, _| name.to_string() != "ns-3/db");
        cluster
    };
    check("one policy less", without, 16);
    let pod = |name: &'static str, labels: &'static str| {
        move |cluster: Sketch| cluster.pod(name, "10.0.3.1 fd00:3::1", labels, "http:80/TCP")
    };
    check("a pod relabelled as another", pod("ns-3/web", "app=db"), 16);
    check(
        "a pod relabelled as nobody else",
        pod("ns-3/web", "app=web version=2"),
        16,
    );
    let more = |cluster: Sketch| cluster.pod("ns-3/more", "10.0.3.3", "app=web", "http:80/TCP");
    check("a pod more", more, 16);
}

/// Namespaces alike, each with a policy that lets in every pod of all of them.
fn open_to_all(namespaces: u8) -> Sketch {
    let mut sketch = Sketch::default().node("node-1", "192.0.2.1");
    for number in 0..namespaces {
        let name = |what: &str| format!("ns-{number}/{what}");
        let everyone =
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}";
        sketch = sketch
            .namespace(&format!("ns-{number}"), "team=a")
            .pod(&name("web"), &format!("10.0.{number}.1"), "app=web", "")
            .pod(&name("db"), &format!("10.0.{number}.2"), "app=db", "")
            .policy(&name("in"), everyone);
    }
    sketch
}

#[test]
fn a_pod_that_is_like_nobody_before_costs_one_row_a_table_that_selects_it() {
    const NAMESPACES: usize = 50;
    let before = open_to_all(50);
    let relabelled = |version: &str| {
        before.clone().pod(
            "ns-3/web",
            "10.0.3.1",
            &format!("app=web version={version}"),
            "",
        )
    };
    let steps = [
        before.clone(),
        relabelled("1"),
        relabelled("2"),
        before.clone(),
    ];
    let actual = writes(&steps);
    // The pod's own row; in every table the class that comes and, one change later, the class that goes.
    assert_eq!(actual, [1, 2, 2].map(|classes| 1 + classes * NAMESPACES));
}
