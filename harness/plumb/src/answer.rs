//! Asking a driver, and what an answer says.

use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::port::PortSpec;
use crate::progress::Progress;
use crate::services::Ends;
use anyhow::Context;
use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use conformance::driver::{
    self, DriverKind, DropReason, Mode, Outcome, Routing, ServiceAt, Verdict,
};
use conformance::{Observer, Outputs};
use lab::LabError;
use manifest::{Cluster, EndpointName, IpBlockMode, PolicyName};
use oracle::{Probe, Side};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;

/// Probes between two looks at how far the work is.
const BATCH: usize = 1024;

/// The flags that choose who judges and how.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Judge {
    /// Who judges: kernel sends real packets through the eBPF programs (needs root), simulate runs the same
    /// programs in-process (no root), oracle only reads the policies (no root, any system)
    #[arg(long, value_name = "DRIVER", default_value = "kernel", value_parser = driver_kind(), hide_possible_values = true)]
    pub(crate) driver: DriverKind,
    /// What an ipBlock may match: any address, as the API says, or only addresses external to the cluster, as
    /// GKE Dataplane V2 and Cilium do
    #[arg(long, value_name = "any|external", default_value = "any", value_parser = ip_block_mode(), hide_possible_values = true)]
    pub(crate) ip_block: IpBlockMode,
    /// How packets get from node to node: as they are, or in VXLAN tunnels that tell who sends
    #[arg(long, value_name = "native|vxlan", default_value = "native", value_parser = routing(), hide_possible_values = true)]
    pub(crate) routing: Routing,
    /// What pods send out of the cluster leaves with their node's address, but to private networks (RFC 1918); the
    /// configuration of the ip-masq-agent among the manifests says so too, and how
    #[arg(long, value_parser = BoolishValueParser::new())]
    pub(crate) masquerade: bool,
    /// Where services get their backends: in each packet, or at the sockets of pods (kernel driver)
    #[arg(long, value_name = "packet|socket", default_value = "packet", value_parser = service_at(), hide_possible_values = true)]
    pub(crate) service_at: ServiceAt,
    /// The longest packet that links between nodes take, in bytes from the IP header on (kernel driver); pods' links
    /// take what fits with --routing
    #[arg(long, value_name = "BYTES", default_value_t = lab::ETHERNET_MTU, hide_default_value = true)]
    pub(crate) mtu: u32,
}

/// Parses the name of a driver.
pub(crate) fn driver_kind() -> impl TypedValueParser<Value = DriverKind> {
    let names = DriverKind::ALL.map(|kind| PossibleValue::new(kind.name()));
    PossibleValuesParser::new(names).try_map(|name| name.parse::<DriverKind>())
}

fn ip_block_mode() -> impl TypedValueParser<Value = IpBlockMode> {
    PossibleValuesParser::new(["any", "external"]).map(|name| match name.as_str() {
        "any" => IpBlockMode::Any,
        _ => IpBlockMode::External,
    })
}

fn routing() -> impl TypedValueParser<Value = Routing> {
    PossibleValuesParser::new(["native", "vxlan"]).map(|name| match name.as_str() {
        "vxlan" => Routing::Vxlan,
        _ => Routing::Native,
    })
}

fn service_at() -> impl TypedValueParser<Value = ServiceAt> {
    let names = ServiceAt::ALL.map(ServiceAt::name);
    PossibleValuesParser::new(names).map(|name| {
        let mut all = ServiceAt::ALL.into_iter();
        all.find(|it| it.name() == name).unwrap_or_default()
    })
}

impl Judge {
    /// What is left open about the network.
    pub(crate) const fn mode(self) -> Mode {
        Mode {
            ip_block: self.ip_block,
            routing: self.routing,
            masquerade: self.masquerade,
            service_at: self.service_at,
            mtu: self.mtu,
        }
    }

    /// Applies `cluster` and tries `probes`; the answers are in the same order. Each backend that a service may choose is
    /// asked itself, too.
    ///
    /// # Errors
    /// When the machine cannot run the driver or hold the cluster.
    pub(crate) fn ask(self, cluster: &Cluster, probes: &[Probe]) -> Result<Vec<Answer>, Failure> {
        self.ask_observed(cluster, probes, &Outputs::default(), "")
    }

