//! The real kernel takes the programs and keeps the rows. Needs root.

use abi::{Address, ClassKey, DropReason, EndpointRows, Link, Mac, Verdict, VerdictKey};
use agent::{Agent, AgentError, Config, Pressure, loaded_programs, map_memory, pool};
use lab::{Endpoint, EndpointSpec, GATEWAY_MAC, Node};
use manifest::{Cluster, IpBlockMode, Source};
use policy::{Compiler, Desired, Rows};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Two pods, a policy with a range of ports and a prefix, and one that is added later.
const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - {from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5000, endPort: 5432}]}
  - {from: [{ipBlock: {cidr: 203.0.113.0/24}}]}
";
const LATER: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
";
const ONE_MORE: &str = "
apiVersion: v1
kind: Pod
metadata: {name: cache, namespace: shop}
spec: {containers: [{name: c}]}
";

/// The desired tables of these manifests, each state of the cluster after the other.
fn desired<const N: usize>(states: [&[&str]; N]) -> [Desired; N] {
    let mut compiler = Compiler::new(IpBlockMode::Any);
    states.map(|texts| {
        let sources: Vec<_> = texts
            .iter()
            .map(|text| Source::text("test", *text))
            .collect();
        let mut cluster = Cluster::default();
        cluster.apply(&sources).unwrap();
        compiler.compile(&cluster)
    })
}

#[test]
fn reading_the_kernel_back_gives_what_was_written() {
    let mut agent = Agent::load(&Config::default()).unwrap();
    assert_eq!(agent.generation().unwrap(), 0);
    let states = desired([&[PODS], &[PODS, LATER], &[PODS], &[]]);
    for (generation, state) in (1..).zip(&states) {
        let applied = agent.enforce(state).unwrap();
        assert_eq!(applied.generation, generation);
        assert!(applied.writes > 0);
        assert_eq!(agent.generation().unwrap(), generation);
        assert_eq!(agent.rows().unwrap(), agent.planner().expected());
        let again = agent.enforce(state).unwrap();
        assert_eq!((again.generation, again.writes), (generation, 0));
    }
}

/// The table of this name.
fn pressure(agent: &Agent, table: &str) -> Pressure {
    let mut tables = agent.pressure().unwrap().into_iter();
    tables.find(|pressure| pressure.table == table).unwrap()
}

#[test]
fn the_kernel_says_what_the_tables_take() {
    let [state] = desired([&[PODS, LATER]]);
    let mut agent = Agent::load(&Config::default()).unwrap();
    agent.enforce(&state).unwrap();
    let memory = map_memory(std::process::id()).unwrap();
    for (table, row) in [
        (
            "ENDPOINTS",
            size_of::<Address>() + size_of::<EndpointRows>(),
        ),
        ("CLASSES", size_of::<ClassKey>() + size_of::<u32>()),
        ("VERDICTS", size_of::<VerdictKey>() + size_of::<Verdict>()),
    ] {
        let entries = pressure(&agent, table).entries.unwrap();
        let least = entries * row as u64;
        assert!(least > 0 && memory[table] >= least, "{table}: {memory:?}");
    }
    assert!(map_memory(u32::MAX).is_err());
}

#[test]
fn a_full_table_refuses_the_change_and_everything_is_as_it_was() {
    let [before] = desired([&[PODS]]);
    let mut roomy = Agent::load(&Config::default()).unwrap();
    roomy.enforce(&before).unwrap();
    let size = |table| u32::try_from(pressure(&roomy, table).entries.unwrap()).unwrap();
    let exactly = Config {
        classes: size("CLASSES"),
        verdicts: size("VERDICTS"),
        ..Config::default()
    };
    for (table, config) in [
        (
            "ENDPOINTS",
            Config {
                endpoints: 1,
                ..Config::default()
            },
        ),
        (
            "CIDRS",
            Config {
                cidrs: 1,
                ..Config::default()
            },
        ),
        (
            "CLASSES",
            Config {
                classes: 1,
                ..exactly
            },
        ),
        (
            "VERDICTS",
            Config {
                verdicts: 1,
                ..exactly
            },
        ),
    ] {
        let mut agent = Agent::load(&config).unwrap();
        let error = agent.enforce(&before).unwrap_err();
        assert!(
            matches!(error, AgentError::Full { table: full, .. } if full == table),
            "{error}"
        );
        assert!(error.to_string().contains(table), "{error}");
        assert_eq!(agent.generation().unwrap(), 0);
        assert_eq!(agent.rows().unwrap(), Rows::default());
        assert_eq!(pressure(&agent, table).refused, 1);
    }
    // In the middle of a change: the state before stays, and the next change does not see what was taken back.
    let endpoints = size("ENDPOINTS");
    let mut agent = Agent::load(&Config {
        endpoints,
        ..Config::default()
    })
    .unwrap();
    agent.enforce(&before).unwrap();
    let held = agent.rows().unwrap();
    let [_, crowded, roomy] = desired([&[PODS], &[PODS, LATER, ONE_MORE], &[PODS, LATER]]);
    assert!(agent.enforce(&crowded).is_err());
    assert_eq!(agent.generation().unwrap(), 1);
    assert_eq!(agent.rows().unwrap(), held);
    assert_eq!(agent.enforce(&roomy).unwrap().generation, 2);
    assert_eq!(agent.rows().unwrap(), agent.planner().expected());
}

