//! Services, their slices, and the states of pods behind them. Every address follows from a service's number.

use super::labels::labels;
use super::topology::{PORT_NAMES, clusters, origin};
use super::{choose, one_of};
use k8s_openapi::api::core::v1::{
    ClientIPConfig, Service as ServiceObject, ServicePort, ServiceSpec, SessionAffinityConfig,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::{Addresses, Cluster, ObjectName, Service};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

mod slices;

use slices::{SliceSketch, slices};

/// Ports that services have.
const PORTS: &[u16] = &[80, 81, 53, 8080];
/// Ports that services name by number in pods: what pods serve, and what they do not.
const TARGETS: &[u16] = &[80, 81, 53, 8080, 9];
const PROTOCOLS: &[Option<&str>] = &[None, Some("TCP"), Some("UDP"), Some("SCTP")];
const POLICIES: &[Option<&str>] = &[None, None, Some("Cluster"), Some("Local")];
const DISTRIBUTIONS: &[Option<&str>] = &[
    None,
    None,
    Some("PreferClose"),
    Some("PreferSameZone"),
    Some("PreferSameNode"),
];
const ZONES: &[Option<&str>] = &[None, Some("zone-a"), Some("zone-b")];

/// The label of a node that names its zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// A cluster with one to four services, pods in every state, and nodes in zones.
pub fn served_clusters() -> BoxedStrategy<Cluster> {
    let zones = vec(one_of(ZONES), 2);
    (vec(services(), 1..=4), vec(states(), 8), zones, clusters())
        .prop_map(|(services, states, zones, mut cluster)| {
            for (node, zone) in cluster.nodes.values_mut().zip(zones) {
                let zone = zone.map(|zone| (ZONE.to_owned(), zone.to_owned()));
                node.labels.extend(zone);
            }
            for (pod, (is_ready, is_terminating)) in cluster.pods.values_mut().zip(states) {
                pod.ready = is_ready;
                pod.terminating = is_terminating;
            }
            for service in services {
                service.enter(&mut cluster);
            }
            cluster
        })
        .boxed()
}

/// Whether a pod is ready, and whether it is about to end.
fn states() -> impl Strategy<Value = (bool, bool)> + Clone {
    one_of(&[
        (true, false),
        (true, false),
        (true, false),
        (false, false),
        (true, true),
        (false, true),
    ])
}

/// A service before it has a name.
#[derive(Clone, Debug)]
pub(super) struct ServiceSketch {
    namespace: usize,
    kind: Kind,
    families: Families,
    ports: Vec<PortSketch>,
    selector: BTreeMap<String, String>,
    reach: Reach,
    publishes_unready: bool,
    /// Whether a client stays with its backend.
    affinity: Affinity,
    slices: Vec<SliceSketch>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    ClusterIp,
    Headless,
    ExternalName,
    ExternalIp,
    NodePort,
    LoadBalancer,
}

/// Whether a client stays with its backend.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Affinity {
    None,
    /// As long as it is by default.
    ClientIp,
    /// So many seconds.
    For(i32),
}

/// Which of the cluster's address families a service has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Families {
    All,
    First,
    Last,
}

#[derive(Clone, Debug)]
struct PortSketch {
    is_named: bool,
    protocol: Option<&'static str>,
    port: u16,
    target: Option<IntOrString>,
}

/// Which endpoints clients get.
#[derive(Clone, Copy, Debug)]
struct Reach {
    internal: Option<&'static str>,
    external: Option<&'static str>,
    distribution: Option<&'static str>,
}

/// A service for any cluster.
pub(super) fn services() -> BoxedStrategy<ServiceSketch> {
    let kinds = one_of(&[
        Kind::ClusterIp,
        Kind::ClusterIp,
        Kind::NodePort,
        Kind::LoadBalancer,
        Kind::ExternalIp,
        Kind::Headless,
        Kind::ExternalName,
    ]);
    let families = one_of(&[Families::All, Families::First, Families::Last]);
    let place = (0..3usize, kinds, families);
    let affinity = one_of(&[
        Affinity::None,
        Affinity::None,
        Affinity::None,
        Affinity::ClientIp,
        Affinity::For(1),
        Affinity::For(30),
    ]);
    let unready = prop::bool::weighted(0.3);
    let behind = (labels(), unready, slices());
    (place, vec(ports(), 1..=3), reach(), affinity, behind)
        .prop_map(|(place, ports, reach, affinity, behind)| ServiceSketch {
            namespace: place.0,
            kind: place.1,
            families: place.2,
            ports,
            selector: behind.0,
            reach,
            publishes_unready: behind.1,
            affinity,
            slices: behind.2,
        })
        .boxed()
}

