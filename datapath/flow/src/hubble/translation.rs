//! From our flows to Hubble's.

use super::{
    DropDescription, Endpoint, EventType, Flow, Icmp, Ip, Layer4, Policy, PolicyMatch, Ports,
    Service, TrafficDirection, Verdict, Workload,
};
use crate::{End, Party, PodParty, Side};
use abi::{Disposition, DropReason, Hook, PolicyAction, protocol};
use manifest::PolicyName;
use std::net::SocketAddr;

impl From<&crate::Flow> for Flow {
    fn from(flow: &crate::Flow) -> Self {
        let node = flow.observer().map(|pod| &*pod.node);
        let direction = direction(flow);
        let description = description(flow);
        Self {
            time: Some(flow.time),
            verdict: verdict(flow.disposition),
            drop_reason: description.map_or(0, |description| description.number),
            ip: ip(flow),
            l4: layer4(flow),
            source: Some(endpoint(&flow.source, node)),
            destination: Some(endpoint(&flow.destination, node)),
            destination_service: service(flow),
            virtual_destination: virtual_destination(flow),
            kind: "L3_L4".to_owned(),
            node_name: node.unwrap_or_default().to_owned(),
            event_type: Some(event_type(flow)),
            traffic_direction: direction,
            policy_match_type: policy_match(flow, direction) as u32,
            drop_reason_desc: description.map_or("", |it| it.name).to_owned(),
            is_reply: is_reply(flow),
            summary: summary(flow.protocol),
            egress_allowed_by: policies(&flow.egress, allows),
            ingress_allowed_by: policies(&flow.ingress, allows),
            egress_denied_by: policies(&flow.egress, denies),
            ingress_denied_by: policies(&flow.ingress, denies),
        }
    }
}

const fn verdict(disposition: Disposition) -> Verdict {
    match disposition {
        Disposition::Allowed => Verdict::Forwarded,
        Disposition::Denied | Disposition::Dropped => Verdict::Dropped,
        Disposition::Audited => Verdict::Audit,
    }
}

fn allows(action: PolicyAction) -> bool {
    action == PolicyAction::Allow
}

fn denies(action: PolicyAction) -> bool {
    !allows(action)
}

fn side_denies(side: &Side) -> bool {
    side.verdict().is_some_and(|verdict| denies(verdict.action))
}

/// That of the end that denies or audits; else of where the packet was seen.
pub(crate) fn direction(flow: &crate::Flow) -> TrafficDirection {
    match (flow.reason, flow.hook) {
        (Some(DropReason::PolicyDeniedEgress), _) => TrafficDirection::Egress,
        (Some(DropReason::PolicyDeniedIngress), _) => TrafficDirection::Ingress,
        _ if side_denies(&flow.egress) => TrafficDirection::Egress,
        _ if side_denies(&flow.ingress) => TrafficDirection::Ingress,
        (_, Hook::FromEndpoint | Hook::ToOverlay | Hook::ToNetwork) => TrafficDirection::Egress,
        (_, Hook::ToEndpoint | Hook::FromNetwork | Hook::FromOverlay) => TrafficDirection::Ingress,
    }
}

const fn side(flow: &crate::Flow, direction: TrafficDirection) -> &Side {
    match direction {
        TrafficDirection::Egress | TrafficDirection::Unknown => &flow.egress,
        TrafficDirection::Ingress => &flow.ingress,
    }
}

/// What no policy dropped has no match; in JSON that is the same as [`PolicyMatch::None`].
fn policy_match(flow: &crate::Flow, direction: TrafficDirection) -> PolicyMatch {
    match side(flow, direction) {
        _ if flow.disposition == Disposition::Dropped => PolicyMatch::None,
        Side::Decided(verdict) if verdict.by_default => PolicyMatch::None,
        Side::Decided(_) | Side::Forgotten => PolicyMatch::L3L4,
        Side::NoPolicy | Side::NotAsked => PolicyMatch::All,
    }
}

fn description(flow: &crate::Flow) -> Option<DropDescription> {
    let description = DropDescription::of(flow.reason?);
    let decided = side(flow, direction(flow)).verdict();
    let by_rule = decided.is_some_and(|verdict| !verdict.by_default);
    if description == DropDescription::POLICY_DENIED && by_rule {
        return Some(DropDescription::POLICY_DENY);
    }
    Some(description)
}

