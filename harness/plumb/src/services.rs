//! Connections through services: who asks, at what, and whom a service may choose.

use crate::endpoints;
use crate::exit::{Exit, Failure};
use crate::port::PortSpec;
use anyhow::anyhow;
use manifest::{Cluster, EndpointName, ObjectName};
use oracle::Probe;
use oracle::service::{self, Answer, Asked};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Whether `from` can be tried as a client of services: a pod with a network of its own.
pub(crate) fn is_client(cluster: &Cluster, from: &EndpointName) -> bool {
    let EndpointName::Pod(name) = from else {
        return false;
    };
    let pod = cluster.pods.get(name);
    pod.is_some_and(|pod| !pod.host_network)
}

/// What a service is asked at: its ports, in their order. It answers no echo.
pub(crate) fn ports(cluster: &Cluster, name: &ObjectName) -> BTreeSet<PortSpec> {
    let service = cluster.services.get(name);
    let spec = service.and_then(|service| service.object.spec.as_ref());
    let ports = spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    ports
        .filter_map(|port| {
            Some(PortSpec {
                protocol: port.protocol.as_deref().unwrap_or("TCP").parse().ok()?,
                port: Some(u16::try_from(port.port).ok()?),
            })
        })
        .collect()
}

/// A service as a source: nobody gets a connection from one.
///
/// # Errors
/// When `from` is a service.
pub(crate) fn check_source(from: &EndpointName) -> Result<(), Failure> {
    match from {
        EndpointName::Service(_) => Err(bad(&format!(
            "`{from}` is a service: it is asked, and opens no connections"
        ))
        .help("name a pod behind it")),
        _ => Ok(()),
    }
}

/// Whether `from` can ask the service `name` at this port.
///
/// # Errors
/// When the service has no address or not this port, or `from` is no client of services. The failure says what there is.
pub(crate) fn check(
    cluster: &Cluster,
    from: &EndpointName,
    name: &ObjectName,
    port: PortSpec,
) -> Result<(), Failure> {
    if !is_client(cluster, from) {
        let failure = bad(&format!(
            "`{from}` cannot be tried as a client of services: they are tried from pods"
        ));
        return Err(
            failure.help("name a pod with a network of its own, or a backend as the destination")
        );
    }
    let service = cluster.services.get(name);
    if service.is_none_or(|service| service.cluster_ips.is_empty()) {
        let failure = bad(&format!(
            "`svc/{name}` has no address of its own: it is headless, or a name for another host"
        ));
        return Err(failure.help("its clients ask its pods: name one of them"));
    }
    if ports(cluster, name).contains(&port) {
        return Ok(());
    }
    let failure = bad(&match port.port {
        Some(_) => format!("`svc/{name}` has no port {}", port.long()),
        None => format!("`svc/{name}` answers no echo: a service is asked at a port"),
    });
    Err(failure.help(format!("it has {}", named_ports(cluster, name).join(", "))))
}

fn bad(message: &str) -> Failure {
    Failure::new(Exit::BadInput, anyhow!("{message}"))
}

/// `http 80/TCP`; without a name the port alone.
fn named_ports(cluster: &Cluster, name: &ObjectName) -> Vec<String> {
    let service = cluster.services.get(name);
    let spec = service.and_then(|service| service.object.spec.as_ref());
    let ports = spec.iter().flat_map(|spec| spec.ports.iter().flatten());
    let named = ports.map(|port| {
        let name = port.name.as_deref().unwrap_or_default();
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        format!("{name} {}/{protocol}", port.port)
    });
    named.map(|port| port.trim_start().to_owned()).collect()
}

/// The question to a service that a probe is; `None` of other probes.
pub(crate) fn asked(cluster: &Cluster, probe: &Probe) -> Option<Asked> {
    let (EndpointName::Service(_), EndpointName::Pod(from)) = (&probe.to, &probe.from) else {
        return None;
    };
    Some(Asked {
        from: probe.from.clone(),
        at: cluster.pods.get(from)?.node.clone(),
        address: probe.address,
        protocol: probe.protocol,
        port: probe.port?,
    })
}

/// Who has which address.
pub(crate) struct Ends(BTreeMap<IpAddr, EndpointName>);

impl Ends {
    /// All pods, nodes and outside hosts; where a pod shares an address with its node, rather the pod.
    pub(crate) fn new(cluster: &Cluster) -> Self {
        let mut ends = BTreeMap::new();
        for end in endpoints::all(cluster) {
            for address in cluster.addresses(&end).unwrap_or_default().iter() {
                ends.entry(address).or_insert_with(|| end.clone());
            }
        }
        Self(ends)
    }

    /// Whoever has this address.
    pub(crate) fn at(&self, address: IpAddr) -> Option<&EndpointName> {
        self.0.get(&address)
    }

    /// The connections that a probe to a service may become, one for each backend that may serve; none of other probes.
    pub(crate) fn ways(&self, cluster: &Cluster, probe: &Probe) -> Vec<Probe> {
        let Some(asked) = asked(cluster, probe) else {
            return Vec::new();
        };
        let Answer::Served(backends) = service::serve(cluster, &asked) else {
            return Vec::new();
        };
        let to = |backend: &SocketAddr| {
            Some(Probe {
                to: self.at(backend.ip())?.clone(),
                address: backend.ip(),
                port: Some(backend.port()),
                ..probe.clone()
            })
        };
        backends.active.iter().filter_map(to).collect()
    }
}
