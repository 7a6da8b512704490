//! Plans, replayed write by write.

use crate::cluster::Sketch;
use crate::served::{self, Served};
use crate::verdict::identity;
use abi::{
    Address, Decider, Endpoint, Generation, Half, Identity, PolicyAction, RuleSet, TableId,
    Verdict, VerdictKey,
};
use manifest::IpBlockMode;
use policy::{Compiler, Desired, Direction, Planner, Provenance, Rows, Table, Write};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

/// Pods that may be there, by name and addresses.
const PODS: [(&str, &str); 5] = [
    ("shop/web", "10.0.0.1 fd00::1"),
    ("shop/db", "10.0.0.2"),
    ("shop/late", "10.0.0.1"),
    ("other/web", "10.0.1.1 fd00:1::1"),
    ("other/dns", "fd00:1::2"),
];

/// What a pod may be labelled.
const LABELS: [&str; 3] = ["app=web", "app=db", "app=web tier=front"];

/// Policies that may be there.
const POLICIES: [(&str, &str); 7] = [
    (
        "shop/deny",
        "{podSelector: {}, policyTypes: [Ingress, Egress]}",
    ),
    (
        "shop/web",
        "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80, endPort: 90}]}]}",
    ),
    (
        "shop/names",
        "{podSelector: {}, egress: [{ports: [{port: http}]}]}",
    ),
    (
        "shop/wide",
        "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}",
    ),
    (
        "shop/narrow",
        "{podSelector: {}, egress: [{to: [{ipBlock: {cidr: 10.0.0.0/16}}]}, {to: [{ipBlock: {cidr: '::/0'}}]}]}",
    ),
    ("other/all", "{podSelector: {}, ingress: [{}]}"),
    (
        "other/six",
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 'fd00::/8', except: ['fd00:1::/32']}}]}]}",
    ),
];

/// Addresses to look at: of pods, nodes and the rest of the world.
const ADDRESSES: [&str; 13] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.1.1",
    "fd00::1",
    "fd00:1::1",
    "fd00:1::2",
    "192.0.2.1",
    "2001:db8::1",
    "10.0.0.9",
    "10.9.9.9",
    "203.0.113.5",
    "fd00:1::9",
    "2001:db8:9::9",
];

/// Services that may be there, two of them at one address.
const SERVICES: [(&str, &str, &str); 3] = [
    (
        "shop/web",
        "10.96.0.1 fd00:10:96::1",
        "selector: {app: web}, ports: [{port: 80, targetPort: http}]",
    ),
    (
        "shop/all",
        "10.96.0.2",
        "selector: {app: db}, ports: [{name: a, port: 80}, {name: b, port: 80, protocol: UDP}]",
    ),
    (
        "other/web",
        "10.96.0.1",
        "selector: {app: web}, ports: [{port: 443}], sessionAffinity: ClientIP",
    ),
];

/// Which pods are there, each with which labels, which policies, and which services.
type State = (Vec<Option<usize>>, Vec<bool>, Vec<bool>);

fn states() -> impl Strategy<Value = Vec<State>> {
    let pods = prop::collection::vec(prop::option::of(0..LABELS.len()), PODS.len());
    let policies = prop::collection::vec(any::<bool>(), POLICIES.len());
    let services = prop::collection::vec(any::<bool>(), SERVICES.len());
    prop::collection::vec((pods, policies, services), 1..6)
}

/// How far each step goes at least: other nodes may have taken steps meanwhile.
fn leaps() -> impl Strategy<Value = Vec<Generation>> {
    prop::collection::vec(0..4_u64, 6)
}

fn sketch((pods, policies, services): &State) -> Sketch {
    let mut sketch = Sketch::default()
        .namespace("shop", "team=a")
        .namespace("other", "team=b")
        .node("node-1", "192.0.2.1 2001:db8::1");
    for ((name, addresses), labels) in PODS.iter().zip(pods) {
        if let Some(labels) = labels {
            sketch = sketch.pod(name, addresses, LABELS[*labels], "http:80/TCP");
        }
    }
    for ((name, spec), is_there) in POLICIES.iter().zip(policies) {
        if *is_there {
            sketch = sketch.policy(name, spec);
        }
    }
    for ((name, addresses, spec), is_there) in SERVICES.iter().zip(services) {
        if *is_there {
            sketch = sketch.service(name, addresses, spec);
        }
    }
    sketch
}

