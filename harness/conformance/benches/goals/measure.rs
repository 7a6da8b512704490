//! What is measured, and how.

use crate::clusters;
use anyhow::{Context as _, ensure};
use conformance::driver::{self, DriverKind, Mode};
use conformance::{Drivers, Outputs, Scenario, Setting, discover};
use ipnet::IpNet;
use lab::{EndpointSpec, Lab, Node, NodeSpec, Routing};
use manifest::IpBlockMode;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const DRIVERS: [DriverKind; 3] = [DriverKind::Kernel, DriverKind::Simulate, DriverKind::Oracle];

/// One thing to measure.
pub(crate) struct Measurement {
    pub(crate) what: String,
    pub(crate) goal: Option<Duration>,
    /// Does it once and says how long it took.
    pub(crate) take: Box<dyn Fn() -> anyhow::Result<Duration>>,
}

impl Measurement {
    fn new(
        what: impl Into<String>,
        goal: Option<u64>,
        take: impl Fn() -> anyhow::Result<Duration> + 'static,
    ) -> Self {
        Self {
            what: what.into(),
            goal: goal.map(Duration::from_millis),
            take: Box::new(take),
        }
    }
}

/// What is measured side by side. The largest labs stand apart: the kernel takes them down in the background for a
/// second, and whatever needs its network lock meanwhile waits, the next such lab included.
pub(crate) fn groups(corpus: Option<&Path>) -> anyhow::Result<[Vec<Measurement>; 2]> {
    let large = [lab(1000, 1500), cluster(10, 100)].into();
    Ok([large, everything_else(corpus)?])
}

fn lab(pods: u32, goal: u64) -> Measurement {
    let what = format!("lab of {pods} pods ready");
    Measurement::new(what, Some(goal), move || lab_ready(pods))
}

fn cluster(nodes: u32, pods: u32) -> Measurement {
    let what = format!("lab of {nodes} nodes with {pods} pods each ready");
    Measurement::new(what, Some(1500), move || cluster_ready(nodes, pods))
}

fn everything_else(corpus: Option<&Path>) -> anyhow::Result<Vec<Measurement>> {
    let what = "scenario: lab, policy, one probe, away again";
    let scenario = Measurement::new(what, Some(60), scenario);
    let mut all = vec![lab(10, 20), lab(100, 150), scenario];
    for kind in DRIVERS {
        let goal = (kind == DriverKind::Kernel).then_some(200);
        let what = format!("486 probes, {kind}");
        all.push(Measurement::new(what, goal, move || matrix(kind)));
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cases");
    add_cases(&mut all, "our case files", &own, [None; 3])?;
    if let Some(corpus) = corpus {
        let goals = [Some(30_000), Some(2_000), None];
        add_cases(&mut all, "corpus", corpus, goals)?;
    }
    Ok(all)
}

fn add_cases(
    all: &mut Vec<Measurement>,
    name: &str,
    folder: &Path,
    goals: [Option<u64>; 3],
) -> anyhow::Result<()> {
    let scenarios: Arc<[Scenario]> = discover(&[PathBuf::from(folder)])
        .map_err(|problems| anyhow::anyhow!(problems.join("\n")))?
        .into();
    for (kind, goal) in DRIVERS.into_iter().zip(goals) {
        let scenarios = Arc::clone(&scenarios);
        let what = format!("{name}: {} cases, {kind}", scenarios.len());
        all.push(Measurement::new(what, goal, move || {
            cases(&scenarios, kind)
        }));
    }
    Ok(())
}

/// From nothing to endpoints that can send, without programs.
fn lab_ready(pods: u32) -> anyhow::Result<Duration> {
    let specs: Vec<EndpointSpec> = (0..pods).map(endpoint).collect();
    let started = Instant::now();
    let mut lab = Node::new()?;
    lab.add(&specs)?;
    Ok(started.elapsed())
}

/// From nothing to nodes that know the way to each other, with endpoints that can send.
fn cluster_ready(nodes: u32, pods: u32) -> anyhow::Result<Duration> {
    let specs: Vec<NodeSpec> = (0..nodes).map(node).collect();
    let first = |node: u32| node << 8;
    let parts: Vec<Vec<EndpointSpec>> = (0..nodes)
        .map(|node| (first(node)..first(node) + pods).map(endpoint).collect())
        .collect();
    let started = Instant::now();
    let mut lab = Lab::new(Routing::Native);
    lab.set_nodes(&specs)?;
    for (spec, part) in specs.iter().zip(&parts) {
        lab.add(&spec.name, part)?;
    }
    Ok(started.elapsed())
}

/// A node with room for 256 endpoints.
fn node(number: u32) -> NodeSpec {
    let EndpointSpec { v4, v6, .. } = endpoint(number << 8);
    let v4 = v4.and_then(|first| IpNet::new(first.into(), 24).ok());
    let v6 = v6.and_then(|first| IpNet::new(first.into(), 120).ok());
    NodeSpec {
        name: format!("node-{number}"),
        v4: Some((u32::from(Ipv4Addr::new(172, 18, 0, 1)) + number).into()),
        v6: None,
        prefixes: v4.into_iter().chain(v6).collect(),
    }
}

/// An endpoint of both families.
fn endpoint(number: u32) -> EndpointSpec {
    let v4 = u32::from(Ipv4Addr::new(10, 1, 0, 0)) + number;
    let v6 = u128::from(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0)) + u128::from(number);
    EndpointSpec {
        name: format!("pod-{number}"),
        v4: Some(v4.into()),
        v6: Some(v6.into()),
    }
}

/// The probes alone, on a cluster that is up.
fn matrix(kind: DriverKind) -> anyhow::Result<Duration> {
    let cluster = clusters::nine_pods()?;
    let probes = clusters::every_probe(&cluster);
    let mut driver = driver::open(kind, IpBlockMode::Any)?;
    driver.apply(&cluster)?;
    let started = Instant::now();
    let outcomes = driver.probe(&probes)?;
    let elapsed = started.elapsed();
    ensure!(outcomes.len() == 486, "{} outcomes", outcomes.len());
    Ok(elapsed)
}

/// All that a short scenario costs under the kernel driver.
fn scenario() -> anyhow::Result<Duration> {
    let cluster = clusters::two_pods()?;
    let probes = clusters::one_probe(&cluster);
    let started = Instant::now();
    let mut driver = driver::open(DriverKind::Kernel, IpBlockMode::Any)?;
    driver.apply(&cluster)?;
    let outcomes = driver.probe(&probes)?;
    drop(driver);
    let elapsed = started.elapsed();
    ensure!(outcomes.len() == 1, "{} outcomes", outcomes.len());
    Ok(elapsed)
}

/// Every case once, as many at a time as there are processors.
fn cases(scenarios: &[Scenario], kind: DriverKind) -> anyhow::Result<Duration> {
    let setting = Setting {
        drivers: Drivers {
            driver: kind,
            against: None,
            mode: Mode::default(),
        },
        manifests: None,
        nodes: 0,
        bless: false,
        outputs: Outputs::default(),
    };
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let report = scenario.play(&setting);
            ensure!(report.failure.is_none(), "{} failed", scenario.name());
        }
        Ok(())
    };
    let started = Instant::now();
    thread::scope(|scope| {
        let workers = thread::available_parallelism()?.get();
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().ok().context("a worker panicked")?)
    })?;
    Ok(started.elapsed())
}
