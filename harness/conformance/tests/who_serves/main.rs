//! Who may serve a client of a service: what the lowering enters into the tables must be what the oracle reads from the
//! objects, on every node, for who is inside and who is outside.
//!
//! A failure shrinks, and its seed goes to `fixtures/regressions/who_serves.txt`.

use conformance::generate::served_clusters;
use manifest::{Cluster, EndpointName, Protocol};
use oracle::service::{Answer, Asked, serve};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};
use serde_json::json;
use service::{Compiler, Services, VirtualEnd};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

const SEEDS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/regressions/who_serves.txt"
);

/// No service has it.
const UNUSED: u16 = 9;

/// What a client gets.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Gets {
    NotVirtual,
    NoPort,
    NoBackend(String),
    NotHere(String),
    Served {
        service: String,
        active: BTreeSet<SocketAddr>,
        affinity: u32,
    },
}

/// How often clients got what, in how many cases it was of which kind.
type Census = BTreeMap<&'static str, usize>;

#[test]
fn lowering_and_oracle_agree() {
    let usual = Config::default();
    let least = usual.cases / 2;
    let mut runner = TestRunner::new(Config {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(SEEDS))),
        ..usual
    });
    let census = RefCell::new(Census::new());
    let told = runner.run(&served_clusters(), |cluster| {
        compare(&cluster, &census).map_err(TestCaseError::fail)
    });
    match told {
        Ok(()) => census_is_full(&census.into_inner(), least),
        Err(TestError::Fail(parting, cluster)) => panic!("{parting}\n{}", text(&cluster)),
        Err(abort @ TestError::Abort(_)) => panic!("{abort}"),
    }
}

/// Two that always said the same of nothing would agree, too.
fn census_is_full(census: &Census, least: u32) {
    for kind in ["not virtual", "no port", "no backend", "not here", "served"] {
        let count = census.get(kind).copied().unwrap_or_default();
        assert!(count >= least as usize, "{kind}: {count} of {census:?}");
    }
}

fn compare(cluster: &Cluster, census: &RefCell<Census>) -> Result<(), String> {
    let services = Compiler::default().compile(cluster);
    for node in cluster.nodes.keys() {
        let here = services.for_node(node);
        for asked in questions(cluster, node) {
            let answer = serve(cluster, &asked);
            let lowered = lowered(&here, &asked);
            let read = read(&answer);
            if read != lowered {
                return Err(format!(
                    "{asked:?}\n  oracle: {read:?}\n  lowering: {lowered:?}"
                ));
            }
            drains(&here, &asked, &answer)?;
            *census.borrow_mut().entry(word(&read)).or_default() += 1;
        }
    }
    Ok(())
}

/// Every destination that might be a service's, as a client on the node and one outside ask for it.
fn questions(cluster: &Cluster, node: &str) -> Vec<Asked> {
    let mut questions = Vec::new();
    let inside = EndpointName::Node(node.to_owned());
    let outside = EndpointName::External("anybody".to_owned());
    for from in [inside, outside] {
        for address in addresses(cluster) {
            for port in ports(cluster) {
                for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
                    questions.push(Asked {
                        from: from.clone(),
                        at: node.to_owned(),
                        address,
                        protocol,
                        port,
                    });
                }
            }
        }
    }
    questions
}

fn addresses(cluster: &Cluster) -> BTreeSet<IpAddr> {
    let services = cluster.services.values();
    let services = services.flat_map(|it| it.cluster_ips.iter().chain(it.outside_addresses()));
    let nodes = cluster.nodes.values().flat_map(|it| it.addresses.iter());
    let pods = cluster.pods.values().flat_map(|it| it.addresses.iter());
    services.chain(nodes).chain(pods.take(1)).collect()
}

fn ports(cluster: &Cluster) -> BTreeSet<u16> {
    let mut ports = BTreeSet::from([UNUSED]);
    for service in cluster.services.values() {
        let spec = service.object.spec.iter();
        let written = spec.flat_map(|spec| spec.ports.iter().flatten());
        ports.extend(written.filter_map(|port| u16::try_from(port.port).ok()));
        ports.extend(service.node_ports.iter().flatten());
    }
    ports
}

fn lowered(here: &Services, asked: &Asked) -> Gets {
    let Some(frontend) = here.frontends.get(&end(asked)) else {
        return if here.addresses.contains(&asked.address) {
            Gets::NoPort
        } else {
            Gets::NotVirtual
        };
    };
    let is_outside = matches!(asked.from, EndpointName::External(_));
    let backends = if is_outside {
        &frontend.outside
    } else {
        &frontend.inside
    };
    let service = frontend.service.to_string();
    match backends.take_new.is_empty() {
        true if is_outside && frontend.is_local => Gets::NotHere(service),
        true => Gets::NoBackend(service),
        false => Gets::Served {
            service,
            active: backends.take_new.iter().copied().collect(),
            affinity: frontend.affinity,
        },
    }
}

fn read(answer: &Answer) -> Gets {
    match answer {
        Answer::NotVirtual => Gets::NotVirtual,
        Answer::NoPort => Gets::NoPort,
        Answer::NoBackend(service) => Gets::NoBackend(service.to_string()),
        Answer::NotHere(service) | Answer::NotFor(service) => Gets::NotHere(service.to_string()),
        Answer::Served(backends) => Gets::Served {
            service: backends.service.to_string(),
            active: backends.active.clone(),
            affinity: backends.affinity.unwrap_or_default(),
        },
    }
}

/// Who keeps connections until it ends must be known as one who does.
fn drains(here: &Services, asked: &Asked, answer: &Answer) -> Result<(), String> {
    let Answer::Served(backends) = answer else {
        return Ok(());
    };
    let frontend = &here.frontends[&end(asked)];
    let lowered = match asked.from {
        EndpointName::External(_) => &frontend.outside.drain,
        _ => &frontend.inside.drain,
    };
    let mut draining = backends.draining.iter();
    match draining.find(|end| !lowered.contains(end)) {
        Some(end) => Err(format!("{asked:?}\n  {end} does not drain: {lowered:?}")),
        None => Ok(()),
    }
}

fn end(asked: &Asked) -> VirtualEnd {
    VirtualEnd {
        address: asked.address,
        protocol: asked.protocol,
        port: asked.port,
    }
}

fn word(gets: &Gets) -> &'static str {
    match gets {
        Gets::NotVirtual => "not virtual",
        Gets::NoPort => "no port",
        Gets::NoBackend(_) => "no backend",
        Gets::NotHere(_) => "not here",
        Gets::Served { .. } => "served",
    }
}

/// What a reader needs of the cluster.
fn text(cluster: &Cluster) -> String {
    let services = cluster.services.values().map(|it| json!(it.object));
    let slices = cluster.endpoint_slices.values().map(|it| json!(it.object));
    let pods = cluster.pods.iter().map(|(name, pod)| {
        json!({
            "pod": name.to_string(), "labels": pod.labels, "node": pod.node,
            "ready": pod.ready, "terminating": pod.terminating,
            "addresses": pod.addresses.iter().collect::<Vec<_>>(),
        })
    });
    let nodes = cluster.nodes.iter();
    let nodes = nodes.map(|(name, node)| json!({"node": name, "labels": node.labels}));
    let objects = services.chain(slices).chain(pods).chain(nodes);
    objects.fold(String::new(), |text, object| {
        text + &object.to_string() + "\n"
    })
}
