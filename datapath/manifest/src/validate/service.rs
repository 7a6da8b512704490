//! Services, checked as an API server checks them (`ValidateService` in `pkg/apis/core/validation/validation.go` of
//! Kubernetes).

use super::findings::Findings;
use super::{address, cidr, labels, name, port_name, port_number, protocol, service_address};
use crate::Protocol;
use crate::report::Problem;
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

/// The annotation that says how backends are chosen.
const ALGORITHM: &str = "service.plumbline/lb-algorithm";

/// How long a client may stay with its backend, seconds.
const LONGEST_AFFINITY: i32 = 86_400;

/// Checks a service.
pub(crate) fn service(service: &Service) -> Findings {
    let mut findings = Findings::default();
    let Some(spec) = &service.spec else {
        let help = "a service needs at least spec.ports";
        findings.warning("spec", "is missing: nobody reaches the service", help);
        return findings;
    };
    let types = ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"];
    findings.one_of("spec.type", spec.type_.as_deref(), &types);
    let selector = spec.selector.as_ref();
    let selected = selector.map(|selector| labels(selector, "spec.selector"));
    findings.errors.extend(selected.unwrap_or_default());
    findings.algorithm(service);
    findings.service_ports(spec);
    findings.affinity(spec);
    findings.traffic_policies(spec);
    findings.load_balancer(spec);
    findings.external_name(spec);
    service_address::check(spec, service, &mut findings);
    findings
}

/// The type of a service.
pub(super) fn kind(spec: &ServiceSpec) -> &str {
    spec.type_.as_deref().unwrap_or("ClusterIP")
}

fn is_headless(spec: &ServiceSpec) -> bool {
    spec.cluster_ip.as_deref() == Some("None")
}

fn has_node_ports(spec: &ServiceSpec) -> bool {
    matches!(kind(spec), "NodePort" | "LoadBalancer")
}

/// A number among the ports that are kept for nodes.
fn node_port(number: i32) -> Result<(), Problem> {
    let is_kept = (30_000..=32_767).contains(&number);
    is_kept.then_some(()).ok_or_else(|| {
        Problem::new(format!("{number} is not a node port"))
            .help("use a number from 30000 to 32767, or none to get one assigned")
    })
}

impl Findings {
    fn algorithm(&mut self, service: &Service) {
        let annotations = service.metadata.annotations.as_ref();
        let written = annotations.and_then(|annotations| annotations.get(ALGORITHM));
        let path = format!("metadata.annotations[{ALGORITHM}]");
        self.one_of(&path, written.map(String::as_str), &["random", "maglev"]);
    }

    fn service_ports(&mut self, spec: &ServiceSpec) {
        let ports = spec.ports.as_deref().unwrap_or_default();
        if ports.is_empty() && !is_headless(spec) && kind(spec) != "ExternalName" {
            self.error(
                "spec.ports",
                "is missing",
                "a service needs at least one port, unless it is headless (clusterIP: None)",
            );
        }
        for (index, port) in ports.iter().enumerate() {
            self.service_port(port, &format!("spec.ports[{index}]"), spec);
        }
        self.ports_twice(ports);
    }

    fn service_port(&mut self, port: &ServicePort, path: &str, spec: &ServiceSpec) {
        match port.name.as_deref().unwrap_or_default() {
            "" if spec.ports.as_ref().is_some_and(|ports| ports.len() > 1) => self.error(
                format!("{path}.name"),
                "is missing",
                "where there are several ports, each needs a name",
            ),
            "" => {}
            text => _ = self.check(name::label(text), format!("{path}.name")),
        }
        self.check(port_number(port.port.into()), format!("{path}.port"));
        if let Some(text) = &port.protocol {
            self.check(protocol(text), format!("{path}.protocol"));
        }
        let target = match &port.target_port {
            Some(IntOrString::Int(number)) => port_number((*number).into()).map(|_| ()),
            Some(IntOrString::String(name)) => port_name(name),
            None => Ok(()),
        };
        self.check(target, format!("{path}.targetPort"));
        if let Some(number) = port.node_port.filter(|number| *number != 0) {
            self.node_port(number, format!("{path}.nodePort"), spec);
        }
    }

    fn node_port(&mut self, number: i32, path: String, spec: &ServiceSpec) {
        if has_node_ports(spec) {
            self.check(node_port(number), path);
        } else {
            let message = format!("a service of type {} has no node ports", kind(spec));
            self.error(
                path,
                message,
                "remove it, or use type NodePort or LoadBalancer",
            );
        }
    }

