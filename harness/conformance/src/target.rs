//! Which connections a sentence such as "shop/web can connect to shop/db on TCP 5432 over IPv6" means.

use anyhow::{Context, bail};
use manifest::{Addresses, Cluster, EndpointName, Pod, Protocol};
use oracle::Probe;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// What is asked of the destination: `TCP 5432`, or `ICMP` for an echo.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Service {
    pub(crate) protocol: Protocol,
    /// `None` for ICMP and only for it.
    pub(crate) port: Option<u16>,
}

/// Which of the destination's addresses are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// All that the source has the family for.
    Every,
    /// The IPv4 address.
    V4,
    /// The IPv6 address.
    V6,
    /// This one.
    At(IpAddr),
}

impl Service {
    /// An ICMP echo.
    pub(crate) const ECHO: Self = Self {
        protocol: Protocol::Icmp,
        port: None,
    };

    /// A service of this protocol; a port is needed except for ICMP, which has none.
    pub(crate) fn new(protocol: Protocol, port: Option<u16>) -> anyhow::Result<Self> {
        match (protocol, port) {
            (Protocol::Icmp, Some(port)) => bail!("ICMP has no ports: leave out {port}"),
            (Protocol::Icmp, None) => Ok(Self { protocol, port }),
            (_, None) => bail!("{protocol} needs a port, for example `{protocol} 80`"),
            (_, Some(0)) => bail!("0 is no port: a port is a number from 1 to 65535"),
            (_, Some(_)) => Ok(Self { protocol, port }),
        }
    }
}

impl FromStr for Service {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (protocol, port) = match text.split_once(' ') {
            Some((protocol, port)) => (protocol, Some(port)),
            None => (text, None),
        };
        Self::new(protocol.parse()?, port.map(parse_port).transpose()?)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{} {port}", self.protocol),
            None => write!(f, "{}", self.protocol),
        }
    }
}

/// A port number as users write it.
pub(crate) fn parse_port(text: &str) -> anyhow::Result<u16> {
    let port = text.parse().ok().filter(|&port| port > 0);
    port.with_context(|| format!("`{text}` is no port: a port is a number from 1 to 65535"))
}

impl Way {
    fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Every => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
            Self::At(wanted) => address == wanted,
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => Ok(()),
            Self::V4 => f.write_str(" over IPv4"),
            Self::V6 => f.write_str(" over IPv6"),
            Self::At(address) => write!(f, " at address {address}"),
        }
    }
}

/// The probes for one sentence: at least one.
pub(crate) fn probes(
    cluster: &Cluster,
    from: &EndpointName,
    to: &EndpointName,
    service: Service,
    way: Way,
) -> anyhow::Result<Vec<Probe>> {
    if let Way::At(address) = way
        && !addresses_for(cluster, from, to)?.contains(&address)
    {
        bail!("{address} is not an address of {to}");
    }
    let probes = shared_probes(cluster, from, to, service, way)?;
    if probes.is_empty() {
        bail!("{from} and {to} share no address family{way}: nothing can be probed");
    }
    Ok(probes)
}

/// A probe for each address of the destination that the source has the family for: none if they share no family.
pub(crate) fn shared_probes(
    cluster: &Cluster,
    from: &EndpointName,
    to: &EndpointName,
    service: Service,
    way: Way,
) -> anyhow::Result<Vec<Probe>> {
    let source = addresses(cluster, from)?;
    let destination = addresses_for(cluster, from, to)?;
    let is_reachable =
        |address: &IpAddr| source.iter().any(|own| own.is_ipv4() == address.is_ipv4());
    let used = destination.into_iter().filter(is_reachable);
    let used = used.filter(|&address| way.includes(address));
    Ok(used
        .map(|address| Probe {
            from: from.clone(),
            to: to.clone(),
            address,
            protocol: service.protocol,
            port: service.port,
        })
        .collect())
}

/// The addresses at which one end knows another: a service has others for who is outside.
fn addresses_for(
    cluster: &Cluster,
    from: &EndpointName,
    to: &EndpointName,
) -> anyhow::Result<Vec<IpAddr>> {
    let own = addresses(cluster, to)?.iter();
    let EndpointName::Service(name) = to else {
        return Ok(own.collect());
    };
    let service = cluster.services.get(name).into_iter();
    let outside = service.flat_map(manifest::Service::outside_addresses);
    Ok(match from {
        EndpointName::External(_) => outside.collect(),
        _ => own.collect(),
    })
}

/// The addresses of an endpoint; the error proposes the endpoint that was probably meant.
pub(crate) fn addresses(cluster: &Cluster, end: &EndpointName) -> anyhow::Result<Addresses> {
    cluster.addresses(end).with_context(|| {
        let wanted = end.to_string();
        let known = endpoints(cluster).map(|end| end.to_string());
        let near = known
            .map(|name| (strsim::jaro_winkler(&name, &wanted), name))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(likeness, _)| *likeness > 0.8);
        match near {
            Some((_, name)) => format!("the cluster has no {wanted}: did you mean {name}?"),
            None => format!("the cluster has no {wanted}"),
        }
    })
}

/// Every end that can open or take a connection: pods, nodes, outside hosts.
pub(crate) fn endpoints(cluster: &Cluster) -> impl Iterator<Item = EndpointName> {
    let pods = cluster.pods.keys().cloned().map(EndpointName::Pod);
    let nodes = cluster.nodes.keys().cloned().map(EndpointName::Node);
    let externals = cluster
        .externals
        .keys()
        .cloned()
        .map(EndpointName::External);
    pods.chain(nodes).chain(externals)
}

/// Whether policy has a say about a connection: one end is a pod that policies can select, the ends differ in their
/// address, and the source is not the destination's own node.
pub(crate) fn is_governed(cluster: &Cluster, from: &EndpointName, to: &EndpointName) -> bool {
    let (source, destination) = (selectable(cluster, from), selectable(cluster, to));
    let is_policed = source.is_some() || destination.is_some();
    let is_own_node = destination.is_some_and(|pod| host_of(cluster, from) == Some(&pod.node));
    is_policed && !is_own_node && !is_same_address(cluster, from, to)
}

/// Whether the two ends are the same, or are behind the same address.
pub(crate) fn is_same_address(cluster: &Cluster, from: &EndpointName, to: &EndpointName) -> bool {
    let addresses = |end| cluster.addresses(end).unwrap_or_default();
    from == to || addresses(from).iter().any(|ip| addresses(to).contains(ip))
}

/// The pod of this name, if policies can select it: no hostNetwork pod.
fn selectable<'a>(cluster: &'a Cluster, end: &EndpointName) -> Option<&'a Pod> {
    let EndpointName::Pod(name) = end else {
        return None;
    };
    cluster.pods.get(name).filter(|pod| !pod.host_network)
}

/// The node whose network namespace this end is in: its own, or that of a hostNetwork pod.
fn host_of<'a>(cluster: &'a Cluster, end: &'a EndpointName) -> Option<&'a str> {
    match end {
        EndpointName::Node(name) => Some(name),
        EndpointName::Pod(name) => {
            let pod = cluster.pods.get(name).filter(|pod| pod.host_network)?;
            Some(&pod.node)
        }
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_written_with_a_port_except_icmp() {
        for text in ["TCP 80", "UDP 53", "SCTP 65535", "ICMP"] {
            let service: Service = text.parse().unwrap();
            assert_eq!(service.to_string(), text);
        }
        for text in ["TCP", "ICMP 8", "TCP 0", "TCP 65536", "FOO 1", ""] {
            assert!(text.parse::<Service>().is_err(), "{text}");
        }
    }
}
