//! The expected verdicts of a case.

use super::schema::ExpectText;
use crate::judge::{Expectation, Expected, ExpectedSide};
use crate::target::Service;
use anyhow::Context;
use manifest::{EndpointName, IpBlockMode};
use oracle::Probe;
use serde::Deserialize;

/// What a connection comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// It arrives; a served port answers.
    Allow,
    /// It is dropped.
    Deny,
}

/// What one side says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum SideText {
    /// No policy isolates it.
    None,
    /// A policy allows it.
    Allow,
    /// Isolated, and no rule matches.
    Deny,
    /// Denied, but by policies in audit mode only.
    Audit,
}

/// The expected verdict of one connection at one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Expect {
    /// Which step, from 1.
    pub(super) step: usize,
    from: EndpointName,
    to: EndpointName,
    service: Service,
    verdict: Verdict,
    egress: Option<SideText>,
    ingress: Option<SideText>,
    external: Option<Verdict>,
}

impl Expect {
    /// The expectation that is written there.
    pub(super) fn read(text: &ExpectText, service: Service) -> anyhow::Result<Self> {
        Ok(Self {
            step: text.step,
            from: end(&text.from)?,
            to: end(&text.to)?,
            service,
            verdict: text.verdict,
            egress: text.egress,
            ingress: text.ingress,
            external: text.verdict_cilium,
        })
    }

    /// Which connection it is about.
    pub(super) fn connection(&self) -> (EndpointName, EndpointName, Service) {
        (self.from.clone(), self.to.clone(), self.service)
    }

    /// What must become of the probe in this mode. The sides are those of the default mode: where the other mode
    /// comes to another verdict they say nothing.
    pub(super) fn expectation(&self, probe: Probe, mode: IpBlockMode) -> Expectation {
        let verdict = match mode {
            IpBlockMode::Any => self.verdict,
            IpBlockMode::External => self.external.unwrap_or(self.verdict),
        };
        let side = |side: Option<SideText>| {
            side.filter(|_| verdict == self.verdict)
                .map(SideText::expected)
        };
        Expectation {
            probe,
            verdict: Some(verdict.expected()),
            egress: side(self.egress),
            ingress: side(self.ingress),
        }
    }
}

/// What must become of a probe that is not listed: allowed, no policy involved.
pub(super) fn unlisted(probe: Probe, default: Option<Verdict>) -> Expectation {
    let side = default.map(|_| ExpectedSide::NotIsolated);
    Expectation {
        probe,
        verdict: default.map(Verdict::expected),
        egress: side.clone(),
        ingress: side,
    }
}

impl Verdict {
    const fn expected(self) -> Expected {
        match self {
            Self::Allow => Expected::Reaches,
            Self::Deny => Expected::Denied,
        }
    }
}

impl SideText {
    const fn expected(self) -> ExpectedSide {
        match self {
            Self::None => ExpectedSide::NotIsolated,
            Self::Allow => ExpectedSide::Allowed,
            Self::Deny => ExpectedSide::Denied,
            Self::Audit => ExpectedSide::Audited,
        }
    }
}

/// `namespace/pod`, `node:NAME` or `ext:NAME`.
fn end(text: &str) -> anyhow::Result<EndpointName> {
    if let Some(name) = text.strip_prefix("node:") {
        return Ok(EndpointName::Node(name.to_owned()));
    }
    if let Some(name) = text.strip_prefix("ext:") {
        return Ok(EndpointName::External(name.to_owned()));
    }
    let end = text.parse().ok();
    end.with_context(|| format!("`{text}` is no end: write namespace/pod, node:NAME or ext:NAME"))
}
