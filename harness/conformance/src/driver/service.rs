//! Probes to services, as the oracle sees them.

use super::served::is_served;
use super::{Outcome, Verdict, balancer};
use abi::DropReason;
use anyhow::{Context as _, bail};
use manifest::{Cluster, EndpointName};
use oracle::service::{self, Answer, Asked};
use oracle::{Probe, Side};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Who answers a probe.
pub(super) enum Chosen {
    /// Whoever has the address: no service is there.
    Itself,
    /// This backend.
    Backend(Box<Way>),
    /// Who asks; and whether it serves the port.
    Asker(bool),
    /// Nobody, for this reason.
    Nobody(DropReason),
}

/// How a probe to a service gets to a backend.
pub(super) struct Way {
    /// The backend.
    pub(super) backend: SocketAddr,
    /// What policies see of it where it leaves the client: to the backend, or to the node that serves.
    pub(super) leaves: Probe,
    /// What they see where it arrives: from the client, or from the node that has sent it on.
    pub(super) arrives: Probe,
}

/// Who answers a probe: of a service the backend that was chosen, if it is one of those that may be.
pub(super) fn choose(
    cluster: &Cluster,
    probe: &Probe,
    backend: Option<SocketAddr>,
) -> anyhow::Result<Chosen> {
    let is_of_service = matches!(probe.to, EndpointName::Service(_));
    let Some(asked) = asked(cluster, probe) else {
        if is_of_service {
            bail!(
                "{} is a service: ask it by TCP, UDP or SCTP, at a port",
                probe.to
            );
        }
        return Ok(Chosen::Itself);
    };
    let backends = match service::serve(cluster, &asked) {
        Answer::Served(backends) => backends.active,
        Answer::NoBackend(_) => return Ok(Chosen::Nobody(DropReason::NoServiceBackend)),
        Answer::NoPort => return Ok(Chosen::Nobody(DropReason::NoServicePort)),
        Answer::NotHere(_) => return Ok(Chosen::Nobody(DropReason::NoLocalBackend)),
        Answer::NotFor(_) => return Ok(Chosen::Nobody(DropReason::OutsideSourceRanges)),
        Answer::NotVirtual if is_of_service => bail!("{} is not there", probe.to),
        Answer::NotVirtual => return Ok(Chosen::Itself),
    };
    let chosen = backend.filter(|backend| backends.contains(backend));
    let own = own_end(cluster, probe, &backends).filter(|_| backend.is_none());
    let any = || backends.first().copied();
    let chosen = chosen.or(own).or_else(any).context("no backend")?;
    let way = way(cluster, probe, &asked, chosen)?;
    let is_asker = way.arrives.from == probe.from && is_own(cluster, &probe.from, chosen.ip());
    Ok(if is_asker {
        Chosen::Asker(is_served(cluster, &way.arrives))
    } else {
        Chosen::Backend(Box::new(way))
    })
}

/// A client on the node that serves goes to the backend by itself. For others that node speaks where the backend is on
/// another one.
fn way(
    cluster: &Cluster,
    probe: &Probe,
    asked: &Asked,
    backend: SocketAddr,
) -> anyhow::Result<Way> {
    let to = endpoint_at(cluster, backend.ip())
        .with_context(|| format!("nobody is at {backend}, a backend of {}", probe.to))?;
    let direct = Probe {
        to,
        address: backend.ip(),
        port: Some(backend.port()),
        ..probe.clone()
    };
    let comes_from = node_of(cluster, &probe.from);
    if comes_from == Some(asked.at.as_str()) {
        return Ok(Way {
            backend,
            leaves: direct.clone(),
            arrives: direct,
        });
    }
    let leaves = Probe {
        to: EndpointName::Node(asked.at.clone()),
        ..probe.clone()
    };
    let is_there = node_of(cluster, &direct.to) == Some(asked.at.as_str());
    let arrives = Probe {
        from: if is_there {
            probe.from.clone()
        } else {
            EndpointName::Node(asked.at.clone())
        },
        ..direct
    };
    Ok(Way {
        backend,
        leaves: if comes_from.is_some() {
            leaves
        } else {
            arrives.clone()
        },
        arrives,
    })
}

/// The destination of a probe as a virtual one; `None` where services have none.
fn asked(cluster: &Cluster, probe: &Probe) -> Option<Asked> {
    Some(Asked {
        from: probe.from.clone(),
        at: serving_node(cluster, probe)?.to_owned(),
        address: probe.address,
        protocol: probe.protocol,
        port: probe.port?,
    })
}

/// The node that serves: the one whose address is asked, the client's own, or the one that a load balancer sends to.
fn serving_node<'a>(cluster: &'a Cluster, probe: &'a Probe) -> Option<&'a str> {
    let mut nodes = cluster.nodes.iter();
    let of_address = nodes.find(|(_, node)| node.addresses.contains(probe.address));
    let of_address = of_address.map(|(name, _)| name.as_str());
    let own = || node_of(cluster, &probe.from);
    let balanced = || balancer::node_for(cluster, probe.address);
    of_address.or_else(own).or_else(balanced)
}

/// The node that an end is on.
fn node_of<'a>(cluster: &'a Cluster, end: &'a EndpointName) -> Option<&'a str> {
    match end {
        EndpointName::Pod(name) => cluster.pods.get(name).map(|pod| pod.node.as_str()),
        EndpointName::Node(name) => Some(name),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}

fn serve(cluster: &Cluster, probe: &Probe) -> Answer {
    asked(cluster, probe).map_or(Answer::NotVirtual, |asked| service::serve(cluster, &asked))
}

/// Whether the destination of a probe is a service's, whoever has the address.
pub(super) fn is_virtual(cluster: &Cluster, probe: &Probe) -> bool {
    serve(cluster, probe) != Answer::NotVirtual
}

/// The backends that may answer a probe; none if nobody may.
pub(crate) fn backends(cluster: &Cluster, probe: &Probe) -> BTreeSet<SocketAddr> {
    match serve(cluster, probe) {
        Answer::Served(backends) => backends.active,
        _ => BTreeSet::new(),
    }
}

/// What is wrong with the backend that was chosen; nothing of what goes to no service, or of one that nobody answered for.
pub(crate) fn stray(cluster: &Cluster, probe: &Probe, outcome: &Outcome) -> Option<String> {
    let is_answered = matches!(outcome.verdict, Verdict::Allowed | Verdict::Audited);
    if !is_virtual(cluster, probe) {
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

/// Nobody is there: who asks is told at once, unless a load balancer should not have sent it here.
pub(super) const fn unserved(reason: DropReason) -> Outcome {
    Outcome {
        verdict: match reason {
            DropReason::NoLocalBackend | DropReason::OutsideSourceRanges => Verdict::Dropped,
            _ => Verdict::Refused,
        },
        egress: None,
        ingress: None,
        reason: Some(reason),
        seen_from: None,
        backend: None,
        generation: 0,
    }
}
