//! Slices: who serves, where nobody is selected.

use super::super::probes::pods;
use super::super::topology::origin;
use super::super::{choose, one_of};
use super::{PORTS, ZONES};
use k8s_openapi::api::core::v1::ServicePort;
use k8s_openapi::api::discovery::v1::{
    Endpoint, EndpointConditions, EndpointHints, EndpointPort, EndpointSlice as SliceObject,
    ForZone,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use manifest::{Cluster, EndpointSlice, ObjectName};
use proptest::collection::vec;
use proptest::prelude::*;
use std::net::IpAddr;

/// The label of a slice that names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// What a slice says of one condition; mostly nothing.
const CONDITIONS: &[Option<bool>] = &[None, None, Some(true), Some(false)];

/// A slice before it knows its service.
#[derive(Clone, Debug)]
pub(super) struct SliceSketch {
    is_v6: bool,
    /// The number of each of the service's ports; a port without one is not in the slice.
    ports: Vec<Option<u16>>,
    entries: Vec<EntrySketch>,
}

#[derive(Clone, Debug)]
struct EntrySketch {
    pod: usize,
    /// Whether the slice says on which node it is, which need not be the pod's.
    node: Option<usize>,
    zone: Option<&'static str>,
    hints: Vec<Option<&'static str>>,
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

/// Mostly none, so that the selector counts; else one or two.
pub(super) fn slices() -> BoxedStrategy<Vec<SliceSketch>> {
    prop_oneof![2 => Just(Vec::new()), 1 => vec(slice(), 1..=2)].boxed()
}

fn slice() -> impl Strategy<Value = SliceSketch> {
    let ports = vec(prop::option::weighted(0.9, one_of(PORTS)), 3);
    (any::<bool>(), ports, vec(entry(), 0..=4)).prop_map(|(is_v6, ports, entries)| SliceSketch {
        is_v6,
        ports,
        entries,
    })
}

fn entry() -> impl Strategy<Value = EntrySketch> {
    let node = prop::option::weighted(0.7, 0..2usize);
    let conditions = (one_of(CONDITIONS), one_of(CONDITIONS), one_of(CONDITIONS));
    let hints = vec(one_of(ZONES), 0..=2);
    (0..8usize, node, one_of(ZONES), hints, conditions).prop_map(
        |(pod, node, zone, hints, (ready, serving, terminating))| EntrySketch {
            pod,
            node,
            zone,
            hints,
            ready,
            serving,
            terminating,
        },
    )
}

impl SliceSketch {
    /// Adds the slice of this service with these ports.
    pub(super) fn enter(self, cluster: &mut Cluster, service: &ObjectName, ports: &[ServicePort]) {
        let entries = self.entries.iter();
        let endpoints = entries.filter_map(|entry| entry.endpoint(cluster, self.is_v6));
        let endpoints: Vec<Endpoint> = endpoints.collect();
        let number = cluster.endpoint_slices.len();
        let name = ObjectName::new(&service.namespace, format!("{}-{number}", service.name));
        let family = if self.is_v6 { "IPv6" } else { "IPv4" };
        let label = (SERVICE_NAME.to_owned(), service.name.clone());
        let object = SliceObject {
            address_type: family.to_owned(),
            endpoints,
            metadata: ObjectMeta {
                namespace: Some(name.namespace.clone()),
                name: Some(name.name.clone()),
                labels: Some([label].into()),
                ..ObjectMeta::default()
            },
            ports: Some(self.ports(ports)),
        };
        let origin = origin();
        let slice = EndpointSlice { object, origin };
        cluster.endpoint_slices.insert(name, slice);
    }

    fn ports(&self, ports: &[ServicePort]) -> Vec<EndpointPort> {
        let numbered = ports.iter().zip(&self.ports);
        let numbered = numbered.filter_map(|(port, number)| {
            Some(EndpointPort {
                name: port.name.clone(),
                port: Some((*number)?.into()),
                protocol: port.protocol.clone(),
                ..EndpointPort::default()
            })
        });
        numbered.collect()
    }
}

impl EntrySketch {
    /// The entry of a pod that has an address of the family.
    fn endpoint(&self, cluster: &Cluster, is_v6: bool) -> Option<Endpoint> {
        let pod = choose(pods(cluster), self.pod)?;
        let mut addresses = cluster.addresses(&pod)?.iter();
        let address = addresses.find(|address: &IpAddr| address.is_ipv6() == is_v6)?;
        let node = self.node;
        let node = node.and_then(|drawn| choose(cluster.nodes.keys(), drawn));
        let hints = self.hints.iter().flatten();
        let hints = hints.map(|zone| ForZone {
            name: (*zone).to_owned(),
        });
        let for_zones: Vec<ForZone> = hints.collect();
        Some(Endpoint {
            addresses: vec![address.to_string()],
            conditions: Some(EndpointConditions {
                ready: self.ready,
                serving: self.serving,
                terminating: self.terminating,
            }),
            hints: (!for_zones.is_empty()).then(|| EndpointHints {
                for_zones: Some(for_zones),
                ..EndpointHints::default()
            }),
            node_name: node.cloned(),
            zone: self.zone.map(str::to_owned),
            ..Endpoint::default()
        })
    }
}
