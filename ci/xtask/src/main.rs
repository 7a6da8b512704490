//! The commands CI and developers run: `cargo xtask --help`.

mod check;

use clap::{Parser, Subcommand};

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
}

fn main() -> anyhow::Result<()> {
    match CommandLine::parse().command {
        Command::Check => check::everything(),
        Command::Tidy => check::tidy(),
        Command::Verify { record } => check::verify(record),
    }
}
