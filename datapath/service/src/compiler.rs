//! Lowers clusters to virtual ends.

use crate::backends::{Backends, Choice};
use crate::candidate::Candidate;
use crate::endpoints::{Endpoints, protocol};
use crate::nearest::{Home, Preference, Reach};
use crate::{Frontend, Services, VirtualEnd};
use ipnet::IpNet;
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use manifest::{Cluster, ObjectName, Protocol, Service};
use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The annotation that says how backends are chosen: `random` or `maglev`.
const ALGORITHM: &str = "service.plumbline/lb-algorithm";

/// How long a client stays with its backend where the service does not say, seconds: three hours.
const DEFAULT_AFFINITY: u32 = 10_800;

/// A port of a service.
type PortKey = (ObjectName, Protocol, u16);

/// Lowers clusters to virtual ends. Keeps the numbers of services' ports from one state of a cluster to the next, and
/// shares the backends that stay.
#[derive(Debug, Default)]
pub struct Compiler {
    numbers: BTreeMap<PortKey, u32>,
    last: u32,
    known: HashSet<Arc<Backends>>,
}

impl Compiler {
    /// Lowers one state of a cluster.
    #[must_use]
    pub fn compile(&mut self, cluster: &Cluster) -> Services {
        let endpoints = Endpoints::of(cluster);
        let mut lowering = Lowering {
            cluster,
            endpoints,
            services: Services::default(),
            numbers: BTreeMap::new(),
            compiler: self,
            backends: HashSet::new(),
        };
        for (name, service) in &cluster.services {
            lowering.service(name, service);
        }
        let Lowering {
            services,
            numbers,
            backends,
            ..
        } = lowering;
        self.numbers = numbers;
        self.known = backends;
        services
    }
}

struct Lowering<'a> {
    cluster: &'a Cluster,
    endpoints: Endpoints<'a>,
    services: Services,
    numbers: BTreeMap<PortKey, u32>,
    compiler: &'a mut Compiler,
    backends: HashSet<Arc<Backends>>,
}

/// One port of a service, and everything that its virtual ends have in common.
struct Port<'a> {
    name: &'a ObjectName,
    number: u32,
    protocol: Protocol,
    affinity: u32,
    choice: Choice,
    candidates: Vec<Candidate<'a>>,
    /// Who may come by a load balancer; `None` if everybody may.
    sources: Option<Vec<IpNet>>,
    /// Which backends clients in the cluster get at its cluster addresses.
    internal: Reach,
    /// Which backends clients in the cluster get at its other addresses, and clients outside where the policy is `Cluster`.
    anywhere: Reach,
    /// Which backends clients outside get.
    external: Reach,
}

/// What kind of address a virtual end has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// For the cluster alone.
    Cluster,
    /// For who is outside, too.
    External,
    /// For who is outside and comes by a load balancer, which has the service's source ranges.
    Balancer,
}

impl<'a> Lowering<'a> {
    fn service(&mut self, name: &'a ObjectName, service: &'a Service) {
        let Some(spec) = &service.object.spec else {
            return;
        };
        if service.cluster_ips.is_empty() {
            return;
        }
        self.own_addresses(service);
        for (index, written) in spec.ports.iter().flatten().enumerate() {
            let node_port = service.node_ports.get(index).copied().flatten();
            if let Some(port) = self.port(name, service, spec, written)
                && let Ok(number) = u16::try_from(written.port)
            {
                self.enter(&port, service, spec, number);
                self.enter_at_nodes(&port, service, node_port);
            }
        }
    }

    /// Notes the addresses that are this service's alone. A load balancer of nodes has theirs.
    fn own_addresses(&mut self, service: &Service) {
        let is_nodes = |address: &IpAddr| {
            let mut nodes = self.cluster.nodes.values();
            nodes.any(|node| node.addresses.contains(*address))
        };
        let balancers = service.load_balancer_ips.iter().copied();
        let balancers = balancers.filter(|address| !is_nodes(address));
        let own = service.cluster_ips.iter().chain(balancers);
        self.services.addresses.extend(own);
    }

