//! Probes to services, as the oracle sees them.

use super::served::is_served;
use super::{Outcome, Verdict};
use crate::evidence::name;
use abi::DropReason;
use anyhow::{Context as _, bail};
use manifest::{Cluster, EndpointName};
use oracle::service::{self, Answer, Asked};
use oracle::{Probe, Side};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Who answers for a service.
pub(super) enum Chosen {
    /// This backend, to which the probe really goes.
    Backend(SocketAddr, Probe),
    /// Who asks; and whether it serves the port.
    Itself(bool),
    /// Nobody, for this reason.
    Nobody(DropReason),
}

/// Who answers a probe to a service: the backend that was chosen, if it is one of those that may be.
pub(super) fn choose(
    cluster: &Cluster,
    probe: &Probe,
    backend: Option<SocketAddr>,
) -> anyhow::Result<Chosen> {
    let backends = match serve(cluster, probe)? {
        Answer::Served(backends) => backends.active,
        Answer::NoBackend(_) => return Ok(Chosen::Nobody(DropReason::NoServiceBackend)),
        Answer::NoPort => return Ok(Chosen::Nobody(DropReason::NoServicePort)),
        Answer::NotHere(_) | Answer::NotVirtual => bail!("{} is not there", name(probe)),
    };
    let chosen = backend.filter(|backend| backends.contains(backend));
    let own = own_end(cluster, probe, &backends).filter(|_| backend.is_none());
    let any = || backends.first().copied();
    let chosen = chosen.or(own).or_else(any).context("no backend")?;
    let to = endpoint_at(cluster, chosen.ip())
        .with_context(|| format!("nobody is at {chosen}, a backend of {}", probe.to))?;
    let really = Probe {
        to,
        address: chosen.ip(),
        port: Some(chosen.port()),
        ..probe.clone()
    };
    let is_itself = is_own(cluster, &probe.from, chosen.ip());
    Ok(if is_itself {
        Chosen::Itself(is_served(cluster, &really))
    } else {
        Chosen::Backend(chosen, really)
    })
}

/// Who may answer a probe to a service.
fn serve(cluster: &Cluster, probe: &Probe) -> anyhow::Result<Answer> {
    let port = probe.port.with_context(|| {
        format!(
            "{} is a service: ask it by TCP, UDP or SCTP, at a port",
            probe.to
        )
    })?;
    let at = match &probe.from {
        EndpointName::Pod(name) => cluster.pods.get(name).map(|pod| pod.node.clone()),
        EndpointName::Node(name) => Some(name.clone()),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    };
    Ok(service::serve(
        cluster,
        &Asked {
            from: probe.from.clone(),
            at: at.with_context(|| format!("{} is in no cluster", probe.from))?,
            address: probe.address,
            protocol: probe.protocol,
            port,
        },
    ))
}

/// The backends that may answer a probe; none if nobody may.
pub(crate) fn backends(cluster: &Cluster, probe: &Probe) -> BTreeSet<SocketAddr> {
    match serve(cluster, probe) {
        Ok(Answer::Served(backends)) => backends.active,
        _ => BTreeSet::new(),
    }
}

/// What is wrong with the backend that was chosen; nothing of what goes to no service, or of one that nobody answered for.
pub(crate) fn stray(cluster: &Cluster, probe: &Probe, outcome: &Outcome) -> Option<String> {
    let is_answered = matches!(outcome.verdict, Verdict::Allowed | Verdict::Audited);
    if !matches!(probe.to, EndpointName::Service(_)) {
        return None;
    }
    let backends = backends(cluster, probe);
    let is_right = match outcome.backend {
        Some(backend) => backends.contains(&backend),
        None => !is_answered || own_end(cluster, probe, &backends).is_some(),
    };
    let chosen = outcome
        .backend
        .map_or_else(|| "nobody".to_owned(), |it| it.to_string());
    let backends: Vec<String> = backends.iter().map(ToString::to_string).collect();
    (!is_right).then(|| {
        format!(
            "{} was answered by {chosen}: its backends are {}",
            probe.to,
            if backends.is_empty() {
                "none".to_owned()
            } else {
                backends.join(", ")
            }
        )
    })
}

/// Of a pod that is one of the backends: no node says that it was chosen for itself.
fn own_end(
    cluster: &Cluster,
    probe: &Probe,
    backends: &BTreeSet<SocketAddr>,
) -> Option<SocketAddr> {
    let mut backends = backends.iter().copied();
    backends.find(|backend| is_own(cluster, &probe.from, backend.ip()))
}

fn is_own(cluster: &Cluster, end: &EndpointName, address: IpAddr) -> bool {
    let own = cluster.addresses(end);
    own.is_some_and(|own| own.contains(address))
}

fn endpoint_at(cluster: &Cluster, address: IpAddr) -> Option<EndpointName> {
    crate::target::endpoints(cluster).find(|end| is_own(cluster, end, address))
}

/// A pod that is its own backend: its policies have no say.
pub(super) const fn to_itself(is_served: bool) -> Outcome {
    Outcome {
        verdict: if is_served {
            Verdict::Allowed
        } else {
            Verdict::Refused
        },
        egress: Some(Side::NotIsolated),
        ingress: Some(Side::NotIsolated),
        reason: None,
        seen_from: None,
        backend: None,
        generation: 0,
    }
}

/// Nobody is there: who asks is told at once.
pub(super) const fn refused(reason: DropReason) -> Outcome {
    Outcome {
        verdict: Verdict::Refused,
        egress: None,
        ingress: None,
        reason: Some(reason),
        seen_from: None,
        backend: None,
        generation: 0,
    }
}
