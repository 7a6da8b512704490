//! Who serves a service: what its slices say or, without slices, the pods that it selects.

use crate::candidate::{Candidate, Place, State};
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::{Cluster, EndpointSlice, ObjectName, Pod, Protocol};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

/// The label of a node that names its zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// A key of a label and its value, in a namespace.
type Labelled<'a> = (&'a str, &'a str, &'a str);

/// What services may be served by, found fast.
pub(crate) struct Endpoints<'a> {
    cluster: &'a Cluster,
    slices: BTreeMap<ObjectName, Vec<&'a EndpointSlice>>,
    pods: HashMap<Labelled<'a>, Vec<&'a Pod>>,
}

impl<'a> Endpoints<'a> {
    pub(crate) fn of(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            slices: slices_by_service(cluster),
            pods: pods_by_label(cluster),
        }
    }

    /// Who serves a port of a service.
    pub(crate) fn candidates(
        &self,
        name: &ObjectName,
        spec: &ServiceSpec,
        port: &ServicePort,
    ) -> Vec<Candidate<'a>> {
        match self.slices.get(name) {
            Some(slices) => slices
                .iter()
                .flat_map(|slice| self.of_slice(slice, port))
                .collect(),
            None => self.of_pods(name, spec, port),
        }
    }

    fn of_slice(&self, slice: &'a EndpointSlice, port: &ServicePort) -> Vec<Candidate<'a>> {
        let ports = slice.object.ports.iter().flatten();
        let numbers: Vec<u16> = ports
            .filter(|other| {
                other.name.as_deref().unwrap_or_default()
                    == port.name.as_deref().unwrap_or_default()
                    && protocol(other.protocol.as_deref()) == protocol(port.protocol.as_deref())
            })
            .filter_map(|port| u16::try_from(port.port?).ok())
            .collect();
        let endpoints = slice.object.endpoints.iter();
        endpoints
            .filter_map(|endpoint| {
                let address: IpAddr = endpoint.addresses.first()?.parse().ok()?;
                Some((address, endpoint))
            })
            .flat_map(|(address, endpoint)| {
                let place = self.place_of_endpoint(endpoint);
                let state = state_of_endpoint(endpoint);
                let hints = hints(endpoint);
                numbers.iter().map(move |number| Candidate {
                    end: SocketAddr::new(address, *number),
                    place,
                    state,
                    hints: hints.clone(),
                })
            })
            .collect()
    }

    /// Where its slice says that it is. Without `nodeName` it is on no node, whoever has the address, as for kube-proxy.
    fn place_of_endpoint(&self, endpoint: &'a discovery::Endpoint) -> Place<'a> {
        let node = endpoint.node_name.as_deref();
        Place {
            node,
            zone: endpoint.zone.as_deref().or_else(|| self.zone(node?)),
        }
    }

    /// The pods that the service selects; none if it selects by nothing.
    fn of_pods(
        &self,
        name: &ObjectName,
        spec: &ServiceSpec,
        port: &ServicePort,
    ) -> Vec<Candidate<'a>> {
        let selector: Vec<_> = spec.selector.iter().flatten().collect();
        let labelled = selector.iter().map(|(key, value)| {
            let pods = self.pods.get(&(name.namespace.as_str(), *key, *value));
            pods.map_or(&[][..], Vec::as_slice)
        });
        let fewest = labelled.min_by_key(|pods| pods.len()).unwrap_or_default();
        let is_selected = |pod: &&Pod| {
            selector
                .iter()
                .all(|(key, value)| pod.labels.get(*key) == Some(value))
        };
        let publishes_unready = spec.publish_not_ready_addresses == Some(true);
        fewest
            .iter()
            .copied()
            .filter(is_selected)
            .filter_map(|pod| Some((pod, target(pod, port)?)))
            .flat_map(|(pod, number)| self.of_pod(pod, number, publishes_unready))
            .collect()
    }

    fn of_pod(&self, pod: &'a Pod, port: u16, publishes_unready: bool) -> Vec<Candidate<'a>> {
        let candidate = |address| Candidate {
            end: SocketAddr::new(address, port),
            place: Place {
                node: Some(&pod.node),
                zone: self.zone(&pod.node),
            },
            state: State {
                is_ready: publishes_unready || pod.ready && !pod.terminating,
                serves: pod.ready,
                is_terminating: pod.terminating,
            },
            hints: Vec::new(),
        };
        pod.addresses.iter().map(candidate).collect()
    }

    /// The zone of a node.
    pub(crate) fn zone(&self, node: &str) -> Option<&'a str> {
        let node = self.cluster.nodes.get(node)?;
        node.labels.get(ZONE).map(String::as_str)
    }
}

/// The number of a service's port in a pod: written, named, or the service's own.
fn target(pod: &Pod, port: &ServicePort) -> Option<u16> {
    match &port.target_port {
        Some(IntOrString::String(name)) => {
            let is_meant = |own: &&manifest::ContainerPort| {
                own.name.as_ref() == Some(name)
                    && Some(own.protocol) == protocol(port.protocol.as_deref())
            };
            pod.ports.iter().find(is_meant).map(|own| own.port)
        }
        Some(IntOrString::Int(number)) if *number != 0 => u16::try_from(*number).ok(),
        _ => u16::try_from(port.port).ok(),
    }
}

/// The protocol of a port: TCP if it is not written.
pub(crate) fn protocol(written: Option<&str>) -> Option<Protocol> {
    written.unwrap_or("TCP").parse().ok()
}

fn state_of_endpoint(endpoint: &discovery::Endpoint) -> State {
    let conditions = endpoint.conditions.as_ref();
    let is_ready = conditions.and_then(|conditions| conditions.ready) != Some(false);
    let serves = conditions.and_then(|conditions| conditions.serving);
    let is_terminating = conditions.and_then(|conditions| conditions.terminating);
    State {
        is_ready,
        serves: serves.unwrap_or(is_ready),
        is_terminating: is_terminating == Some(true),
    }
}

fn hints(endpoint: &discovery::Endpoint) -> Vec<&str> {
    let zones = endpoint.hints.iter().flat_map(|hints| &hints.for_zones);
    zones.flatten().map(|zone| zone.name.as_str()).collect()
}

fn slices_by_service(cluster: &Cluster) -> BTreeMap<ObjectName, Vec<&EndpointSlice>> {
    let mut slices: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, slice) in &cluster.endpoint_slices {
        if let Some(service) = slice.service() {
            let service = ObjectName::new(&name.namespace, service);
            slices.entry(service).or_default().push(slice);
        }
    }
    slices
}

fn pods_by_label(cluster: &Cluster) -> HashMap<Labelled<'_>, Vec<&Pod>> {
    let mut pods: HashMap<_, Vec<_>> = HashMap::new();
    for (name, pod) in &cluster.pods {
        for (key, value) in &pod.labels {
            let labelled = (name.namespace.as_str(), key.as_str(), value.as_str());
            pods.entry(labelled).or_default().push(pod);
        }
    }
    pods
}
