//! The commands CI and developers run: `cargo xtask --help`.

mod check;
mod fuzz;

use clap::{Parser, Subcommand};
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "cargo xtask", max_term_width = 120)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything CI runs: format, lints, the tests of every crate, the scenarios of `features/`
    Check,
    /// The rules of this repository that the compiler does not check
    Tidy,
    /// What the verifier says of each BPF program, against `ci/bench/verifier.json`
    Verify {
        /// Record it as it is now
        #[arg(long)]
        record: bool,
    },
    /// The speed of a packet, of changes, of logging and of the harness, the goals beside; also writes `ci/bench/*.json`
    Bench {
        /// How often each measurement is taken; the median counts
        #[arg(long, default_value_t = 7)]
        rounds: u32,
        /// A folder of case files to time beside our own
        #[arg(long, value_name = "DIR")]
        corpus: Option<PathBuf>,
    },
    /// Searches for bytes that break a property of `ci/fuzz`, starting from `fixtures/fuzz/TARGET`
    Fuzz {
        /// `packet`, `manifest` or `event`
        target: String,
        /// How long to search
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
}

fn main() -> anyhow::Result<()> {
    match CommandLine::parse().command {
        Command::Check => check::everything(),
        Command::Tidy => check::tidy(),
        Command::Verify { record } => check::verify(record),
        Command::Bench { rounds, corpus } => check::bench(rounds, corpus.as_deref()),
        Command::Fuzz { target, seconds } => fuzz::search(&target, seconds),
    }
}
