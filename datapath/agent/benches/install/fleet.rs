//! What a change that concerns the whole cluster costs each of its nodes.

use crate::cluster::{Size, apply};
use crate::node::room_for;
use agent::{Agent, Applied};
use bench::Spread;
use manifest::{Cluster, IpBlockMode};
use policy::Compiler;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A policy of the Admin tier for every pod, with a port that differs from change to change.
const POLICY: &str = "
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: everywhere}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  ingress: [{action: Deny, from: [{namespaces: {matchLabels: {team: team-1}}}], protocols: [{tcp: {destinationPort: {number: PORT}}}]}]
";

/// The port that the policy names before the first change.
const FIRST_PORT: u16 = 8_000;

fn with_port(port: u16) -> String {
    POLICY.replace("PORT", &port.to_string())
}

/// Every node of a cluster, each with its own part of the tables.
struct Fleet {
    cluster: Cluster,
    compiler: Compiler,
    agents: Vec<(String, Agent)>,
}

/// What was measured of one cluster.
pub(crate) struct Fleets {
    size: Size,
    /// Milliseconds, once a round: from the cluster to its tables, once for all nodes.
    compile: Spread,
    /// Milliseconds of one node: its part taken out and brought into force. Every node of every round.
    turn: Spread,
    /// Rows that one node writes: the most in the last round.
    writes: usize,
}

pub(crate) fn measure(size: Size, rounds: u16) -> anyhow::Result<Fleets> {
    let mut cluster = size.cluster()?;
    apply(&mut cluster, &with_port(FIRST_PORT))?;
    let mut fleet = Fleet::install(cluster)?;
    let (mut compile, mut turns, mut writes) = (Vec::new(), Vec::new(), 0);
    for round in 1..=rounds {
        eprintln!("{} nodes: round {round} of {rounds}", size.nodes());
        apply(&mut fleet.cluster, &with_port(FIRST_PORT + round))?;
        let (compiled, turned) = fleet.turn()?;
        compile.push(milliseconds(compiled));
        writes = turned
            .iter()
            .map(|(_, applied)| applied.writes)
            .max()
            .unwrap_or(0);
        turns.extend(turned.iter().map(|(elapsed, _)| milliseconds(*elapsed)));
    }
    Ok(Fleets {
        size,
        compile: Spread::of(compile),
        turn: Spread::of(turns),
        writes,
    })
}

impl Fleet {
    fn install(cluster: Cluster) -> anyhow::Result<Self> {
        let mut compiler = Compiler::new(IpBlockMode::Any);
        let desired = compiler.compile(&cluster);
        let mut agents = Vec::new();
        for name in desired.nodes.keys() {
            let part = desired.for_node(name);
            let mut agent = Agent::load(&room_for(&part))?;
            agent.enforce(&part)?;
            agents.push((name.clone(), agent));
        }
        Ok(Self {
            cluster,
            compiler,
            agents,
        })
    }

    /// Brings the cluster into force on one node after the other: how long it takes to compile, and what each node does.
    fn turn(&mut self) -> anyhow::Result<(Duration, Vec<(Duration, Applied)>)> {
        let started = Instant::now();
        let desired = self.compiler.compile(&self.cluster);
        let compiled = started.elapsed();
        let turned = self.agents.iter_mut().map(|(name, agent)| {
            let started = Instant::now();
            let applied = agent.enforce(&desired.for_node(name))?;
            Ok((started.elapsed(), applied))
        });
        Ok((compiled, turned.collect::<anyhow::Result<_>>()?))
    }
}

pub(crate) fn table(all: &[Fleets]) -> String {
    let lines = all.iter().map(|fleet| {
        let Fleets {
            size,
            compile,
            turn,
            writes,
        } = fleet;
        [
            size.nodes().to_string(),
            size.pods.to_string(),
            writes.to_string(),
            format!("{:.1} ms", compile.median),
            format!("{:.1} ms", turn.median),
            format!("{:.1} ms", turn.most),
        ]
    });
    let header = [
        "policy for the whole cluster: nodes",
        "pods",
        "writes of a node",
        "compile, once",
        "a node",
        "slowest",
    ];
    bench::table(header, &lines.collect::<Vec<_>>())
}

pub(crate) fn records(all: &[Fleets]) -> impl Iterator<Item = Value> {
    all.iter().map(|fleet| {
        let Spread {
            least,
            median,
            most,
        } = fleet.turn;
        json!({
            "what": "policy for the whole cluster",
            "nodes": fleet.size.nodes(),
            "pods": fleet.size.pods,
            "writes_of_a_node": fleet.writes,
            "compile_ms": fleet.compile.median,
            "node_ms": { "least": least, "median": median, "most": most },
        })
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