    /// The same, and writes down what is observed in files named after `title`.
    ///
    /// # Errors
    /// As [`Judge::ask`], and when a file cannot be written.
    pub(crate) fn ask_observed(
        self,
        cluster: &Cluster,
        probes: &[Probe],
        outputs: &Outputs,
        title: &str,
    ) -> Result<Vec<Answer>, Failure> {
        let ends = Ends::new(cluster);
        let ways = probes.iter().map(|probe| ends.ways(cluster, probe));
        let ways: Vec<Vec<Probe>> = ways.collect();
        let beside: BTreeSet<&Probe> = ways.iter().flatten().collect();
        let tried: Vec<Probe> = probes.iter().chain(beside).cloned().collect();
        let outcomes = self.try_all(cluster, &tried, outputs, title)?;
        let (own, beside) = outcomes.split_at(probes.len());
        let beside: BTreeMap<&Probe, &Outcome> = tried[probes.len()..].iter().zip(beside).collect();
        let way = |probe: Probe| Answer {
            outcome: beside[&probe].clone(),
            probe,
            ways: Vec::new(),
        };
        let answers = probes.iter().zip(own).zip(ways);
        Ok(answers
            .map(|((probe, outcome), ways)| Answer {
                probe: probe.clone(),
                outcome: outcome.clone(),
                ways: ways.into_iter().map(way).collect(),
            })
            .collect())
    }

    fn try_all(
        self,
        cluster: &Cluster,
        probes: &[Probe],
        outputs: &Outputs,
        title: &str,
    ) -> Result<Vec<Outcome>, Failure> {
        let cannot = |error: anyhow::Error| Failure::new(Exit::CannotRun, error);
        let mut driver = self.open()?;
        let observer = Observer::open(outputs, title, driver.as_mut());
        let mut observer = observer.map_err(|error| Failure::new(Exit::BadInput, error))?;
        driver
            .apply(cluster)
            .with_context(|| format!("the {} driver cannot hold this cluster", self.driver))
            .map_err(cannot_hold)?;
        let mut progress = Progress::of(probes.len());
        let mut outcomes = Vec::with_capacity(probes.len());
        for batch in probes.chunks(BATCH) {
            let tried = driver
                .probe(batch)
                .with_context(|| format!("the {} driver cannot send these probes", self.driver))
                .map_err(cannot)?;
            outcomes.extend(tried);
            observer.observe(driver.as_mut()).map_err(cannot)?;
            progress.advance(batch.len());
        }
        Ok(outcomes)
    }

    fn open(self) -> Result<Box<dyn driver::Driver + Send>, Failure> {
        driver::open(self.driver, self.mode()).map_err(cannot_open)
    }
}

/// What to say when a driver cannot hold a cluster.
fn cannot_hold(error: anyhow::Error) -> Failure {
    let is_about_length = |cause: &(dyn Error + 'static)| {
        use LabError::{MtuTooBig, MtuTooSmall};
        let cause = cause.downcast_ref::<LabError>();
        matches!(cause, Some(MtuTooBig { .. } | MtuTooSmall { .. }))
    };
    if error.chain().any(is_about_length) {
        let failure = Failure::new(Exit::BadInput, error);
        return failure.help(
            "--mtu is what links between nodes take; a cluster without IPv6 addresses and --routing native need less",
        );
    }
    Failure::new(Exit::CannotRun, error)
}

/// What to say when the machine cannot run a driver.
pub(crate) fn cannot_open(error: driver::OpenError) -> Failure {
    let kind = error.kind;
    let failure = Failure::new(Exit::CannotRun, error);
    match kind {
        DriverKind::Kernel => failure.help(
            "`--driver simulate` works here: the same programs over the same tables, in-process, without root; \
             `plumb doctor` says what this machine lacks",
        ),
        DriverKind::Simulate | DriverKind::Oracle => failure,
    }
}

/// A probe and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    /// What was asked.
    pub(crate) probe: Probe,
    /// What happened.
    pub(crate) outcome: Outcome,
    /// What each backend says that a service may choose for it; none of what goes to no service.
    pub(crate) ways: Vec<Answer>,
}

/// A side of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Direction {
    /// The source's side.
    Egress,
    /// The destination's side.
    Ingress,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        })
    }
}

impl Answer {
    /// The protocol and port that were tried.
    pub(crate) fn port(&self) -> PortSpec {
        PortSpec {
            protocol: self.probe.protocol,
            port: self.probe.port,
        }
    }

