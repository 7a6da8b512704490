//! Network policies, checked as an API server checks them
//! (`pkg/apis/networking/validation/validation.go` of Kubernetes).

use super::address::cidr;
use super::findings::Findings;
use super::port::{port_name, port_number, protocol};
use super::selector::selector;
use crate::report::Problem;
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Checks a policy.
pub(crate) fn network_policy(spec: &NetworkPolicySpec) -> Findings {
    let mut findings = Findings::default();
    if let Some(pods) = &spec.pod_selector {
        findings.errors.extend(selector(pods, "spec.podSelector"));
    }
    for (index, rule) in spec.ingress.iter().flatten().enumerate() {
        let path = format!("spec.ingress[{index}]");
        findings.ports(rule.ports.as_deref(), &path);
        findings.peers(rule.from.as_deref(), &format!("{path}.from"));
    }
    for (index, rule) in spec.egress.iter().flatten().enumerate() {
        let path = format!("spec.egress[{index}]");
        findings.ports(rule.ports.as_deref(), &path);
        findings.peers(rule.to.as_deref(), &format!("{path}.to"));
    }
    findings.policy_types(spec.policy_types.as_deref().unwrap_or_default());
    findings
}

impl Findings {
    fn ports(&mut self, ports: Option<&[NetworkPolicyPort]>, rule: &str) {
        for (index, port) in ports.unwrap_or_default().iter().enumerate() {
            self.port(port, &format!("{rule}.ports[{index}]"));
        }
    }

    fn port(&mut self, port: &NetworkPolicyPort, path: &str) {
        if let Some(name) = &port.protocol {
            self.check(protocol(name), format!("{path}.protocol"));
        }
        let (port_path, end_path) = (format!("{path}.port"), format!("{path}.endPort"));
        match (&port.port, port.end_port) {
            (Some(IntOrString::Int(number)), end) => {
                self.check(port_number((*number).into()), port_path);
                if let Some(end) = end {
                    self.end_port(*number, end, end_path);
                }
            }
            (Some(IntOrString::String(name)), end) => {
                self.check(port_name(name), port_path);
                if let Some(end) = end {
                    self.error(
                        end_path,
                        format!("{end} cannot end a range that begins with the name {name:?}"),
                        "use a number as port, or remove endPort",
                    );
                }
            }
            (None, Some(end)) => self.error(
                end_path,
                format!("{end} ends a range that has no beginning"),
                "write the first port as port, or remove endPort",
            ),
            (None, None) => {}
        }
    }

    fn end_port(&mut self, port: i32, end: i32, path: String) {
        if self.check(port_number(end.into()), path.clone()).is_some() && end < port {
            self.error(
                path,
                format!("{end} is below port {port}"),
                "endPort is the last port of the range: use port or more",
            );
        }
    }

    fn peers(&mut self, peers: Option<&[NetworkPolicyPeer]>, list: &str) {
        for (index, peer) in peers.unwrap_or_default().iter().enumerate() {
            self.peer(peer, &format!("{list}[{index}]"));
        }
    }

    fn peer(&mut self, peer: &NetworkPolicyPeer, path: &str) {
        if let Some(pods) = &peer.pod_selector {
            self.errors
                .extend(selector(pods, &format!("{path}.podSelector")));
        }
        if let Some(namespaces) = &peer.namespace_selector {
            self.errors
                .extend(selector(namespaces, &format!("{path}.namespaceSelector")));
        }
        let selects = peer.pod_selector.is_some() || peer.namespace_selector.is_some();
        match (&peer.ip_block, selects) {
            (None, true) => {}
            (None, false) => self.error(path, "a peer needs podSelector, namespaceSelector or ipBlock",
                "for all pods of all namespaces write namespaceSelector: {}; for everything leave the list out"),
            (Some(block), selects) => {
                let except = block.except.as_deref().unwrap_or_default();
                self.block(&block.cidr, except, &format!("{path}.ipBlock"));
                if selects {
                    self.error(path, "ipBlock cannot be together with podSelector or namespaceSelector",
                        "make two peers of it: a connection needs to match only one of them");
                }
            }
        }
    }

    /// The block at `path`: a CIDR and exceptions, which lie within it.
    pub(super) fn block(&mut self, block: &str, except: &[String], path: &str) {
        let cidr_path = format!("{path}.cidr");
        if block.is_empty() {
            return self.error(
                cidr_path,
                "is missing",
                "write the addresses as a CIDR like 10.0.0.0/8",
            );
        }
        let Some(outer) = self.cidr(block, cidr_path) else {
            return;
        };
        for (index, except) in except.iter().enumerate() {
            let except_path = format!("{path}.except[{index}]");
            let Some(inner) = self.cidr(except, except_path.clone()) else {
                continue;
            };
            if inner.prefix_len() <= outer.prefix_len() || !outer.contains(&inner.network()) {
                self.error(
                    except_path,
                    format!("{except} is not a part of {block}"),
                    "an exception must lie within cidr and be smaller",
                );
            }
        }
    }

    /// The CIDR at `path`, masked; host bits are worth a warning.
    pub(super) fn cidr(&mut self, text: &str, path: String) -> Option<IpNet> {
        let written = self.check(cidr(text), path.clone())?;
        let masked = written.trunc();
        if written != masked {
            self.warnings.push(
                Problem::new(format!("{text} has bits set beyond its prefix"))
                    .path(path)
                    .help(format!("it is read as {masked}: write it like that")),
            );
        }
        Some(masked)
    }

    fn policy_types(&mut self, types: &[String]) {
        if types.len() > 2 {
            return self.error(
                "spec.policyTypes",
                "has more than two entries",
                "use Ingress, Egress or both",
            );
        }
        for (index, name) in types.iter().enumerate() {
            if !matches!(name.as_str(), "Ingress" | "Egress") {
                self.error(
                    format!("spec.policyTypes[{index}]"),
                    format!("{name:?} is not a policy type"),
                    "use Ingress, Egress or both",
                );
            }
        }
    }
}
