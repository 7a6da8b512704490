//! The command-line program.

mod answer;
mod doctor;
mod endpoints;
mod exit;
mod explain;
mod family;
mod finding;
mod input;
mod interrupt;
mod matrix;
mod observe;
mod output;
mod outputs;
mod port;
mod progress;
mod services;
mod snippet;
mod steps;
mod style;
mod test;
mod text;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use conformance::Interrupt;
use exit::{EXIT_CODES, Exit, Failure};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  plumb matrix -f cluster.yaml                 who can reach whom
  plumb explain shop/web shop/db 5432/TCP -f cluster.yaml
                                               why, with the rule's file and line
  plumb test features/                         run scenarios in CI
  plumb observe flows.jsonl --verdict dropped  what was dropped, and by which policy
  kubectl get ns,no,po,netpol -A -o yaml | plumb matrix -f -

A pod is `namespace/name`, a node `node/name`, a host outside the cluster `external/name`, a service
`svc/namespace/name`.
Every flag can be set in the environment, --driver as PLUMB_DRIVER. NO_COLOR turns colours off.
";

/// Does a Kubernetes network do what its manifests say? Tried on this machine's kernel, in seconds.
#[derive(Parser, Debug)]
#[command(name = "plumb", version, max_term_width = 120, after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Matrix(matrix::Arguments),
    Explain(explain::Arguments),
    Test(test::Arguments),
    Observe(Box<observe::Arguments>),
    Steps(steps::Arguments),
    Doctor(doctor::Arguments),
}

fn main() -> ExitCode {
    let matches = with_environment(CommandLine::command()).get_matches();
    let result = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => run(&line.command),
        Err(error) => error.exit(),
    };
    let exit = result.unwrap_or_else(|failure| {
        output::warn(&failure.to_string());
        failure.exit()
    });
    exit.into()
}

/// Lets every flag of every command be set as `PLUMB_` and its name.
fn with_environment(program: clap::Command) -> clap::Command {
    program.mut_subcommands(|command| {
        command.mut_args(|argument| match argument.get_long() {
            None => argument,
            Some(name) => {
                let name = name.to_uppercase().replace('-', "_");
                argument.env(format!("PLUMB_{name}")).hide_env(true)
            }
        })
    })
}

fn run(command: &Command) -> Result<Exit, Failure> {
    let stop = Interrupt::default();
    let stops_in_order = matches!(command, Command::Test(_));
    let waits_itself = matches!(command, Command::Observe(_));
    if !waits_itself {
        interrupt::watch(stops_in_order.then(|| stop.clone()))
            .map_err(|error| Failure::new(Exit::CannotRun, error))?;
    }
    match command {
        Command::Matrix(arguments) => matrix::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Test(arguments) => test::run(arguments, stop),
        Command::Observe(arguments) => observe::run(arguments),
        Command::Steps(arguments) => steps::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
    }
}
