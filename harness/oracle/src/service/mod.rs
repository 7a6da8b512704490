//! Who may serve a client of a service: the *set* of backends, never which one of it.
//!
//! Read from the objects each time: the `Service` and `EndpointSlice` API texts, and where they leave a point open what
//! kube-proxy does.

mod address;
mod endpoint;
mod near;
mod roll;

pub use roll::{Member, Roll, Source, Standing, roll};

use address::{Offer, is_own, offer};
use endpoint::{Endpoint, endpoints};
use ipnet::IpNet;
use manifest::{Cluster, EndpointName, ObjectName, Protocol};
use near::near;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// A virtual destination as a client asks for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Asked {
    /// The client.
    pub from: EndpointName,
    /// The node that answers for the service: the client's own, or, for an outside host and for the address of another
    /// node, the one that it came to.
    pub at: String,
    /// The address.
    pub address: IpAddr,
    /// The protocol. Services have no ICMP.
    pub protocol: Protocol,
    /// The port, host order.
    pub port: u16,
}

/// What must become of a new connection.
#[must_use]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// No service is there: whoever has the address is meant.
    NotVirtual,
    /// The address is a service's, and no service has this port there: refused at once.
    NoPort,
    /// This service has nobody who could serve: refused at once.
    NoBackend(ObjectName),
    /// This service has nobody on the node that an outside host came to, and `externalTrafficPolicy: Local` looks
    /// nowhere else: dropped in silence.
    NotHere(ObjectName),
    /// This service takes others than this outside host at the address of its load balancer: dropped in silence.
    NotFor(ObjectName),
    /// One of these serves.
    Served(Backends),
}

/// Who serves a port of a service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backends {
    /// The service.
    pub service: ObjectName,
    /// Who takes new connections, at least one: a backend's own address and port.
    pub active: BTreeSet<SocketAddr>,
    /// Who is about to end: keeps the connections that it has and gets no other.
    pub draining: BTreeSet<SocketAddr>,
    /// For how many seconds after its last connection a client stays with its backend; `None` if it does not.
    pub affinity: Option<u32>,
}

/// What kube-proxy takes where the object says nothing: three hours.
const DEFAULT_AFFINITY: u32 = 10_800;

/// What must become of a connection to this destination.
///
/// ```
/// use manifest::{Cluster, EndpointName, Protocol};
/// use oracle::service::{Answer, Asked, serve};
///
/// let asked = Asked {
///     from: EndpointName::pod("shop", "client"),
///     at: "node-1".to_owned(),
///     address: "10.96.0.10".parse().unwrap(),
///     protocol: Protocol::Tcp,
///     port: 80,
/// };
/// assert_eq!(serve(&Cluster::default(), &asked), Answer::NotVirtual);
/// ```
pub fn serve(cluster: &Cluster, asked: &Asked) -> Answer {
    let Some(offer) = offer(cluster, asked) else {
        return if is_own(cluster, asked.address) {
            Answer::NoPort
        } else {
            Answer::NotVirtual
        };
    };
    let policy = Policy::of(&offer, asked);
    let mut reached = endpoints(cluster, &offer, asked.address);
    reached.retain(|endpoint| policy.reaches(endpoint, asked));
    let active = ends(&policy.choose(cluster, &offer, asked, &reached));
    let service = offer.name.clone();
    if !active.is_empty() && !is_welcome(cluster, &offer, asked) {
        return Answer::NotFor(service);
    }
    if active.is_empty() {
        return if policy == Policy::Local && !offer.is_cluster_ip {
            Answer::NotHere(service)
        } else {
            Answer::NoBackend(service)
        };
    }
    reached.retain(Endpoint::serves_to_the_end);
    Answer::Served(Backends {
        service,
        draining: &ends(&reached) - &active,
        active,
        affinity: affinity(&offer),
    })
}

/// Whether who asks is in the source ranges of the service, if it has any and is asked at a load balancer's address.
/// Nobody in particular is welcome.
fn is_welcome(cluster: &Cluster, offer: &Offer<'_>, asked: &Asked) -> bool {
    let ranges = offer.spec.load_balancer_source_ranges.iter().flatten();
    let ranges = ranges.filter_map(|text| text.trim().parse::<IpNet>().ok());
    let ranges: Vec<IpNet> = ranges.collect();
    let is_outside = matches!(asked.from, EndpointName::External(_));
    let own = cluster.addresses(&asked.from).unwrap_or_default();
    let mut own = own
        .iter()
        .filter(|own| own.is_ipv4() == asked.address.is_ipv4());
    !offer.is_balanced
        || !is_outside
        || ranges.is_empty()
        || own
            .next()
            .is_none_or(|own| ranges.iter().any(|range| range.contains(&own)))
}

/// Where backends may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Policy {
    /// Anywhere; those near by are preferred where the service says so.
    Cluster,
    /// On the node alone.
    Local,
    /// Nowhere.
    Nobody,
}

impl Policy {
    /// The internal policy is about cluster addresses, the external one about outside hosts at all other addresses. Who
    /// is in the cluster and uses an address for outside hosts is under neither.
    fn of(offer: &Offer<'_>, asked: &Asked) -> Self {
        let is_outside = matches!(asked.from, EndpointName::External(_));
        let said = match (offer.is_cluster_ip, is_outside) {
            (true, true) => return Self::Nobody,
            (true, false) => &offer.spec.internal_traffic_policy,
            (false, true) => &offer.spec.external_traffic_policy,
            (false, false) => return Self::Cluster,
        };
        match said.as_deref() {
            Some("Local") => Self::Local,
            _ => Self::Cluster,
        }
    }

    fn reaches(self, endpoint: &Endpoint<'_>, asked: &Asked) -> bool {
        match self {
            Self::Cluster => true,
            Self::Local => endpoint.node == Some(&asked.at),
            Self::Nobody => false,
        }
    }

    /// Those who take new connections. Where nobody is ready, those who serve until they end.
    fn choose<'a>(
        self,
        cluster: &Cluster,
        offer: &Offer<'_>,
        asked: &Asked,
        reached: &[Endpoint<'a>],
    ) -> Vec<Endpoint<'a>> {
        let those = |is_meant: fn(&Endpoint<'a>) -> bool| {
            let those = reached.iter().filter(|endpoint| is_meant(endpoint));
            those.cloned().collect::<Vec<_>>()
        };
        let ready = those(Endpoint::takes_new);
        match self {
            _ if ready.is_empty() => those(Endpoint::serves_to_the_end),
            Self::Cluster => {
                let distribution = offer.spec.traffic_distribution.as_deref();
                near(cluster, distribution, &asked.at, ready)
            }
            _ => ready,
        }
    }
}

fn ends(endpoints: &[Endpoint<'_>]) -> BTreeSet<SocketAddr> {
    endpoints.iter().map(|endpoint| endpoint.end).collect()
}

fn affinity(offer: &Offer<'_>) -> Option<u32> {
    if offer.spec.session_affinity.as_deref() != Some("ClientIP") {
        return None;
    }
    let config = offer.spec.session_affinity_config.as_ref();
    let config = config.and_then(|config| config.client_ip.as_ref());
    let seconds = config.and_then(|config| config.timeout_seconds);
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
    Some(seconds.unwrap_or(DEFAULT_AFFINITY))
}