fn event_type(flow: &crate::Flow) -> EventType {
    let reason = flow
        .reason
        .filter(|_| flow.disposition == Disposition::Dropped);
    match reason {
        Some(reason) => EventType {
            number: EventType::DROP,
            detail: DropDescription::of(reason).number.cast_signed(),
        },
        None => EventType {
            number: EventType::POLICY_VERDICT,
            detail: 0,
        },
    }
}

/// Policies are asked about what opens a connection; what a revoked connection drops are its replies.
fn is_reply(flow: &crate::Flow) -> Option<bool> {
    match flow.reason {
        Some(DropReason::ConnectionRevoked) => Some(true),
        _ if flow.disposition == Disposition::Dropped => None,
        _ => Some(false),
    }
}

fn ip(flow: &crate::Flow) -> Option<Ip> {
    let (source, destination) = (flow.source.address, flow.destination.address);
    let is_known = !(source.is_unspecified() && destination.is_unspecified());
    let version = if source.is_ipv4() { "IPv4" } else { "IPv6" };
    is_known.then(|| Ip {
        source,
        destination,
        version: version.to_owned(),
    })
}

fn layer4(flow: &crate::Flow) -> Option<Layer4> {
    let mut layer4 = Layer4::default();
    let ports = Some(Ports {
        source_port: flow.source.port.unwrap_or_default(),
        destination_port: flow.destination.port.unwrap_or_default(),
    });
    match flow.protocol {
        protocol::TCP => layer4.tcp = ports,
        protocol::UDP => layer4.udp = ports,
        protocol::SCTP => layer4.sctp = ports,
        protocol::ICMP => layer4.icmp = Some(Icmp {}),
        protocol::ICMPV6 => layer4.icmpv6 = Some(Icmp {}),
        _ => return None,
    }
    Some(layer4)
}

fn summary(number: u8) -> String {
    match number {
        0 => String::new(),
        protocol::ICMP => "ICMPv4".to_owned(),
        other => crate::display::protocol_name(other),
    }
}

fn endpoint(end: &End, node: Option<&str>) -> Endpoint {
    let identity = end.identity.0;
    let reserved = match &end.party {
        Party::Pod(pod) => return pod_endpoint(identity, pod),
        Party::Node(name) if node.is_none_or(|node| node == &**name) => "reserved:host",
        Party::Node(_) => "reserved:remote-node",
        Party::World => "reserved:world",
    };
    Endpoint {
        identity,
        labels: vec![reserved.to_owned()],
        ..Endpoint::default()
    }
}

fn service(flow: &crate::Flow) -> Option<Service> {
    let service = flow.frontend.as_ref()?.service.as_ref()?;
    Some(Service {
        name: service.name.clone(),
        namespace: service.namespace.clone(),
    })
}

fn virtual_destination(flow: &crate::Flow) -> String {
    match &flow.frontend {
        None => String::new(),
        Some(end) => match end.port {
            Some(port) => SocketAddr::new(end.address, port).to_string(),
            None => end.address.to_string(),
        },
    }
}

fn pod_endpoint(identity: u32, pod: &PodParty) -> Endpoint {
    let namespace = &pod.name.namespace;
    let labels = pod.labels.iter();
    let mut labels: Vec<String> = labels
        .map(|(key, value)| format!("k8s:{key}={value}"))
        .chain([format!("k8s:io.kubernetes.pod.namespace={namespace}")])
        .collect();
    labels.sort_unstable();
    let workloads = pod.workload.iter().map(|workload| Workload {
        name: workload.name.clone(),
        kind: workload.kind.clone(),
    });
    Endpoint {
        identity,
        namespace: namespace.clone(),
        labels,
        pod_name: pod.name.name.clone(),
        workloads: workloads.collect(),
    }
}

/// The policies of a side that does something of this kind.
fn policies(side: &Side, does: fn(PolicyAction) -> bool) -> Vec<Policy> {
    let decided = side.verdict().filter(|verdict| does(verdict.action));
    let policies = decided.map_or(&[][..], |verdict| &verdict.policies);
    policies.iter().map(Policy::from).collect()
}

impl From<&PolicyName> for Policy {
    fn from(policy: &PolicyName) -> Self {
        Self {
            name: policy.name.clone(),
            namespace: policy.namespace.clone().unwrap_or_default(),
            kind: policy.kind.name().to_owned(),
        }
    }
}
