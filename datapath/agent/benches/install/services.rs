//! Services: as many as a large cluster has, and a change of one of them.

use crate::cluster::apply;
use agent::{Agent, Applied, Config};
use bench::{Spread, table};
use manifest::{Cluster, IpBlockMode};
use policy::Compiler;
use serde_json::{Value, json};
use service::{Backends, Choice};
use std::fmt::Write as _;
use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

const SERVICES: u32 = 10_000;
/// Endpoints of each.
const ENDPOINTS: u32 = 3;
/// Backends of a Maglev table.
const BACKENDS: [u32; 3] = [3, 100, 1_000];

/// What was measured, in milliseconds.
pub(crate) struct Services {
    /// From the cluster to its tables, all of it and after a change.
    compile: [Spread; 2],
    /// From there to the moment they were in force.
    in_force: [Spread; 2],
    /// Rows that were written.
    writes: [usize; 2],
    /// How long a Maglev table takes to build.
    maglev: Vec<(u32, Spread)>,
}

pub(crate) fn measure(rounds: u16) -> anyhow::Result<Services> {
    let mut cluster = cluster()?;
    let mut steps: [Vec<(Duration, Applied)>; 2] = Default::default();
    for round in 1..=rounds {
        eprintln!("{SERVICES} services: round {round} of {rounds}");
        let mut compiler = Compiler::new(IpBlockMode::Any);
        let mut agent = Agent::load(&Config::default())?;
        for step in &mut steps {
            let started = Instant::now();
            let desired = compiler.compile(&cluster);
            let compile = started.elapsed();
            step.push((compile, agent.enforce(&desired)?));
            apply(&mut cluster, &slice(SERVICES / 2, u32::from(round) + 1))?;
        }
    }
    let compile = steps.each_ref().map(|steps| {
        let times = steps.iter().map(|(compile, _)| milliseconds(*compile));
        Spread::of(times.collect())
    });
    let in_force = steps.each_ref().map(|steps| {
        let times = steps
            .iter()
            .map(|(_, applied)| milliseconds(applied.elapsed));
        Spread::of(times.collect())
    });
    let writes = steps.each_ref().map(|steps| {
        let writes = steps.iter().map(|(_, applied)| applied.writes);
        writes.max().unwrap_or_default()
    });
    Ok(Services {
        compile,
        in_force,
        writes,
        maglev: BACKENDS
            .map(|backends| (backends, maglev(backends, rounds)))
            .into(),
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn maglev(backends: u32, rounds: u16) -> Spread {
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 0));
    let end = |number| SocketAddr::new(Ipv4Addr::from(first + number).into(), 8080);
    let backends = Backends {
        choice: Choice::Maglev,
        take_new: (0..backends).map(end).collect(),
        ..Backends::default()
    };
    let build = |_| {
        let started = Instant::now();
        black_box(backends.slots());
        milliseconds(started.elapsed())
    };
    Spread::of((0..rounds).map(build).collect())
}

fn cluster() -> anyhow::Result<Cluster> {
    let mut text = "apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n".to_owned();
    for number in 0..SERVICES {
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: s-{number}}}\nspec: {{ports: [{{port: 80}}]}}"
        );
        text += &slice(number, 0);
    }
    let mut cluster = Cluster::default();
    apply(&mut cluster, &text)?;
    Ok(cluster)
}

/// The endpoints of a service, others for each `turn`.
fn slice(number: u32, turn: u32) -> String {
    let first = u32::from(Ipv4Addr::new(10, 0, 0, 0)) + 8 * number + turn;
    let endpoints = (first..first + ENDPOINTS).map(Ipv4Addr::from);
    let endpoints: Vec<_> = endpoints
        .map(|it| format!("{{addresses: [{it}]}}"))
        .collect();
    format!(
        "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
         metadata: {{name: s-{number}, labels: {{kubernetes.io/service-name: s-{number}}}}}\n\
         addressType: IPv4\nports: [{{port: 8080}}]\nendpoints: [{}]\n",
        endpoints.join(", ")
    )
}

pub(crate) fn report(services: &Services) -> String {
    let line = |what: &str, step: usize| {
        [
            what.to_owned(),
            services.writes[step].to_string(),
            format!("{:.1} ms", services.compile[step].median),
            format!("{:.1} ms", services.in_force[step].median),
        ]
    };
    let steps = [
        line(&format!("{SERVICES} services installed"), 0),
        line("endpoints of one changed", 1),
    ];
    let steps = table(["", "rows", "compile", "in force"], &steps);
    let maglev = services.maglev.iter().map(|(backends, spread)| {
        let time = format!("{:.2} ms", spread.median);
        [format!("{backends} backends"), time]
    });
    let maglev = table(["Maglev table", "built in"], &maglev.collect::<Vec<_>>());
    format!("{steps}\n{maglev}")
}

pub(crate) fn records(services: &Services) -> Vec<Value> {
    let step = |what: &str, step: usize| {
        json!({
            "services": SERVICES,
            "what": what,
            "writes": services.writes[step],
            "compile_ms": services.compile[step].median,
            "in_force_ms": services.in_force[step].median,
        })
    };
    let maglev = services.maglev.iter().map(
        |(backends, spread)| json!({ "maglev_backends": backends, "build_ms": spread.median }),
    );
    [step("installed", 0), step("endpoints of one changed", 1)]
        .into_iter()
        .chain(maglev)
        .collect()
}
