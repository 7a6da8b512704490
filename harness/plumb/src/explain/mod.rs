//! `plumb explain`: why a connection is allowed or denied.

mod behind;
mod end;
mod open;
mod report;
mod side;
mod through;
mod way;

use crate::answer::{Answer, Judge};
use crate::endpoints;
use crate::exit::{EXIT_CODES, Exit, Failure};
use crate::family::Family;
use crate::input::{Loaded, Manifests};
use crate::output::print;
use crate::port::PortSpec;
use crate::services;
use anyhow::anyhow;
use conformance::driver::Verdict;
use manifest::EndpointName;
use oracle::service::Roll;
use oracle::{Explanation, Probe};
use std::io::{self, Write};
use std::net::IpAddr;
use through::Through;

const EXAMPLES: &str = "\
Examples:
  plumb explain shop/web shop/db 5432/TCP -f cluster.yaml
  plumb explain web db 5432 -n shop -f cluster.yaml         the same
  plumb explain external/laptop shop/web 443 -f manifests/  from outside
  plumb explain node/a shop/web icmp -f manifests/          ping from a node
  plumb explain shop/web svc/shop/db 5432 -f manifests/     through a service, by each backend of it
  kubectl get ns,no,po,netpol -A -o yaml | plumb explain shop/web shop/db 5432 -f -
";

/// Explain why a connection is allowed or denied: policies, rules, lines
#[derive(clap::Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Arguments {
    /// Who connects: namespace/name for a pod, node/NAME, external/NAME
    from: String,
    /// To whom: as FROM, or svc/namespace/name for a service
    to: String,
    /// The port and protocol: 80/TCP, 53/UDP, icmp; a number alone is TCP
    #[arg(value_name = "PORT/PROTO")]
    port: PortSpec,
    #[command(flatten)]
    manifests: Manifests,
    #[command(flatten)]
    judge: Judge,
    /// The namespace of pods that are named without one
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// The address family; IPv4 where both ends have it, without this flag
    #[arg(long, value_name = "4|6|both", hide_possible_values = true)]
    family: Option<Family>,
}

/// A verdict with everything that speaks for it.
struct Case<'a> {
    loaded: &'a Loaded,
    judge: Judge,
    answer: Answer,
    explanation: Explanation,
}

/// What there is to tell of one probe.
enum Story<'a> {
    Direct(Case<'a>),
    Through(Through<'a>),
}

impl Story<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Direct(case) => report::write(out, case),
            Self::Through(through) => through::write(out, through),
        }
    }

    fn is_sound(&self) -> bool {
        match self {
            Self::Direct(case) => case.is_sound(),
            Self::Through(through) => through.is_sound(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When the input cannot be used, the machine cannot run the driver, or the probe was lost.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let loaded = arguments.manifests.load()?;
    let stories = stories(arguments, &loaded)?;
    print(|out| {
        stories.iter().enumerate().try_for_each(|(index, story)| {
            if index > 0 {
                writeln!(out)?;
            }
            story.write(out)
        })
    })?;
    Ok(if stories.iter().all(Story::is_sound) {
        Exit::Passed
    } else {
        Exit::Failed
    })
}

impl Case<'_> {
    /// Whether there is a verdict, and it is that of the API text.
    fn is_sound(&self) -> bool {
        self.answer.outcome.verdict != Verdict::Lost && self.agrees()
    }

    /// Whether the driver says what the text of the API says, and the destination sees whom it must.
    fn agrees(&self) -> bool {
        let outcome = &self.answer.outcome;
        let is_denied = outcome.verdict == Verdict::Denied;
        let is_seen_so = outcome
            .seen_from
            .is_none_or(|seen| seen == self.seen_from());
        is_denied != self.explanation.judgement.is_allowed() && is_seen_so
    }

    /// The address of the sender that the destination is to see.
    fn seen_from(&self) -> IpAddr {
        let cluster = &self.loaded.cluster;
        let Probe { from, address, .. } = &self.answer.probe;
        let masquerade = self.judge.mode().masquerade(cluster);
        oracle::seen_from(cluster, masquerade.as_ref(), from, self.source(), *address)
    }

    /// The address of its node that a pod has outside, if it is masqueraded.
    fn node_address(&self) -> Option<IpAddr> {
        let seen = self.seen_from();
        (seen != self.source()).then_some(seen)
    }

    /// The sender's own address.
    fn source(&self) -> IpAddr {
        let Probe { from, address, .. } = &self.answer.probe;
        let own = self.loaded.cluster.addresses(from).unwrap_or_default();
        let of_family = own.iter().find(|own| own.is_ipv4() == address.is_ipv4());
        of_family.unwrap_or(*address)
    }
}

fn stories<'a>(arguments: &Arguments, loaded: &'a Loaded) -> Result<Vec<Story<'a>>, Failure> {
    let probes = probes(arguments, loaded)?;
    let answers = arguments.judge.ask(&loaded.cluster, &probes)?;
    let story = |answer: Answer| {
        let asked = services::asked(&loaded.cluster, &answer.probe);
        let roll = asked.and_then(|asked| oracle::service::roll(&loaded.cluster, &asked));
        match roll {
            None => Ok(Story::Direct(case(arguments, loaded, answer)?)),
            Some(roll) => Ok(Story::Through(through(arguments, loaded, answer, roll)?)),
        }
    };
    answers.into_iter().map(story).collect()
}

fn case<'a>(
    arguments: &Arguments,
    loaded: &'a Loaded,
    answer: Answer,
) -> Result<Case<'a>, Failure> {
    let mode = arguments.judge.ip_block;
    let explanation = oracle::explain(&loaded.cluster, mode, &answer.probe);
    Ok(Case {
        loaded,
        judge: arguments.judge,
        explanation: explanation.map_err(|error| Failure::new(Exit::BadInput, error))?,
        answer,
    })
}

fn through<'a>(
    arguments: &Arguments,
    loaded: &'a Loaded,
    answer: Answer,
    roll: Roll,
) -> Result<Through<'a>, Failure> {
    let ways = answer.ways.iter().cloned();
    let ways = ways.map(|way| case(arguments, loaded, way));
    Ok(Through {
        loaded,
        judge: arguments.judge,
        ways: ways.collect::<Result<_, _>>()?,
        roll,
        answer,
    })
}

/// One probe an address.
fn probes(arguments: &Arguments, loaded: &Loaded) -> Result<Vec<Probe>, Failure> {
    let cluster = &loaded.cluster;
    let namespace = arguments.namespace.as_deref();
    let from = endpoints::find(cluster, &arguments.from, namespace)?;
    services::check_source(&from)?;
    let to = endpoints::find(cluster, &arguments.to, namespace)?;
    if let EndpointName::Service(name) = &to {
        services::check(cluster, &from, name, arguments.port)?;
    }
    let family = arguments.family.unwrap_or(Family::Both);
    let mut addresses = endpoints::reachable(cluster, &from, &to, family);
    if arguments.family.is_none() {
        addresses.truncate(1);
    }
    if addresses.is_empty() {
        let error = anyhow!("{from} and {to} have no addresses of the same family");
        return Err(error.into());
    }
    let probe = |address: IpAddr| Probe {
        from: from.clone(),
        to: to.clone(),
        address,
        protocol: arguments.port.protocol,
        port: arguments.port.port,
    };
    Ok(addresses.into_iter().map(probe).collect())
}