fn ports() -> impl Strategy<Value = PortSketch> + Clone {
    let number = one_of(TARGETS).prop_map(|number| IntOrString::Int(number.into()));
    let name = one_of(PORT_NAMES).prop_map(|name| IntOrString::String(name.to_owned()));
    let target = option::of(prop_oneof![number, name]);
    (any::<bool>(), one_of(PROTOCOLS), one_of(PORTS), target).prop_map(
        |(is_named, protocol, port, target)| PortSketch {
            is_named,
            protocol,
            port,
            target,
        },
    )
}

fn reach() -> impl Strategy<Value = Reach> + Clone {
    (one_of(POLICIES), one_of(POLICIES), one_of(DISTRIBUTIONS)).prop_map(
        |(internal, external, distribution)| Reach {
            internal,
            external,
            distribution,
        },
    )
}

impl ServiceSketch {
    /// Adds the service and its slices under the first free number, so that the name and the addresses of a deleted one
    /// come back.
    pub(super) fn enter(self, cluster: &mut Cluster) {
        let is_taken = |number: &u8| {
            let name = service_name(*number);
            cluster.services.keys().any(|own| own.name == name)
        };
        let Some(number) = (0..100).find(|number| !is_taken(number)) else {
            return;
        };
        let Some(namespace) = choose(cluster.namespaces.keys(), self.namespace) else {
            return;
        };
        let name = ObjectName::new(namespace, service_name(number));
        let service = self.service(cluster, &name, number);
        let spec = service.object.spec.clone().unwrap_or_default();
        cluster.services.insert(name.clone(), service);
        for slice in self.slices {
            slice.enter(cluster, &name, spec.ports.as_deref().unwrap_or_default());
        }
    }

    fn service(&self, cluster: &Cluster, name: &ObjectName, number: u8) -> Service {
        let cluster_ips = self.cluster_ips(cluster, number);
        let ports = self.ports(number);
        let node_ports = ports.iter().map(|port| {
            let written = port.node_port?;
            u16::try_from(written).ok()
        });
        Service {
            cluster_ips,
            node_ports: node_ports.collect(),
            load_balancer_ips: self.load_balancer_ips(cluster_ips, number),
            health_check_node_port: None,
            object: ServiceObject {
                metadata: ObjectMeta {
                    namespace: Some(name.namespace.clone()),
                    name: Some(name.name.clone()),
                    ..ObjectMeta::default()
                },
                spec: Some(self.spec(cluster_ips, ports, number)),
                status: None,
            },
            origin: origin(),
        }
    }

    fn cluster_ips(&self, cluster: &Cluster, number: u8) -> Addresses {
        if !self.kind.has_cluster_ips() {
            return Addresses::default();
        }
        let node = cluster.nodes.values().next();
        let of_cluster = node.map_or_else(Addresses::default, |node| node.addresses);
        let number = 10 + number;
        let v6 = Ipv6Addr::new(0xfd00, 0x10, 0x96, 0, 0, 0, 0, number.into());
        let has_v4 = self.families != Families::Last || of_cluster.v6.is_none();
        let has_v6 = self.families != Families::First || of_cluster.v4.is_none();
        Addresses {
            v4: of_cluster
                .v4
                .filter(|_| has_v4)
                .map(|_| Ipv4Addr::new(10, 96, 0, number)),
            v6: of_cluster.v6.filter(|_| has_v6).map(|_| v6),
        }
    }

    fn load_balancer_ips(&self, cluster_ips: Addresses, number: u8) -> Vec<IpAddr> {
        let is_balanced = self.kind == Kind::LoadBalancer;
        let own = cluster_ips.iter().filter(|_| is_balanced);
        own.map(|own| outside_address(own, 1, number)).collect()
    }

    /// The ports, no two of them the same. Of several each has a name.
    fn ports(&self, number: u8) -> Vec<ServicePort> {
        let mut taken = BTreeSet::new();
        let sketches = self.ports.iter().filter(|sketch| {
            let protocol = sketch.protocol.unwrap_or("TCP");
            taken.insert((sketch.port, protocol))
        });
        let sketches: Vec<_> = sketches.collect();
        let has_several = sketches.len() > 1;
        let ports = (0..).zip(sketches).map(|(index, sketch): (i32, _)| {
            let node_port = 30_000 + 10 * i32::from(number) + index;
            ServicePort {
                name: (has_several || sketch.is_named).then(|| format!("port-{index}")),
                port: sketch.port.into(),
                protocol: sketch.protocol.map(str::to_owned),
                target_port: sketch.target.clone(),
                node_port: self.kind.has_node_ports().then_some(node_port),
                ..ServicePort::default()
            }
        });
        ports.collect()
    }