    /// What all that happened comes to.
    pub(crate) fn finding(&self) -> Finding {
        let ways = self.ways.iter().map(|way| way.outcome.verdict);
        let verdicts: BTreeSet<Verdict> = ways.chain([self.outcome.verdict]).collect();
        let nobody = [DropReason::NoServiceBackend, DropReason::NoServicePort];
        match self.outcome.reason {
            _ if verdicts.contains(&Verdict::Lost) => Finding::Lost,
            _ if verdicts.len() > 1 => Finding::Mixed,
            Some(reason) if nobody.contains(&reason) => Finding::Unserved,
            _ => self.outcome.verdict.into(),
        }
    }

    /// Whether a service chose somebody whom it may not choose for this client.
    pub(crate) fn is_stray(&self) -> bool {
        let is_at = |way: &Self, end: SocketAddr| {
            (way.probe.address, way.probe.port) == (end.ip(), Some(end.port()))
        };
        let chosen = self.outcome.backend;
        chosen.is_some_and(|end| !self.ways.iter().any(|way| is_at(way, end)))
    }

    /// The verdict in a word.
    pub(crate) fn verdict(&self) -> &'static str {
        self.finding().word()
    }

    /// What policies judged: of a service, each backend that it may choose; else the connection itself.
    pub(crate) fn judged(&self) -> impl Iterator<Item = &Self> {
        let own = self.ways.is_empty().then_some(self);
        own.into_iter().chain(&self.ways)
    }

    /// The side whose policies denied it; `None` if that depends on the backend.
    pub(crate) fn denied_at(&self) -> Option<Direction> {
        let mut sides = self.judged().map(Self::denying_side);
        let first = sides.next().flatten();
        first.filter(|first| sides.all(|side| side == Some(*first)))
    }

    fn denying_side(&self) -> Option<Direction> {
        let denies = |side: &Option<Side>| matches!(side, Some(Side::Denied(_)));
        if denies(&self.outcome.egress) {
            Some(Direction::Egress)
        } else if denies(&self.outcome.ingress) {
            Some(Direction::Ingress)
        } else {
            None
        }
    }

    /// What one side says, if it was asked.
    pub(crate) fn side(&self, direction: Direction) -> Option<&Side> {
        match direction {
            Direction::Egress => self.outcome.egress.as_ref(),
            Direction::Ingress => self.outcome.ingress.as_ref(),
        }
    }

    /// The end on that side.
    pub(crate) const fn end(&self, direction: Direction) -> &EndpointName {
        match direction {
            Direction::Egress => &self.probe.from,
            Direction::Ingress => &self.probe.to,
        }
    }

    /// The policies that decided, sorted: those that deny it; else those in audit mode that would deny it; else all
    /// that allow it on either side.
    pub(crate) fn policies(&self) -> Vec<&PolicyName> {
        let deciders = |said: fn(&Side) -> Option<&Vec<PolicyName>>| -> BTreeSet<&PolicyName> {
            let outcomes = self.judged().map(|way| &way.outcome);
            let sides = outcomes.flat_map(|it| [&it.egress, &it.ingress]).flatten();
            sides.filter_map(said).flatten().collect()
        };
        let ranks = [denying, auditing, allowing].map(deciders);
        let decided = ranks.into_iter().find(|policies| !policies.is_empty());
        decided.unwrap_or_default().into_iter().collect()
    }

    /// Why it was dropped, or how it came to pass.
    pub(crate) fn reason(&self) -> &'static str {
        let reasons: BTreeSet<_> = self.judged().map(|way| way.outcome.reason).collect();
        match (self.outcome.reason, self.outcome.verdict) {
            _ if reasons.len() > 1 || self.finding() == Finding::Mixed => "backends differ",
            (Some(reason), _) => reason.name(),
            (None, Verdict::Lost) => "no answer and no event",
            (None, Verdict::Audited) => "audit mode",
            (None, _) if self.policies().is_empty() => "no policy",
            (None, _) => "rules",
        }
    }
}

fn denying(side: &Side) -> Option<&Vec<PolicyName>> {
    match side {
        Side::Denied(policies) => Some(policies),
        _ => None,
    }
}

fn auditing(side: &Side) -> Option<&Vec<PolicyName>> {
    match side {
        Side::Audited(policies) => Some(policies),
        _ => None,
    }
}