/// `pod-1` and `pod-2`, without programs.
fn two_pods() -> Node {
    let mut lab = Node::new().unwrap();
    let specs = [1, 2].map(|number| EndpointSpec {
        name: format!("pod-{number}"),
        v4: Some([10, 0, 0, number].into()),
        v6: None,
    });
    lab.add(&specs).unwrap();
    lab
}

/// Attaches an endpoint by an interface of this name.
fn attach(
    agent: &mut Agent,
    lab: &Node,
    endpoint: &Endpoint,
    interface: &str,
) -> Result<(), AgentError> {
    let link = Link {
        v4: endpoint.spec().v4.unwrap().into(),
        mac: Mac(endpoint.mac()),
        ..Link::default()
    };
    let attach = || agent.attach(interface, endpoint.ifindex(), link, Mac(GATEWAY_MAC));
    lab.namespace().run(attach).unwrap()
}

#[test]
fn an_endpoint_that_sends_while_it_is_attached_is_known() {
    let lab = two_pods();
    let mut agent = Agent::load(&Config::default()).unwrap();
    let [from, to] = ["pod-1", "pod-2"].map(|name| lab.endpoint(name).unwrap());
    let any = (Ipv4Addr::UNSPECIFIED, 0);
    let socket = from.namespace().run(|| UdpSocket::bind(any)).unwrap();
    let (socket, is_over) = (socket.unwrap(), AtomicBool::new(false));
    socket.connect((to.spec().v4.unwrap(), 9)).unwrap();
    let sending = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = socket.send(&[0]);
            sending.wait();
            while !is_over.load(Ordering::Acquire) {
                // That nobody is there yet comes back as an error.
                let _ = socket.send(&[0]);
            }
        });
        sending.wait();
        let attached = attach(&mut agent, &lab, from, &from.ifname());
        is_over.store(true, Ordering::Release);
        attached.unwrap();
    });
    let drops = agent.drops().unwrap();
    assert_eq!(drops.get(&DropReason::UnknownEndpoint), None, "{drops:?}");
}

#[test]
fn an_interface_that_is_not_there_leaves_nothing_behind() {
    let lab = two_pods();
    let mut agent = Agent::load(&Config::default()).unwrap();
    let endpoint = lab.endpoint("pod-1").unwrap();
    attach(&mut agent, &lab, endpoint, "nowhere").unwrap_err();
    for table in ["LINKS", "LOCALS"] {
        assert_eq!(pressure(&agent, table).entries, Some(0), "{table}");
    }
    attach(&mut agent, &lab, endpoint, &endpoint.ifname()).unwrap();
}

#[test]
fn a_node_without_room_for_a_link_says_so() {
    let lab = two_pods();
    for (table, config) in [
        (
            "LINKS",
            Config {
                links: 1,
                ..Config::default()
            },
        ),
        (
            "LOCALS",
            Config {
                locals: 1,
                ..Config::default()
            },
        ),
    ] {
        let mut agent = Agent::load(&config).unwrap();
        let results = ["pod-1", "pod-2"].map(|name| {
            let endpoint = lab.endpoint(name).unwrap();
            attach(&mut agent, &lab, endpoint, &endpoint.ifname())
        });
        let [first, second] = results;
        first.unwrap();
        let error = second.unwrap_err();
        assert!(
            matches!(error, AgentError::Full { table: full, .. } if full == table),
            "{error}"
        );
        assert_eq!(pressure(&agent, table).refused, 1);
        agent.reset().unwrap();
        assert_eq!(pressure(&agent, table).entries, Some(0));
    }
}

#[test]
fn an_agent_that_is_given_back_is_as_good_as_new() {
    let config = Config {
        connections: 77,
        ..Config::default()
    };
    let mut agent = pool::take(&config).unwrap();
    for state in &desired([&[PODS], &[LATER]]) {
        agent.enforce(state).unwrap();
    }
    pool::give_back(&config, agent).unwrap();
    let mut agent = pool::take(&config).unwrap();
    assert_eq!(agent.rows().unwrap(), Rows::default());
    assert_eq!(agent.generation().unwrap(), 0);
    let [state] = desired([&[PODS]]);
    assert_eq!(agent.enforce(&state).unwrap().generation, 1);
}

#[test]
fn loaded_programs_are_listed() {
    let before: BTreeSet<u32> = loaded_programs()
        .unwrap()
        .into_iter()
        .map(|program| program.id)
        .collect();
    let _agent = Agent::load(&Config::default()).unwrap();
    let new: Vec<_> = loaded_programs()
        .unwrap()
        .into_iter()
        .filter(|program| !before.contains(&program.id))
        .collect();
    for name in ["from_endpoint", "to_endpoint"] {
        assert!(new.iter().any(|program| program.name == name), "{new:?}");
    }
}
