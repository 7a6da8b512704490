//! What traffic between two pods of a node achieves: `cargo bench -p agent --bench path`. Needs root. With
//! `--ways services` the pod that serves is behind a service, one of many, and what counts is the ratio to the same
//! programs without: beside it are rule sets of the shapes that kube-proxy writes.
//!
//! ```text
//!  pod a ── veth ── node: the way that is compared ── veth ── pod b
//! ```
//!
//! Every way has nodes of its own, and ways between two nodes are compared with plain routing and the kernel's own tunnel
//! between two. A round sends each kind of traffic for half a second over one way after the other,
//! every other round in the opposite order; what counts is the ratio to plain routing in the same round, and of the
//! rounds the median. CPU time is that of this process, which holds both ends and the path between them; it is the steadier
//! figure where other processes run too.

mod measure;
mod network;
mod nftables;
mod policies;
mod proxy;
mod report;
mod services;
mod traffic;
mod way;

use anyhow::bail;
use bench::Arguments;
use measure::Sample;
use traffic::Traffic;
use way::Way;

/// What the ways differ in.
#[derive(Clone, Copy)]
pub(crate) enum Question {
    /// How many policies are in force; compared with plain routing.
    Policies,
    /// How many services there are; compared with the pod itself.
    Services,
}

/// One sample of each kind of traffic and each way.
type Round = [Vec<Sample>; Traffic::ALL.len()];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read(&["--ways"])?;
    let question = match arguments.value("--ways") {
        None | Some("policies") => Question::Policies,
        Some("services") => Question::Services,
        Some(other) => bail!("--ways {other}: there are policies and services"),
    };
    let mut ways = match question {
        Question::Policies => Way::under_policies()?,
        Question::Services => Way::to_services()?,
    };
    let mut rounds = Vec::new();
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        rounds.push(take(&mut ways, round % 2 == 0)?);
    }
    let results = report::results(&ways, &rounds);
    print!("{}", report::tables(question, &results));
    arguments.record(&report::records(question, &results))
}

fn take(ways: &mut [Way], backwards: bool) -> anyhow::Result<Round> {
    let mut round = Round::default();
    for (traffic, samples) in Traffic::ALL.into_iter().zip(&mut round) {
        samples.resize(ways.len(), Sample::default());
        let mut places: Vec<usize> = (0..ways.len()).collect();
        if backwards {
            places.reverse();
        }
        for place in places {
            samples[place] = measure::sample(&mut ways[place], traffic)?;
        }
    }
    Ok(round)
}