fn allowing(side: &Side) -> Option<&Vec<PolicyName>> {
    match side {
        Side::Allowed(policies) => Some(policies),
        _ => None,
    }
}

/// `shop/web → shop/db 5432/TCP (10.0.0.3)`.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Probe {
            from, to, address, ..
        } = &self.probe;
        write!(f, "{from} → {to} {} ({address})", self.port().long())
    }
}

/// An answer that no driver gave, from shop/web to shop/db; where it is denied, by the policy shop/deny at ingress.
#[cfg(test)]
pub(crate) fn made_up(address: &str, port: &str, verdict: Verdict) -> Answer {
    let PortSpec { protocol, port } = port.parse().unwrap();
    let is_denied = verdict == Verdict::Denied;
    let deny = || Side::Denied(vec!["shop/deny".parse().unwrap()]);
    Answer {
        probe: Probe {
            from: EndpointName::pod("shop", "web"),
            to: EndpointName::pod("shop", "db"),
            address: address.parse().unwrap(),
            protocol,
            port,
        },
        outcome: Outcome {
            verdict,
            egress: Some(Side::NotIsolated),
            ingress: Some(if is_denied { deny() } else { Side::NotIsolated }),
            reason: is_denied.then_some(DropReason::PolicyDeniedIngress),
            seen_from: None,
            backend: None,
            generation: 7,
        },
        ways: Vec::new(),
    }
}

/// The same through a service, where the backends say this and the first is the one that it chose.
#[cfg(test)]
pub(crate) fn made_up_through(backends: &[Verdict]) -> Answer {
    let ways = backends.iter().zip(1..).map(|(verdict, number)| {
        let mut way = made_up(&format!("10.0.0.{number}"), "8080", *verdict);
        way.probe.to = EndpointName::pod("shop", format!("db-{number}"));
        way
    });
    let ways: Vec<Answer> = ways.collect();
    let mut answer = made_up("10.96.0.1", "80", backends[0]);
    answer.probe.to = "svc/shop/db".parse().unwrap();
    answer.outcome = ways[0].outcome.clone();
    answer.ways = ways;
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use Verdict::{Allowed, Audited, Denied, Lost, Refused};

    #[track_caller]
    fn check(backends: &[Verdict], expected: Finding) {
        assert_eq!(made_up_through(backends).finding(), expected);
    }

    #[test]
    fn backends_that_say_the_same_say_what_the_service_says() {
        for verdict in [Allowed, Audited, Denied, Refused] {
            check(&[verdict, verdict], verdict.into());
        }
    }

    #[test]
    fn backends_that_differ_are_told_whichever_was_chosen() {
        check(&[Allowed, Denied], Finding::Mixed);
        check(&[Denied, Allowed], Finding::Mixed);
        check(&[Allowed, Audited], Finding::Mixed);
        check(&[Allowed, Lost], Finding::Lost);
        let mixed = made_up_through(&[Allowed, Denied]);
        assert_eq!(mixed.denied_at(), None);
        assert_eq!(mixed.reason(), "backends differ");
        assert_eq!(mixed.policies(), [&"shop/deny".parse().unwrap()]);
    }

    #[test]
    fn a_service_that_says_what_its_backend_does_not_is_no_verdict() {
        let mut answer = made_up_through(&[Denied]);
        answer.outcome.verdict = Allowed;
        assert_eq!(answer.finding(), Finding::Mixed);
    }

    #[test]
    fn a_service_may_choose_its_backends_and_nobody_else() {
        let mut answer = made_up_through(&[Allowed, Allowed]);
        answer.outcome.backend = Some("10.0.0.2:8080".parse().unwrap());
        assert!(!answer.is_stray());
        answer.outcome.backend = Some("10.0.0.3:8080".parse().unwrap());
        assert!(answer.is_stray());
    }

    #[test]
    fn refused_without_a_backend_is_not_refused_by_one() {
        let mut answer = made_up("10.96.0.1", "80", Refused);
        assert_eq!(answer.finding(), Finding::Refused);
        answer.outcome.reason = Some(DropReason::NoServiceBackend);
        assert_eq!(answer.finding(), Finding::Unserved);
        assert_eq!(answer.verdict(), "refused");
    }

    #[test]
    fn denied_at_one_side_by_every_backend_is_denied_there() {
        let denied = made_up_through(&[Denied, Denied]);
        assert_eq!(denied.denied_at(), Some(Direction::Ingress));
    }
}