    fn port(
        &mut self,
        name: &'a ObjectName,
        service: &Service,
        spec: &ServiceSpec,
        port: &ServicePort,
    ) -> Option<Port<'a>> {
        let protocol = protocol(port.protocol.as_deref())?;
        let key = (name.clone(), protocol, u16::try_from(port.port).ok()?);
        let anywhere = Reach::Cluster(Preference::of(spec.traffic_distribution.as_deref()));
        let local_if = |policy: &Option<String>| match policy.as_deref() {
            Some("Local") => Reach::Node,
            _ => anywhere,
        };
        Some(Port {
            name,
            number: self.number(key),
            protocol,
            affinity: affinity(spec),
            choice: choice(service),
            candidates: self.endpoints.candidates(name, spec, port),
            sources: sources(spec),
            internal: local_if(&spec.internal_traffic_policy),
            anywhere,
            external: local_if(&spec.external_traffic_policy),
        })
    }

    fn number(&mut self, key: PortKey) -> u32 {
        let compiler = &mut *self.compiler;
        let number = compiler.numbers.get(&key).copied().unwrap_or_else(|| {
            compiler.last += 1;
            compiler.last
        });
        self.numbers.insert(key, number);
        number
    }

    /// Enters the virtual ends that are there on every node.
    fn enter(&mut self, port: &Port<'a>, service: &Service, spec: &ServiceSpec, number: u16) {
        let external = spec.external_ips.iter().flatten();
        let external = external.filter_map(|address| address.parse().ok());
        let balancers = service.load_balancer_ips.iter().copied();
        let cluster = service.cluster_ips.iter();
        let ends = (cluster.map(|address| (address, Kind::Cluster)))
            .chain(balancers.map(|address| (address, Kind::Balancer)))
            .chain(external.map(|address| (address, Kind::External)));
        for (address, kind) in ends {
            let end = VirtualEnd {
                address,
                protocol: port.protocol,
                port: number,
            };
            if port.depends_on_node(kind) {
                for name in self.cluster.nodes.keys() {
                    self.enter_at(name, port, end, kind);
                }
            } else {
                let frontend = self.frontend(port, kind, address, None);
                self.services.frontends.entry(end).or_insert(frontend);
            }
        }
    }

    /// Enters the port that every node has for it, at the node's own addresses.
    fn enter_at_nodes(&mut self, port: &Port<'a>, service: &Service, number: Option<u16>) {
        let Some(number) = number else { return };
        for (name, node) in &self.cluster.nodes {
            let families = node.addresses.iter().filter(|address| {
                let mut own = service.cluster_ips.iter();
                own.any(|own| own.is_ipv4() == address.is_ipv4())
            });
            for address in families {
                let end = VirtualEnd {
                    address,
                    protocol: port.protocol,
                    port: number,
                };
                self.enter_at(name, port, end, Kind::External);
            }
        }
    }

    fn enter_at(&mut self, name: &str, port: &Port<'a>, end: VirtualEnd, kind: Kind) {
        let home = Home {
            node: name,
            zone: self.endpoints.zone(name),
        };
        let frontend = self.frontend(port, kind, end.address, Some(home));
        let own = self.services.of_nodes.entry(name.to_owned()).or_default();
        own.entry(end).or_insert(frontend);
    }

    fn frontend(
        &mut self,
        port: &Port<'_>,
        kind: Kind,
        address: IpAddr,
        home: Option<Home<'_>>,
    ) -> Frontend {
        let (inside, outside) = match kind {
            Kind::Cluster => (Some(port.internal), None),
            Kind::External | Kind::Balancer => (Some(port.anywhere), Some(port.external)),
        };
        let mut backends = |reach: Option<Reach>, sources: Option<Vec<IpNet>>| {
            let backends = reach.map(|reach| port.backends(reach, address, home));
            let backends = backends.unwrap_or_default();
            self.shared(Backends {
                sources,
                ..backends
            })
        };
        let sources = port.sources.clone().filter(|_| kind == Kind::Balancer);
        Frontend {
            service: port.name.clone(),
            number: port.number,
            inside: backends(inside, None),
            outside: backends(outside, sources),
            is_local: outside == Some(Reach::Node),
            affinity: port.affinity,
        }
    }

    /// The same backends as one, this time and from time to time.
    fn shared(&mut self, backends: Backends) -> Arc<Backends> {
        if let Some(known) = self.backends.get(&backends) {
            return Arc::clone(known);
        }
        let known = self.compiler.known.get(&backends).cloned();
        let shared = known.unwrap_or_else(|| Arc::new(backends));
        self.backends.insert(Arc::clone(&shared));
        shared
    }
}

