//! The endpoints of a service's port.

use super::Source;
use super::address::{Offer, protocol};
use k8s_openapi::api::core::v1::ServicePort;
use k8s_openapi::api::discovery::v1::{self as discovery, EndpointPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::{Cluster, Pod};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// The label of slices that names their service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The label of nodes that names their zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Somebody who may serve a port of a service.
#[derive(Clone, Debug)]
pub(super) struct Endpoint<'a> {
    pub(super) end: SocketAddr,
    pub(super) node: Option<&'a String>,
    pub(super) zone: Option<&'a String>,
    /// The zones whose clients it is meant for; empty where its slice does not say.
    pub(super) hints: Vec<&'a String>,
    is_ready: bool,
    serves: bool,
    is_terminating: bool,
}

impl Endpoint<'_> {
    /// Whether new connections go to it. One that is about to end is ready all the same if its slice says so: that of a
    /// service that publishes addresses that are not ready does.
    pub(super) fn takes_new(&self) -> bool {
        self.is_ready
    }

    /// Whether it is about to end, and serves until then.
    pub(super) fn serves_to_the_end(&self) -> bool {
        self.serves && self.is_terminating
    }
}

/// The endpoints with addresses of the family of `address`: those of the service's slices if it has any, else the pods
/// that it selects.
pub(super) fn endpoints<'a>(
    cluster: &'a Cluster,
    offer: &Offer<'a>,
    address: IpAddr,
) -> Vec<Endpoint<'a>> {
    let slices = slices(cluster, offer);
    let mut found = if slices.is_empty() {
        selected(cluster, offer)
    } else {
        let of_slice = |slice| of_slice(cluster, offer.port, slice);
        slices.into_iter().flat_map(of_slice).collect()
    };
    found.retain(|endpoint| endpoint.end.is_ipv4() == address.is_ipv4());
    found
}

/// The slices of the service.
fn slices<'a>(cluster: &'a Cluster, offer: &Offer<'_>) -> Vec<&'a discovery::EndpointSlice> {
    let slices = cluster.endpoint_slices.iter();
    let slices = slices.filter(|(name, slice)| {
        let labels = slice.object.metadata.labels.as_ref();
        let service = labels.and_then(|labels| labels.get(SERVICE_NAME));
        name.namespace == offer.name.namespace && service == Some(&offer.name.name)
    });
    slices.map(|(_, slice)| &slice.object).collect()
}

/// What says who is behind the service.
pub(super) fn source(cluster: &Cluster, offer: &Offer<'_>) -> Source {
    match (slices(cluster, offer).len(), selector(offer)) {
        (0, None) => Source::Nothing,
        (0, Some(_)) => Source::Selector(matching(cluster, offer).count()),
        (count, _) => Source::Slices(count),
    }
}

/// The pods that the service selects, at the port that each of them has for it. Without a selector it selects nobody.
fn selected<'a>(cluster: &'a Cluster, offer: &Offer<'a>) -> Vec<Endpoint<'a>> {
    let takes_unready = offer.spec.publish_not_ready_addresses == Some(true);
    let pods = matching(cluster, offer);
    let endpoints = pods.filter_map(|pod| {
        let port = target_port(offer.port, pod)?;
        let zone = zone_of(cluster, &pod.node);
        let endpoint = move |address| Endpoint {
            end: SocketAddr::new(address, port),
            node: Some(&pod.node),
            zone,
            hints: Vec::new(),
            is_ready: takes_unready || pod.ready && !pod.terminating,
            serves: pod.ready,
            is_terminating: pod.terminating,
        };
        Some(pod.addresses.iter().map(endpoint))
    });
    endpoints.flatten().collect()
}

/// The pods that the service selects.
fn matching<'a>(cluster: &'a Cluster, offer: &Offer<'a>) -> impl Iterator<Item = &'a Pod> {
    let selector = selector(offer);
    let namespace = &offer.name.namespace;
    let pods = cluster.pods.iter().filter(move |(name, pod)| {
        let has = |(key, value)| pod.labels.get(key) == Some(value);
        name.namespace == *namespace && selector.is_some_and(|wanted| wanted.iter().all(has))
    });
    pods.map(|(_, pod)| pod)
}

/// What a service selects pods by. An empty selector selects nobody.
fn selector<'a>(offer: &Offer<'a>) -> Option<&'a BTreeMap<String, String>> {
    let selector = offer.spec.selector.as_ref();
    selector.filter(|wanted| !wanted.is_empty())
}

/// A number is the same for all; a name is the port that the pod calls so, of the service port's protocol.
fn target_port(port: &ServicePort, pod: &Pod) -> Option<u16> {
    let number = match &port.target_port {
        Some(IntOrString::String(name)) => {
            let mut ports = pod.ports.iter();
            return ports
                .find(|own| {
                    own.name.as_ref() == Some(name)
                        && protocol(port.protocol.as_deref()) == Some(own.protocol)
                })
                .map(|own| own.port);
        }
        Some(IntOrString::Int(number)) if *number != 0 => *number,
        _ => port.port,
    };
    u16::try_from(number).ok()
}

/// The endpoints of a slice at its port of the same name and protocol. An endpoint's first address counts: no meaning is
/// defined for others.
fn of_slice<'a>(
    cluster: &'a Cluster,
    port: &ServicePort,
    slice: &'a discovery::EndpointSlice,
) -> Vec<Endpoint<'a>> {
    let mut ports = slice.ports.iter().flatten();
    let port = ports.find(|own| is_same(own, port));
    let port = port.and_then(|own| u16::try_from(own.port?).ok());
    let Some(port) = port else {
        return Vec::new();
    };
    let endpoints = slice.endpoints.iter();
    let endpoints = endpoints.filter_map(|endpoint| {
        let address = endpoint.addresses.first()?.parse().ok()?;
        Some(of_entry(cluster, endpoint, SocketAddr::new(address, port)))
    });
    endpoints.collect()
}

fn is_same(own: &EndpointPort, port: &ServicePort) -> bool {
    own.name.as_deref().unwrap_or_default() == port.name.as_deref().unwrap_or_default()
        && protocol(own.protocol.as_deref()) == protocol(port.protocol.as_deref())
}

/// Conditions as the API text says: ready where nothing is said, serving where ready, not terminating. Without `nodeName`
/// it is on no node, whoever has the address: only the slice says where its endpoints are.
fn of_entry<'a>(
    cluster: &'a Cluster,
    entry: &'a discovery::Endpoint,
    end: SocketAddr,
) -> Endpoint<'a> {
    let conditions = entry.conditions.clone().unwrap_or_default();
    let is_ready = conditions.ready != Some(false);
    let node = entry.node_name.as_ref();
    let zones = entry
        .hints
        .iter()
        .flat_map(|hints| hints.for_zones.iter().flatten());
    Endpoint {
        end,
        node,
        zone: entry.zone.as_ref().or_else(|| zone_of(cluster, node?)),
        hints: zones.map(|zone| &zone.name).collect(),
        is_ready,
        serves: conditions.serving.unwrap_or(is_ready),
        is_terminating: conditions.terminating == Some(true),
    }
}

/// The zone that a node is in, if its label says so.
pub(super) fn zone_of<'a>(cluster: &'a Cluster, node: &str) -> Option<&'a String> {
    cluster.nodes.get(node)?.labels.get(ZONE)
}
