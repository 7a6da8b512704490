//! Which connections a matrix tries.

use crate::endpoints;
use crate::exit::Failure;
use crate::family::Family;
use crate::port::PortSpec;
use crate::services;
use clap::builder::BoolishValueParser;
use manifest::{Cluster, ContainerPort, EndpointName};
use oracle::Probe;
use std::collections::BTreeSet;

/// The flags that narrow a matrix.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Selection {
    /// Try this port on every destination, instead of ICMP and the ports that each one declares; `icmp` is one too
    #[arg(long = "port", value_name = "PORT/PROTO", value_delimiter = ',')]
    ports: Vec<PortSpec>,
    /// Only these sources; `*` stands for any text: shop/web, 'shop/*', node/a, 'external/*'
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    from: Vec<String>,
    /// Only these destinations; services are `svc/shop/web`, 'svc/shop/*', 'svc/*'
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    to: Vec<String>,
    /// Services as destinations too: those of the namespace that -n names, or all
    #[arg(long, value_parser = BoolishValueParser::new(), conflicts_with = "to")]
    services: bool,
    /// Only the pods of this namespace: as sources unless --from says otherwise, as destinations unless --to does
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// Every namespace (the default), whatever `PLUMB_NAMESPACE` says
    #[arg(short = 'A', long, value_parser = BoolishValueParser::new())]
    all_namespaces: bool,
    /// The address families to try
    #[arg(
        long,
        value_name = "4|6|both",
        default_value = "both",
        hide_possible_values = true
    )]
    family: Family,
}

impl Selection {
    /// Every selected connection, by source, destination, port and address.
    ///
    /// # Errors
    /// When a pattern matches nothing.
    pub(super) fn probes(&self, cluster: &Cluster) -> Result<Vec<Probe>, Failure> {
        let sources = endpoints::sources(cluster, &self.patterns(&self.from))?;
        let mut destinations = endpoints::matching(cluster, &self.patterns(&self.to))?;
        if self.services {
            destinations.extend(self.services(cluster)?);
        }
        let pairs = sources
            .iter()
            .flat_map(|from| destinations.iter().map(move |to| (from, to)));
        Ok(pairs
            .filter(|(from, to)| is_tried(cluster, from, to))
            .flat_map(|(from, to)| self.between(cluster, from, to))
            .collect())
    }

    fn patterns(&self, own: &[String]) -> Vec<String> {
        match &self.namespace {
            Some(namespace) if own.is_empty() && !self.all_namespaces => {
                vec![format!("{namespace}/*")]
            }
            _ => own.to_vec(),
        }
    }

    /// The services of the namespace, or all.
    fn services(&self, cluster: &Cluster) -> Result<Vec<EndpointName>, Failure> {
        let namespace = match &self.namespace {
            Some(namespace) if !self.all_namespaces => namespace,
            _ => "*",
        };
        endpoints::matching(cluster, &[format!("svc/{namespace}/*")])
    }

    fn between(&self, cluster: &Cluster, from: &EndpointName, to: &EndpointName) -> Vec<Probe> {
        let targets = endpoints::reachable(cluster, from, to, self.family);
        let probe = |PortSpec { protocol, port }: PortSpec, address| Probe {
            from: from.clone(),
            to: to.clone(),
            address,
            protocol,
            port,
        };
        let ports = self.ports_of(cluster, to).into_iter();
        ports
            .flat_map(|port| targets.iter().map(move |address| probe(port, *address)))
            .collect()
    }

    fn ports_of(&self, cluster: &Cluster, to: &EndpointName) -> BTreeSet<PortSpec> {
        if !self.ports.is_empty() {
            let is_asked = |port: &&PortSpec| !is_service(to) || **port != PortSpec::ICMP;
            return self.ports.iter().filter(is_asked).copied().collect();
        }
        let declared: &[ContainerPort] = match to {
            EndpointName::Pod(name) => cluster.pods.get(name).map_or(&[], |pod| &pod.ports),
            EndpointName::External(name) => {
                cluster.externals.get(name).map_or(&[], |host| &host.ports)
            }
            EndpointName::Service(name) => return services::ports(cluster, name),
            EndpointName::Node(_) => &[],
        };
        let spec = |port: &ContainerPort| PortSpec {
            protocol: port.protocol,
            port: Some(port.port),
        };
        declared.iter().map(spec).chain([PortSpec::ICMP]).collect()
    }
}

/// Between nodes and outside hosts no policy has a say, and services have clients of their own.
fn is_tried(cluster: &Cluster, from: &EndpointName, to: &EndpointName) -> bool {
    if is_service(to) {
        services::is_client(cluster, from)
    } else {
        matches!(from, EndpointName::Pod(_)) || matches!(to, EndpointName::Pod(_))
    }
}

const fn is_service(end: &EndpointName) -> bool {
    matches!(end, EndpointName::Service(_))
}