/// All that a packet of one generation can find for one address.
#[derive(PartialEq, Debug)]
struct Sight {
    identity: Identity,
    node: Option<Identity>,
    egress: Option<Contents>,
    ingress: Option<Contents>,
}

/// The rows of a table, whatever its number, with the classes of those whom packets of the generation can meet.
#[derive(PartialEq, Debug)]
struct Contents {
    classes: BTreeMap<Identity, u32>,
    verdicts: BTreeMap<VerdictKey, Verdict>,
}

/// Everything that a packet of one generation can find.
#[derive(PartialEq, Debug)]
struct View {
    sights: Vec<Sight>,
    served: Vec<Option<Served>>,
}

/// What the rows show a packet of `generation`.
fn look(rows: &Rows, generation: Generation) -> View {
    let met = met(rows, generation);
    let addresses = ADDRESSES.iter().map(|text| text.parse::<IpAddr>().unwrap());
    View {
        sights: addresses
            .map(|address| look_at(rows, generation, address.into(), &met))
            .collect(),
        served: served::look(rows, generation),
    }
}

/// Everyone whom a packet of `generation` can meet.
fn met(rows: &Rows, generation: Generation) -> BTreeSet<Identity> {
    let endpoints = rows.endpoints.values().filter_map(|row| row.at(generation));
    let cidrs = rows.cidrs.values().filter_map(|row| row.at(generation));
    let endpoints = endpoints.map(|endpoint| endpoint.identity);
    endpoints.chain(cidrs.copied()).collect()
}

fn look_at(
    rows: &Rows,
    generation: Generation,
    address: Address,
    met: &BTreeSet<Identity>,
) -> Sight {
    let row = rows
        .endpoints
        .get(&address)
        .and_then(|row| row.at(generation));
    match row.filter(|endpoint| endpoint.identity != Identity::NONE) {
        Some(endpoint) => Sight {
            identity: endpoint.identity,
            node: Some(endpoint.node),
            egress: contents(rows, endpoint.egress, met),
            ingress: contents(rows, endpoint.ingress, met),
        },
        None => Sight {
            identity: longest(rows, generation, address),
            node: None,
            egress: None,
            ingress: None,
        },
    }
}

/// What the longest-prefix table answers: it sees one row only.
fn longest(rows: &Rows, generation: Generation, address: Address) -> Identity {
    let bits = u128::from_be_bytes(address.octets());
    let holding = rows.cidrs.iter().filter(|(key, _)| {
        let prefix = u128::from_be_bytes(key.address.octets());
        (bits ^ prefix)
            .checked_shr(128 - key.prefix_length)
            .unwrap_or(0)
            == 0
    });
    let longest = holding.max_by_key(|(key, _)| key.prefix_length);
    let found = longest.and_then(|(_, row)| row.at(generation));
    found.copied().unwrap_or(Identity::WORLD)
}

fn contents(rows: &Rows, table: TableId, met: &BTreeSet<Identity>) -> Option<Contents> {
    let classes = rows.classes.iter();
    let classes = classes.filter(|(key, _)| key.table == table && met.contains(&key.identity));
    let verdicts = rows.verdicts.iter().filter(|(key, _)| key.table() == table);
    (table != TableId::OPEN).then(|| Contents {
        classes: classes.map(|(key, class)| (key.identity, *class)).collect(),
        verdicts: verdicts
            .map(|(key, verdict)| (anonymous(*key), *verdict))
            .collect(),
    })
}

/// The key as if its table had number 0.
fn anonymous(key: VerdictKey) -> VerdictKey {
    VerdictKey::prefix(
        TableId::OPEN,
        key.class(),
        key.protocol,
        key.port(),
        key.prefix_length,
    )
}

/// What packets are to see.
fn wanted(desired: &Desired) -> View {
    let endpoints = desired.endpoints.values().map(|row| row.identity);
    let met = endpoints.chain(desired.cidrs.values().copied()).collect();
    let addresses = ADDRESSES.iter().map(|text| text.parse().unwrap());
    let sights = addresses.map(|address| {
        let row = desired.endpoints.get(&address);
        Sight {
            identity: identity(desired, address),
            node: row.map(|row| row.node),
            egress: row.and_then(|row| wanted_contents(row.egress.as_ref(), &met)),
            ingress: row.and_then(|row| wanted_contents(row.ingress.as_ref(), &met)),
        }
    });
    View {
        sights: sights.collect(),
        served: served::wanted(&desired.services),
    }
}