impl Port<'_> {
    fn depends_on_node(&self, kind: Kind) -> bool {
        let reaches = match kind {
            Kind::Cluster => [self.internal, self.internal],
            Kind::External | Kind::Balancer => [self.anywhere, self.external],
        };
        let mut reaches = reaches.into_iter();
        reaches.any(|reach| reach.depends_on_node(&self.candidates))
    }

    /// The backends of the address's family for clients at `home`.
    fn backends(&self, reach: Reach, address: IpAddr, home: Option<Home<'_>>) -> Backends {
        let candidates = self.candidates.iter();
        let candidates: Vec<_> = candidates
            .filter(|candidate| candidate.end.is_ipv4() == address.is_ipv4())
            .collect();
        let take_new = reach.take_new(&candidates, home);
        let take_new = sorted(take_new.iter().map(|candidate| candidate.end));
        let others = candidates.iter().filter(|candidate| self.drains(candidate));
        let others = others.map(|candidate| candidate.end);
        Backends {
            choice: self.choice,
            drain: sorted(others.filter(|end| take_new.binary_search(end).is_err())),
            take_new,
            sources: None,
        }
    }

    /// Whether an endpoint that takes no new connections keeps those it has. A stream keeps its backend as long as there
    /// is one; a datagram has no reason to stay with one that cannot serve.
    fn drains(&self, candidate: &Candidate<'_>) -> bool {
        self.protocol != Protocol::Udp || candidate.state.serves_to_the_end()
    }
}

fn sorted(ends: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut ends: Vec<_> = ends.collect();
    ends.sort_unstable();
    ends.dedup();
    ends
}

fn affinity(spec: &ServiceSpec) -> u32 {
    if spec.session_affinity.as_deref() != Some("ClientIP") {
        return 0;
    }
    let config = spec.session_affinity_config.as_ref();
    let client_ip = config.and_then(|config| config.client_ip.as_ref());
    let written = client_ip.and_then(|client_ip| client_ip.timeout_seconds);
    written.map_or(DEFAULT_AFFINITY, |seconds| {
        u32::try_from(seconds).unwrap_or(DEFAULT_AFFINITY)
    })
}

/// The source ranges, unless there are none.
fn sources(spec: &ServiceSpec) -> Option<Vec<IpNet>> {
    let written = spec.load_balancer_source_ranges.as_ref()?;
    let read = written.iter().filter_map(|text| text.trim().parse().ok());
    let mut sources: Vec<_> = read.map(|net: IpNet| net.trunc()).collect();
    sources.sort_unstable();
    sources.dedup();
    (!sources.is_empty()).then_some(sources)
}

fn choice(service: &Service) -> Choice {
    let annotations = service.object.metadata.annotations.as_ref();
    let written = annotations.and_then(|annotations| annotations.get(ALGORITHM));
    match written.map(String::as_str) {
        Some("maglev") => Choice::Maglev,
        _ => Choice::Random,
    }
}
