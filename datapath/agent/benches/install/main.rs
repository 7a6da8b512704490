//! How long large clusters take to come into force, and small changes of them: `cargo bench -p agent --bench install`.
//! Needs root.
//!
//! *compile* is from a cluster to its desired tables, *in force* from there to the moment at which the kernel judges by
//! them. Memory is what the kernel itself counts for the policy tables. Nothing is attached and no packet flows.
//!
//! The first table is of one node that holds everything; the next of clusters whose nodes each hold their own part; the
//! last ones of services, and of the tables by which Maglev chooses.

mod change;
mod cluster;
mod fleet;
mod node;
mod report;
mod services;

use bench::Arguments;
use cluster::Size;
use node::{Node, Step};

const SIZES: [Size; 4] = [
    Size {
        pods: 1_000,
        policies: 100,
    },
    Size {
        pods: 1_000,
        policies: 1_000,
    },
    Size {
        pods: 10_000,
        policies: 100,
    },
    Size {
        pods: 10_000,
        policies: 1_000,
    },
];

/// Clusters of 10 and 50 nodes.
const FLEETS: [Size; 2] = [
    Size {
        pods: 1_000,
        policies: 100,
    },
    Size {
        pods: 5_000,
        policies: 100,
    },
];

/// What was measured of one size.
struct Results {
    size: Size,
    /// What the tables hold after the install, and what they cost.
    contents: node::Contents,
    /// The install and each change, once a round.
    rounds: Vec<Vec<Step>>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read(&[])?;
    let mut all = Vec::new();
    for size in SIZES {
        all.push(measure(size, arguments.rounds)?);
    }
    let mut fleets = Vec::new();
    for size in FLEETS {
        fleets.push(fleet::measure(size, arguments.rounds)?);
    }
    println!("{}", report::installs(&all));
    println!("{}", report::changes(&all));
    println!("{}", fleet::table(&fleets));
    let services = services::measure(arguments.rounds)?;
    print!("{}", services::report(&services));
    let records = report::records(&all).into_iter();
    let records = records.chain(fleet::records(&fleets));
    let records: Vec<_> = records.chain(services::records(&services)).collect();
    arguments.record(&records)
}

fn measure(size: Size, rounds: u16) -> anyhow::Result<Results> {
    let cluster = size.cluster()?;
    let mut results = Results {
        size,
        contents: node::Contents::default(),
        rounds: Vec::new(),
    };
    for round in 1..=rounds {
        eprintln!(
            "{} pods, {} policies: round {round} of {rounds}",
            size.pods, size.policies
        );
        let (mut node, install) = Node::install(cluster.clone())?;
        results.contents = node.contents()?;
        let mut steps = vec![install];
        for change in &change::CHANGES {
            steps.push(node.change(change)?);
        }
        results.rounds.push(steps);
    }
    Ok(results)
}
