//! `plumb observe`: flows from a file or a stream.

mod input;
mod lines;
mod printer;
mod selection;
mod session;
mod tally;
mod words;

use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::output::{print, warn};
use anyhow::{Context, anyhow};
use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use flow::metrics::{Metrics, MetricsServer};
use input::{Input, Turn};
use selection::Selection;
use session::Session;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

const EXAMPLES: &str = "\
Examples:
  plumb observe flows.jsonl                       every flow, one a line
  plumb observe flows.jsonl --verdict dropped -o table
                                                  what was dropped, why, and by which policy
  plumb observe flows.jsonl --to-pod shop/db --port 5432 --last 20
  plumb observe flows.jsonl --follow -n shop      what comes, until Ctrl-C
  hubble observe -f -o jsonpb | plumb observe - --label app=web --verdict dropped,audit
  hubble observe -f -o jsonpb | plumb observe - --metrics-listen 127.0.0.1:9965 > /dev/null
                                                  a cluster's flows as metrics for Prometheus
  plumb observe flows.jsonl --since 5m -o json | jq .flow.ingress_denied_by

Several values of one flag are alternatives; all flags must hold.
";

/// Show flows: who talked to whom, what became of it, and which policies decided
#[derive(clap::Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    /// Flows as JSON lines, in the shape of `hubble observe -o jsonpb`; - for standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Only the last flows that are selected
    #[arg(long, value_name = "N")]
    last: Option<NonZeroUsize>,
    /// At the end of the file wait for more, until Ctrl-C
    #[arg(short = 'w', long, visible_alias = "watch", value_parser = BoolishValueParser::new())]
    follow: bool,
    /// The form of the output: compact (a line a flow), table, or json (the lines as they came)
    #[arg(short, long, value_name = "FORMAT", default_value = "compact")]
    output: Format,
    /// Serve what the selected flows come to as metrics for Prometheus, below /metrics; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    #[command(flatten)]
    selection: Selection,
}

/// A form of the output.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    Compact,
    Table,
    Json,
}

/// How observing ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    /// There is nothing more, or nobody reads it.
    Complete,
    /// The user stopped it.
    Interrupted,
}

/// Runs the command.
///
/// # Errors
/// When the input cannot be read, a line of it is no flow, or the output cannot be written.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let name = arguments.file.display();
    let cannot_read = || format!("{name}: cannot be read");
    let mut input = Input::open(&arguments.file, arguments.follow).with_context(cannot_read)?;
    let mut session = Session::new(arguments);
    let _server = serve(arguments.metrics_listen, &session.metrics)?;
    let mut ended = Ok(Ending::Complete);
    print(|out| {
        ended = observe(&mut input, &mut session, out)?;
        out.flush()
    })?;
    let ending = ended.with_context(cannot_read)?;
    warn(&session.tally.summary());
    match ending {
        Ending::Interrupted => Ok(Exit::Interrupted),
        Ending::Complete if session.tally.refused > 0 => Err(no_flows(session.tally.refused)),
        Ending::Complete => Ok(Exit::Passed),
    }
}

/// Serves the metrics, if that is asked for, until the command ends.
fn serve(
    address: Option<SocketAddr>,
    metrics: &Arc<Metrics>,
) -> Result<Option<MetricsServer>, Failure> {
    let Some(address) = address else {
        return Ok(None);
    };
    let metrics = Arc::clone(metrics);
    let server = MetricsServer::start(address, move || metrics.text())
        .map_err(|error| Failure::new(Exit::BadInput, anyhow!(error)))?;
    warn(&format!("metrics at http://{}/metrics\n", server.address()));
    Ok(Some(server))
}

fn no_flows(lines: u64) -> Failure {
    let counted = match lines {
        1 => anyhow!("1 line is no flow"),
        _ => anyhow!("{lines} lines are no flows"),
    };
    Failure::from(counted).help("a flow is a line as `hubble observe -o jsonpb` prints it")
}

/// Shows what comes, until it ends. The outer error is about the output, the inner one about the input.
fn observe(
    input: &mut Input,
    session: &mut Session,
    out: &mut dyn Write,
) -> io::Result<io::Result<Ending>> {
    loop {
        match input.next() {
            Ok(Turn::Bytes(bytes)) => session.take(bytes, out)?,
            Ok(Turn::Pause) => {
                if input.is_at_its_end() {
                    session.catch_up(out)?;
                }
                session.pause(out)?;
            }
            Ok(Turn::End) => {
                session.end(out)?;
                return Ok(Ok(Ending::Complete));
            }
            Ok(Turn::NobodyReads) => return Ok(Ok(Ending::Complete)),
            Ok(Turn::Interrupt) => {
                session.pause(out)?;
                return Ok(Ok(Ending::Interrupted));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
}
