//! What is expected of a probe, and whether its outcome holds it.

use crate::driver::{Fate, Outcome, Verdict, is_served, stray};
use manifest::{Cluster, PolicyName};
use oracle::{Probe, Side};
use std::fmt;

/// What must become of a probe.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Expectation {
    pub(crate) probe: Probe,
    /// `None` accepts every verdict but a lost probe.
    pub(crate) verdict: Option<Expected>,
    pub(crate) egress: Option<ExpectedSide>,
    pub(crate) ingress: Option<ExpectedSide>,
}

/// An expected verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expected {
    /// It arrives and is answered.
    Allowed,
    /// It arrives; where the destination serves the port it is answered too. Audited or not.
    Reaches,
    /// It arrives and is answered, and policies in audit mode would deny it.
    Audited,
    /// It is dropped by policy.
    Denied,
    /// It arrives and nobody listens.
    Refused,
    /// It is dropped, and not by policy.
    Dropped,
}

/// An expected part of one side in the verdict.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum ExpectedSide {
    /// No policy isolates that end.
    NotIsolated,
    /// Some policy isolates that end.
    Isolated,
    /// Allowed by a policy.
    Allowed,
    /// Denied by isolation.
    Denied,
    /// Let through, though policies in audit mode deny it.
    Audited,
    /// Allowed by exactly these policies; sorted.
    AllowedBy(Vec<PolicyName>),
    /// Denied by exactly these policies; sorted.
    DeniedBy(Vec<PolicyName>),
    /// Let through, where exactly these policies would deny it if they were not in audit mode; sorted.
    AuditedBy(Vec<PolicyName>),
}

/// One side of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// The source's policy.
    Egress,
    /// The destination's policy.
    Ingress,
}

impl Direction {
    /// What that side said; `None` if it was not asked.
    pub(crate) const fn of(self, outcome: &Outcome) -> Option<&Side> {
        match self {
            Self::Egress => outcome.egress.as_ref(),
            Self::Ingress => outcome.ingress.as_ref(),
        }
    }

    /// What that side said of a packet; `None` if it was not asked.
    pub(crate) fn of_packet(self, fate: &Fate) -> Option<&Side> {
        match self {
            Self::Egress => fate.egress(),
            Self::Ingress => fate.ingress(),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        })
    }
}

impl Expectation {
    /// An expected verdict, whoever decides.
    pub(crate) fn verdict(probe: Probe, verdict: Expected) -> Self {
        Self {
            probe,
            verdict: Some(verdict),
            egress: None,
            ingress: None,
        }
    }

    /// What one side must say, whatever the verdict.
    pub(crate) fn side(probe: Probe, direction: Direction, side: ExpectedSide) -> Self {
        let (egress, ingress) = match direction {
            Direction::Egress => (Some(side), None),
            Direction::Ingress => (None, Some(side)),
        };
        Self {
            probe,
            verdict: None,
            egress,
            ingress,
        }
    }

    /// Everything in which the outcome is not what is expected; nothing if it holds.
    pub(crate) fn check(&self, cluster: &Cluster, outcome: &Outcome) -> Vec<String> {
        let verdict = self.check_verdict(cluster, outcome.verdict);
        let egress = check_side("egress", self.egress.as_ref(), outcome.egress.as_ref());
        let ingress = check_side("ingress", self.ingress.as_ref(), outcome.ingress.as_ref());
        let backend = stray(cluster, &self.probe, outcome);
        let all = verdict.into_iter().chain(backend);
        all.chain(egress).chain(ingress).collect()
    }

    fn check_verdict(&self, cluster: &Cluster, seen: Verdict) -> Option<String> {
        if seen == Verdict::Lost {
            return Some("lost: neither an answer nor an event".to_owned());
        }
        if seen == Verdict::Dropped && self.verdict.is_none() {
            return Some("dropped, and not by policy".to_owned());
        }
        let expected = self.verdict?;
        let holds = match expected {
            Expected::Allowed => seen == Verdict::Allowed,
            Expected::Audited => seen == Verdict::Audited,
            Expected::Denied => seen == Verdict::Denied,
            Expected::Refused => seen == Verdict::Refused,
            Expected::Dropped => seen == Verdict::Dropped,
            Expected::Reaches if is_served(cluster, &self.probe) => {
                matches!(seen, Verdict::Allowed | Verdict::Audited)
            }
            Expected::Reaches => !matches!(seen, Verdict::Denied | Verdict::Dropped),
        };
        let hint = match (expected, seen) {
            (Expected::Allowed, Verdict::Refused) => {
                " (nobody listens: the destination must declare the port)"
            }
            _ => "",
        };
        (!holds).then(|| format!("expected {expected}, was {seen}{hint}"))
    }
}

impl ExpectedSide {
    /// Whether a side that said this is as expected.
    pub(crate) fn is(&self, seen: &Side) -> bool {
        match (self, seen) {
            (Self::NotIsolated, Side::NotIsolated)
            | (Self::Allowed, Side::Allowed(_))
            | (Self::Denied, Side::Denied(_))
            | (Self::Audited, Side::Audited(_))
            | (Self::Isolated, Side::Allowed(_) | Side::Denied(_) | Side::Audited(_)) => true,
            (Self::AllowedBy(names), Side::Allowed(by))
            | (Self::DeniedBy(names), Side::Denied(by))
            | (Self::AuditedBy(names), Side::Audited(by)) => names == by,
            _ => false,
        }
    }
}

/// A side that was not asked, because the other had denied already, is not compared.
fn check_side(name: &str, expected: Option<&ExpectedSide>, seen: Option<&Side>) -> Option<String> {
    let (expected, seen) = (expected?, seen?);
    (!expected.is(seen)).then(|| format!("{name}: expected {expected}, was {seen}"))
}

/// Names, separated by commas.
pub(crate) fn list(names: &[impl fmt::Display]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allowed | Self::Reaches => "allowed",
            Self::Audited => "audited",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Dropped => "dropped in silence",
        })
    }
}

impl fmt::Display for ExpectedSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotIsolated => f.write_str("not isolated"),
            Self::Isolated => f.write_str("isolated"),
            Self::Allowed => f.write_str("allowed by a policy"),
            Self::Denied => f.write_str("denied by a policy"),
            Self::Audited => f.write_str("audited"),
            Self::AllowedBy(names) => write!(f, "allowed by {}", list(names)),
            Self::DeniedBy(names) => write!(f, "denied by {}", list(names)),
            Self::AuditedBy(names) => write!(f, "audited, denied by {} otherwise", list(names)),
        }
    }
}
