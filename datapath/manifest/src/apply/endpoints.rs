//! Whether services find endpoints, and whether what slices say of pods is so.

use crate::{Cluster, Diagnostic, EndpointSlice, ObjectName, Origin, Pod, Service, Severity};
use k8s_openapi::api::core::v1::{ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::Endpoint;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// A warning for each of these services that nobody serves, and for each of their ports that nobody has.
pub(super) fn of_services(cluster: &Cluster, names: &[ObjectName]) -> Vec<Diagnostic> {
    let with_slices: BTreeSet<_> = cluster
        .endpoint_slices
        .iter()
        .filter_map(|(name, slice)| Some(ObjectName::new(&name.namespace, slice.service()?)))
        .collect();
    let without = names.iter().filter(|name| !with_slices.contains(name));
    without
        .flat_map(|name| match cluster.services.get(name) {
            Some(service) => of_selector(cluster, name, service),
            None => vec![],
        })
        .collect()
}

fn of_selector(cluster: &Cluster, name: &ObjectName, service: &Service) -> Vec<Diagnostic> {
    let Some(spec) = &service.object.spec else {
        return vec![];
    };
    if spec.type_.as_deref() == Some("ExternalName") {
        return vec![];
    }
    let about = |field: &str, message: String, help: String| {
        let subject = format!("Service {name}: {field}");
        warning(&service.origin, field, subject, message, help)
    };
    let Some(selector) = spec
        .selector
        .as_ref()
        .filter(|selector| !selector.is_empty())
    else {
        return vec![about(
            "spec.selector",
            "there is neither a selector nor an EndpointSlice: nobody serves it".to_owned(),
            format!(
                "write a selector, or slices with the label kubernetes.io/service-name: {}",
                name.name
            ),
        )];
    };
    let pods = cluster.pods.iter();
    let pods = pods.filter(|(pod, _)| pod.namespace == name.namespace);
    let is_selected = |pod: &Pod| {
        selector
            .iter()
            .all(|(key, value)| pod.labels.get(key) == Some(value))
    };
    let pods = pods.map(|(_, pod)| pod);
    let pods: Vec<_> = pods.filter(|pod| is_selected(pod)).collect();
    if pods.is_empty() {
        return vec![about(
            "spec.selector",
            format!(
                "selects no pod of namespace {}: nobody serves it",
                name.namespace
            ),
            "compare it with the labels of the pods".to_owned(),
        )];
    }
    let lacking = unknown_targets(spec, &pods);
    let lacking = lacking.map(|(index, port)| {
        let field = format!("spec.ports[{index}].targetPort");
        let message = format!("no pod that it selects has a port {port:?}: nobody serves it");
        about(&field, message, names_of_ports(&pods))
    });
    lacking.collect()
}

/// The ports whose target has a name that no pod gives to any of its ports.
fn unknown_targets<'a>(
    spec: &'a ServiceSpec,
    pods: &'a [&Pod],
) -> impl Iterator<Item = (usize, &'a String)> {
    let ports = spec.ports.iter().flatten().enumerate();
    ports.filter_map(|(index, port)| match &port.target_port {
        Some(IntOrString::String(name)) if !are_known(name, port, pods) => Some((index, name)),
        _ => None,
    })
}

fn are_known(name: &String, port: &ServicePort, pods: &[&Pod]) -> bool {
    let protocol = port.protocol.as_deref().unwrap_or("TCP");
    let mut ports = pods.iter().flat_map(|pod| &pod.ports);
    ports.any(|own| own.name.as_ref() == Some(name) && own.protocol.to_string() == protocol)
}

fn names_of_ports(pods: &[&Pod]) -> String {
    let ports = pods.iter().flat_map(|pod| &pod.ports);
    let named =
        ports.filter_map(|port| Some(format!("{} ({})", port.name.as_ref()?, port.protocol)));
    let named: BTreeSet<_> = named.collect();
    if named.is_empty() {
        return "name a port of their containers, or write its number".to_owned();
    }
    let named: Vec<_> = named.into_iter().collect();
    format!("they have {}", named.join(", "))
}

/// A warning for each of these slices that is of no service, and for each of their endpoints that is not as pods are.
pub(super) fn of_slices(cluster: &Cluster, names: &[ObjectName]) -> Vec<Diagnostic> {
    let slices = names.iter();
    let slices = slices.filter_map(|name| Some((name, cluster.endpoint_slices.get(name)?)));
    slices
        .flat_map(|(name, slice)| {
            let endpoints = slice.object.endpoints.iter().enumerate();
            let astray = endpoints
                .filter_map(|(index, endpoint)| astray(cluster, name, slice, index, endpoint));
            homeless(cluster, name, slice).into_iter().chain(astray)
        })
        .collect()
}

fn homeless(cluster: &Cluster, name: &ObjectName, slice: &EndpointSlice) -> Option<Diagnostic> {
    let field = "metadata.labels[kubernetes.io/service-name]";
    let (message, help) = match slice.service() {
        None => (
            "has no label kubernetes.io/service-name: it is of no service".to_owned(),
            "give it the label, with the name of its service",
        ),
        Some(service) => {
            let service = ObjectName::new(&name.namespace, service);
            if cluster.services.contains_key(&service) {
                return None;
            }
            (
                format!("there is no Service {service}"),
                "until there is, its endpoints serve nobody",
            )
        }
    };
    let subject = format!("EndpointSlice {name}");
    Some(warning(
        &slice.origin,
        field,
        subject,
        message,
        help.to_owned(),
    ))
}

/// The warning about an endpoint that contradicts the pod it stands for.
fn astray(
    cluster: &Cluster,
    name: &ObjectName,
    slice: &EndpointSlice,
    index: usize,
    endpoint: &Endpoint,
) -> Option<Diagnostic> {
    let target = endpoint.target_ref.as_ref()?;
    let (Some("Pod"), Some(pod_name)) = (target.kind.as_deref(), &target.name) else {
        return None;
    };
    let namespace = target.namespace.as_ref().unwrap_or(&name.namespace);
    let pod_name = ObjectName::new(namespace, pod_name);
    let about = |field: &str, message: String| {
        let field = format!("endpoints[{index}].{field}");
        let subject = format!("EndpointSlice {name}: {field}");
        let help = "what the slice says is in force; correct it if it is out of date".to_owned();
        warning(&slice.origin, &field, subject, message, help)
    };
    let Some(pod) = cluster.pods.get(&pod_name) else {
        return Some(about("targetRef", format!("there is no Pod {pod_name}")));
    };
    let addresses = endpoint.addresses.iter().enumerate();
    let mut read = addresses.filter_map(|(at, text)| Some((at, text.parse::<IpAddr>().ok()?)));
    if let Some((at, address)) = read.find(|(_, address)| !pod.addresses.contains(*address)) {
        let own: Vec<_> = pod.addresses.iter().map(|own| own.to_string()).collect();
        let message = format!(
            "{address} is not an address of Pod {pod_name}, {}",
            own.join(", ")
        );
        return Some(about(&format!("addresses[{at}]"), message));
    }
    let node = endpoint
        .node_name
        .as_ref()
        .filter(|node| **node != pod.node)?;
    Some(about(
        "nodeName",
        format!("{node} is not the node of Pod {pod_name}, {}", pod.node),
    ))
}

fn warning(
    origin: &Origin,
    field: &str,
    subject: String,
    message: String,
    help: String,
) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        location: origin.locate(field),
        subject,
        message,
        help: Some(help),
        snippet: None,
    }
}