    fn spec(&self, cluster_ips: Addresses, ports: Vec<ServicePort>, number: u8) -> ServiceSpec {
        let written: Vec<String> = cluster_ips.iter().map(|it| it.to_string()).collect();
        let families = cluster_ips.iter().map(|address| match address {
            IpAddr::V4(_) => "IPv4".to_owned(),
            IpAddr::V6(_) => "IPv6".to_owned(),
        });
        let families: Vec<String> = families.collect();
        let policy = match families.len() {
            0 => None,
            1 => Some("SingleStack".to_owned()),
            _ => Some("RequireDualStack".to_owned()),
        };
        let is_headless = self.kind == Kind::Headless;
        let is_for_outside = self.kind.is_for_outside();
        let external = self.reach.external.filter(|_| is_for_outside);
        let external_ips = cluster_ips
            .iter()
            .map(|own| outside_address(own, 2, number));
        let external_ips = external_ips.map(|address| address.to_string()).collect();
        let selector = Some(self.selector.clone()).filter(|selector| !selector.is_empty());
        ServiceSpec {
            type_: Some(self.kind.name().to_owned()),
            cluster_ip: written
                .first()
                .cloned()
                .or_else(|| is_headless.then(|| "None".to_owned())),
            cluster_ips: Some(written).filter(|written| !written.is_empty()),
            ip_families: Some(families).filter(|families| !families.is_empty()),
            ip_family_policy: policy,
            external_ips: (self.kind == Kind::ExternalIp).then_some(external_ips),
            external_name: (self.kind == Kind::ExternalName).then(|| "example.com".to_owned()),
            ports: Some(ports),
            selector,
            publish_not_ready_addresses: self.publishes_unready.then_some(true),
            internal_traffic_policy: self.reach.internal.map(str::to_owned),
            external_traffic_policy: external.map(str::to_owned),
            traffic_distribution: self.reach.distribution.map(str::to_owned),
            session_affinity: (self.affinity != Affinity::None).then(|| "ClientIP".to_owned()),
            session_affinity_config: match self.affinity {
                Affinity::For(seconds) => Some(affinity_config(seconds)),
                Affinity::None | Affinity::ClientIp => None,
            },
            ..ServiceSpec::default()
        }
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::ClusterIp | Self::Headless | Self::ExternalIp => "ClusterIP",
            Self::ExternalName => "ExternalName",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }

    const fn has_cluster_ips(self) -> bool {
        !matches!(self, Self::Headless | Self::ExternalName)
    }

    const fn has_node_ports(self) -> bool {
        matches!(self, Self::NodePort | Self::LoadBalancer)
    }

    const fn is_for_outside(self) -> bool {
        self.has_node_ports() || matches!(self, Self::ExternalIp)
    }
}

fn affinity_config(seconds: i32) -> SessionAffinityConfig {
    SessionAffinityConfig {
        client_ip: Some(ClientIPConfig {
            timeout_seconds: Some(seconds),
        }),
    }
}

/// An address for who is outside, of the family of the service's own.
fn outside_address(own: IpAddr, network: u8, number: u8) -> IpAddr {
    let number = 10 + number;
    match own {
        IpAddr::V4(_) => Ipv4Addr::new(198, 51, 100, 100 * (network - 1) + number).into(),
        IpAddr::V6(_) => {
            let (network, number) = (network.into(), number.into());
            Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, number).into()
        }
    }
}

fn service_name(number: u8) -> String {
    format!("service-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::Source;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use serde_json::{Value, json};

    /// What an API server is given of it: the nodes say which families there are.
    fn manifests(cluster: &Cluster) -> String {
        let nodes = cluster.nodes.iter().map(|(name, node)| {
            let address = |it: IpAddr| json!({"type": "InternalIP", "address": it});
            let addresses: Vec<Value> = node.addresses.iter().map(address).collect();
            let pod_cidrs = &node.pod_cidrs;
            json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name},
                "spec": {"podCIDRs": pod_cidrs},
                "status": {"addresses": addresses},
            })
        });
        let services = cluster.services.values().map(|it| json!(it.object));
        let slices = cluster.endpoint_slices.values().map(|it| json!(it.object));
        let items: Vec<Value> = nodes.chain(services).chain(slices).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
    }

    #[test]
    fn an_api_server_would_take_every_service() {
        let mut runner = TestRunner::deterministic();
        for _ in 0..100 {
            let cluster = served_clusters().new_tree(&mut runner).unwrap().current();
            let text = manifests(&cluster);
            let mut loaded = Cluster::default();
            loaded
                .apply(&[Source::text("generated", &text)])
                .unwrap_or_else(|errors| panic!("{errors}\n{text}"));
            for (name, service) in &cluster.services {
                assert_eq!(
                    loaded.services[name].cluster_ips, service.cluster_ips,
                    "{text}"
                );
            }
        }
    }
}