fn wanted_contents(table: Option<&Arc<Table>>, met: &BTreeSet<Identity>) -> Option<Contents> {
    let table = table?;
    let mut classes = table.classes.clone();
    classes.retain(|identity, _| met.contains(identity));
    let verdicts = table.verdicts.iter().map(|(entry, verdict)| {
        let (protocol, port, length) = match entry.ports {
            None => (0, 0, 64),
            Some(ports) => (ports.protocol, ports.port, 72 + u32::from(ports.bits)),
        };
        let port = abi::Port::new(port);
        let key = VerdictKey::prefix(TableId::OPEN, entry.class, protocol, port, length);
        (key, *verdict)
    });
    Some(Contents {
        classes,
        verdicts: verdicts.collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_generation_in_force_sees_its_own_rows_at_every_write_of_the_next(
        states in states(),
        leaps in leaps(),
    ) {
        let mut compiler = Compiler::new(IpBlockMode::Any);
        let mut planner = Planner::new();
        let mut rows = Rows::default();
        let mut in_force: Option<(Generation, Desired)> = None;
        for (state, leap) in states.iter().zip(leaps) {
            let desired = compiler.compile(&sketch(state).0);
            let before = in_force.as_ref().map_or(0, |(generation, _)| *generation);
            let plan = planner.plan_as(&desired, before + leap);
            prop_assert!(plan.generation >= before + leap);
            for write in &plan.writes {
                rows.apply(write);
                if let Some((generation, old)) = &in_force {
                    prop_assert_eq!(look(&rows, *generation), wanted(old), "after {:?}", write);
                }
            }
            prop_assert_eq!(look(&rows, plan.generation), wanted(&desired));
            prop_assert_eq!(&rows, &planner.expected());
            in_force = Some((plan.generation, desired));
        }
    }

    /// A process dies in the middle of a change, and another goes on with what it finds.
    #[test]
    fn a_change_that_was_broken_off_shows_nothing_and_the_next_is_whole(
        states in states(),
        broken in prop::collection::vec(any::<prop::sample::Index>(), 6),
        leaps in leaps(),
    ) {
        let mut rows = Rows::default();
        let mut in_force: (Generation, View) = (0, look(&rows, 0));
        let mut left = Planner::new();
        for ((state, broken), leap) in states.iter().zip(broken).zip(leaps) {
            let desired = Compiler::new(IpBlockMode::Any).compile(&sketch(state).0);
            let writes = left.plan(&desired).writes;
            let carried_out = broken.index(writes.len() + 1);
            writes[..carried_out].iter().for_each(|write| rows.apply(write));

            let (mut planner, repairs) = Planner::resume(&rows, in_force.0);
            for write in &repairs {
                rows.apply(write);
                prop_assert_eq!(&look(&rows, in_force.0), &in_force.1, "after {:?}", write);
            }
            prop_assert_eq!(&rows, &planner.expected());
            let mut compiler = Compiler::new(IpBlockMode::Any);
            let desired = compiler.compile(&sketch(state).0);
            let plan = planner.plan_as(&desired, in_force.0 + leap);
            prop_assert_eq!(plan.generation, in_force.0 + leap.max(1));
            for write in &plan.writes {
                rows.apply(write);
                prop_assert_eq!(&look(&rows, in_force.0), &in_force.1, "after {:?}", write);
            }
            prop_assert_eq!(look(&rows, plan.generation), wanted(&desired));
            prop_assert_eq!(&rows, &planner.expected());
            in_force = (plan.generation, wanted(&desired));
            left = planner;
        }
    }

    #[test]
    fn the_same_input_gives_the_same_tables_and_no_second_plan(states in states()) {
        let mut compilers = [IpBlockMode::Any; 2].map(Compiler::new);
        let mut planner = Planner::new();
        for state in &states {
            let cluster = sketch(state).0;
            let [first, second] = compilers.each_mut().map(|compiler| compiler.compile(&cluster));
            prop_assert_eq!(&first, &second);
            prop_assert_eq!(&first, &compilers[0].compile(&cluster));
            let generation = planner.plan(&first).generation;
            let again = planner.plan(&second);
            prop_assert_eq!(again.generation, generation);
            prop_assert_eq!(again.writes, vec![]);
        }
    }
}

#[test]
fn rows_that_died_are_deleted_by_the_next_plan() {
    let none: State = (
        vec![None; PODS.len()],
        vec![false; POLICIES.len()],
        vec![false; SERVICES.len()],
    );
    let all: State = (
        vec![Some(0); PODS.len()],
        vec![true; POLICIES.len()],
        vec![true; SERVICES.len()],
    );
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let mut planner = Planner::new();
    let mut step = |state: &State| planner.plan(&compiler.compile(&sketch(state).0)).generation;
    assert_eq!(step(&all), 1);
    assert_eq!(step(&none), 2);
    let one = (
        vec![Some(0), None, None, None, None],
        none.1.clone(),
        none.2.clone(),
    );
    assert_eq!(step(&one), 3);
    let left = planner.expected();
    assert_eq!(left.endpoints.len(), 4, "two of the pod, two of the node");
    assert_eq!(left.cidrs.len(), 2, "the rest of each family");
    assert_eq!((left.classes.len(), left.verdicts.len()), (0, 0));
    assert_eq!((left.frontends.len(), left.slots.len()), (0, 0));
    assert!(left.members.is_empty());
}

/// An open pod and, at this address, one that is isolated.
fn with_a_pod_at(address: &str) -> Sketch {
    Sketch::default()
        .node("node-1", "192.0.2.1")
        .pod("shop/a", "10.0.0.1", "app=a", "")
        .pod("shop/b", address, "app=b", "")
        .policy("shop/b", "podSelector: {matchLabels: {app: b}}")
}

#[test]
fn only_rows_that_change_are_written() {
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let mut planner = Planner::new();
    let mut step = |address| {
        planner
            .plan(&compiler.compile(&with_a_pod_at(address).0))
            .writes
    };
    step("10.0.0.2");
    let written: Vec<_> = step("10.0.0.3")
        .iter()
        .map(|write| match write {
            Write::Endpoint(address, Some(_)) => address.to_ip().to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(written, ["10.0.0.2", "10.0.0.3"]);
}

#[test]
fn a_verdict_names_its_rules_until_long_after_the_table_has_gone() {
    let with = |policy: &str| {
        let none = (
            vec![Some(0); PODS.len()],
            vec![false; POLICIES.len()],
            vec![false; SERVICES.len()],
        );
        sketch(&none).policy("shop/p", policy)
    };
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let mut planner = Planner::new();
    planner.plan(&compiler.compile(&with("{podSelector: {}, ingress: [{}]}").0));
    let address = "10.0.0.2".parse::<IpAddr>().unwrap().into();
    let rows = planner.expected();
    let endpoint: &Endpoint = rows.endpoints[&address].at(1).unwrap();
    let half = |decider: Decider, rules: u32| Half {
        table: endpoint.ingress,
        rules: RuleSet(rules),
        decider: decider as u16,
        action: PolicyAction::Deny as u16,
    };
    let Provenance::Rules {
        direction: Direction::Ingress,
        action: PolicyAction::Deny,
        rules,
    } = planner.provenance(half(Decider::Rules, 1))
    else {
        panic!("rules");
    };
    assert_eq!(rules[0].to_string(), "shop/p[0]");
    let isolation = Provenance::Isolation {
        direction: Direction::Ingress,
        action: PolicyAction::Deny,
        policies: vec![rules[0].policy.clone()],
    };
    assert_eq!(planner.provenance(half(Decider::Isolation, 0)), isolation);
    assert_eq!(
        planner.provenance(half(Decider::OwnNode, 0)),
        Provenance::NoPolicy
    );
    assert_eq!(planner.provenance(Half::default()), Provenance::NotAsked);
    assert_eq!(
        planner.provenance(half(Decider::Rules, 9)),
        Provenance::Forgotten
    );

    let states = ["{podSelector: {}}", "{podSelector: {}, egress: [{}]}"];
    let mut step = |count: usize| {
        for state in states.iter().cycle().take(count) {
            planner.plan(&compiler.compile(&with(state).0));
        }
        planner.provenance(half(Decider::Isolation, 0))
    };
    assert_eq!(step(60), isolation);
    assert_eq!(step(10), Provenance::Forgotten);
}