    /// Notes names, ports and node ports that two ports of the service have.
    fn ports_twice(&mut self, ports: &[ServicePort]) {
        let mut seen: BTreeMap<(Option<Protocol>, String), usize> = BTreeMap::new();
        for (index, port) in ports.iter().enumerate() {
            let protocol = protocol(port.protocol.as_deref().unwrap_or("TCP")).ok();
            let name = port.name.as_ref().filter(|name| !name.is_empty());
            let node_port = port.node_port.filter(|number| *number != 0);
            let fields = [
                name.map(|name| (None, "name", format!("{name:?}"))),
                Some((protocol, "port", format!("port {}", port.port))),
                node_port.map(|number| (protocol, "nodePort", format!("node port {number}"))),
            ];
            for (protocol, field, text) in fields.into_iter().flatten() {
                let first = *seen.entry((protocol, text.clone())).or_insert(index);
                if first != index {
                    let path = format!("spec.ports[{index}].{field}");
                    let message = format!("{text} is that of spec.ports[{first}], too");
                    self.error(path, message, "each port needs its own");
                }
            }
        }
    }

    fn affinity(&mut self, spec: &ServiceSpec) {
        let affinity = spec.session_affinity.as_deref();
        self.one_of("spec.sessionAffinity", affinity, &["None", "ClientIP"]);
        let Some(config) = &spec.session_affinity_config else {
            return;
        };
        if affinity != Some("ClientIP") {
            return self.error(
                "spec.sessionAffinityConfig",
                "is for sessionAffinity: ClientIP alone",
                "remove it, or write sessionAffinity: ClientIP",
            );
        }
        let client_ip = config.client_ip.as_ref();
        if let Some(seconds) = client_ip.and_then(|client_ip| client_ip.timeout_seconds)
            && !(1..=LONGEST_AFFINITY).contains(&seconds)
        {
            self.error(
                "spec.sessionAffinityConfig.clientIP.timeoutSeconds",
                format!("{seconds} is not a time that a client can stay"),
                "use 1 to 86400 seconds",
            );
        }
    }

    fn traffic_policies(&mut self, spec: &ServiceSpec) {
        let policies = ["Cluster", "Local"];
        let external = spec.external_traffic_policy.as_deref();
        let external = external.filter(|text| !text.is_empty());
        self.one_of("spec.externalTrafficPolicy", external, &policies);
        let internal = spec.internal_traffic_policy.as_deref();
        self.one_of("spec.internalTrafficPolicy", internal, &policies);
        let has_external_ips = spec.external_ips.iter().any(|ips| !ips.is_empty());
        if external.is_some() && !has_node_ports(spec) && !has_external_ips {
            self.error(
                "spec.externalTrafficPolicy",
                "nobody outside reaches this service",
                "remove it, or use type NodePort or LoadBalancer, or externalIPs",
            );
        }
        let choices = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        let distribution = spec.traffic_distribution.as_deref();
        self.one_of("spec.trafficDistribution", distribution, &choices);
    }

    fn load_balancer(&mut self, spec: &ServiceSpec) {
        let is_balancer = kind(spec) == "LoadBalancer";
        let is_local = spec.external_traffic_policy.as_deref() == Some("Local");
        if let Some(number) = spec.health_check_node_port.filter(|number| *number != 0) {
            let path = "spec.healthCheckNodePort";
            if is_balancer && is_local {
                self.check(node_port(number), path);
            } else {
                let help =
                    "remove it: it is for type LoadBalancer with externalTrafficPolicy: Local";
                self.error(path, "there is nothing to check from outside", help);
            }
        }
        let ranges = spec.load_balancer_source_ranges.iter().flatten();
        for (index, range) in ranges.enumerate() {
            let path = format!("spec.loadBalancerSourceRanges[{index}]");
            self.check(cidr(range.trim()), path);
        }
        if let Some(text) = spec
            .load_balancer_ip
            .as_ref()
            .filter(|text| !text.is_empty())
        {
            self.check(address(text), "spec.loadBalancerIP");
        }
        let fields = [
            (
                "loadBalancerSourceRanges",
                spec.load_balancer_source_ranges.is_some(),
            ),
            ("loadBalancerClass", spec.load_balancer_class.is_some()),
            (
                "allocateLoadBalancerNodePorts",
                spec.allocate_load_balancer_node_ports.is_some(),
            ),
        ];
        for (field, _) in fields
            .iter()
            .filter(|(_, written)| *written && !is_balancer)
        {
            let path = format!("spec.{field}");
            let help = "remove it, or use type LoadBalancer";
            self.error(path, "is for type LoadBalancer alone", help);
        }
    }

    fn external_name(&mut self, spec: &ServiceSpec) {
        if kind(spec) != "ExternalName" {
            return;
        }
        let text = spec.external_name.as_deref().unwrap_or_default();
        if text.is_empty() {
            let help = "write the DNS name that the service stands for";
            return self.error("spec.externalName", "is missing", help);
        }
        self.check(
            name::subdomain(text.strip_suffix('.').unwrap_or(text)),
            "spec.externalName",
        );
        self.warning(
            "spec.type",
            "ExternalName is not a matter of the datapath",
            "DNS answers with another name: no packet is translated, so there is nothing to check here",
        );
    }
}
