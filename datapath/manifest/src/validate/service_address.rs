//! The addresses of services.

use super::address;
use super::findings::Findings;
use super::service::kind;
use crate::report::Problem;
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use std::net::IpAddr;

/// Checks where a service is reached.
pub(super) fn check(spec: &ServiceSpec, service: &Service, findings: &mut Findings) {
    findings.families(spec);
    findings.cluster_ips(spec);
    for (index, text) in spec.external_ips.iter().flatten().enumerate() {
        findings.check(unicast(text), format!("spec.externalIPs[{index}]"));
    }
    let status = service.status.as_ref();
    let balancer = status.and_then(|status| status.load_balancer.as_ref());
    let ingress = balancer.and_then(|balancer| balancer.ingress.as_deref());
    for (index, point) in ingress.unwrap_or_default().iter().enumerate() {
        if let Some(text) = point.ip.as_ref().filter(|text| !text.is_empty()) {
            findings.check(
                unicast(text),
                format!("status.loadBalancer.ingress[{index}].ip"),
            );
        }
    }
}

/// An address that packets of several hosts can be sent to.
pub(super) fn unicast(text: &str) -> Result<IpAddr, Problem> {
    let address = address(text)?;
    let is_link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    let is_special = address.is_loopback() || address.is_multicast() || address.is_unspecified();
    if is_link_local || is_special {
        let problem = Problem::new(format!("{text} is not an address of one host for others"));
        return Err(problem.help(
            "loopback, link-local, multicast and unspecified addresses cannot be used here",
        ));
    }
    Ok(address)
}

/// The family that an API server calls `name`.
fn family(name: &str) -> Option<bool> {
    match name {
        "IPv4" => Some(true),
        "IPv6" => Some(false),
        _ => None,
    }
}

impl Findings {
    fn families(&mut self, spec: &ServiceSpec) {
        let policies = ["SingleStack", "PreferDualStack", "RequireDualStack"];
        self.one_of(
            "spec.ipFamilyPolicy",
            spec.ip_family_policy.as_deref(),
            &policies,
        );
        let families = spec.ip_families.as_deref().unwrap_or_default();
        for (index, name) in families.iter().enumerate() {
            let path = format!("spec.ipFamilies[{index}]");
            self.one_of(&path, Some(name), &["IPv4", "IPv6"]);
            if families[..index].contains(name) {
                self.error(path, format!("{name} is written twice"), "write it once");
            }
        }
        let is_single = matches!(spec.ip_family_policy.as_deref(), None | Some("SingleStack"));
        let addresses = spec.cluster_ips.as_deref().unwrap_or_default();
        let field = [
            ("spec.ipFamilies", families),
            ("spec.clusterIPs", addresses),
        ];
        if let Some((field, _)) = field.iter().find(|(_, entries)| entries.len() == 2)
            && is_single
        {
            self.error(
                *field,
                "two families need ipFamilyPolicy PreferDualStack or RequireDualStack",
                "write ipFamilyPolicy, or one family",
            );
        }
    }

    fn cluster_ips(&mut self, spec: &ServiceSpec) {
        let first = spec.cluster_ip.as_deref().unwrap_or_default();
        let all = spec.cluster_ips.as_deref().unwrap_or_default();
        if let Some(other) = all
            .first()
            .filter(|other| !first.is_empty() && *other != first)
        {
            let message = format!("{other:?} is not spec.clusterIP, {first:?}");
            self.error(
                "spec.clusterIPs[0]",
                message,
                "write the same address in both",
            );
        }
        let first = (!first.is_empty() && all.is_empty()).then_some(first);
        let first = first.map(|text| ("spec.clusterIP".to_owned(), text));
        let all = all.iter().enumerate();
        let all = all.map(|(index, text)| (format!("spec.clusterIPs[{index}]"), text.as_str()));
        let mut before: Option<IpAddr> = None;
        for (index, (path, text)) in first.into_iter().chain(all).enumerate() {
            before = self.cluster_ip(text, path, index, before, spec).or(before);
        }
    }

    /// The `index`th address in the cluster; `before` is the one before it.
    fn cluster_ip(
        &mut self,
        text: &str,
        path: String,
        index: usize,
        before: Option<IpAddr>,
        spec: &ServiceSpec,
    ) -> Option<IpAddr> {
        let kind = kind(spec);
        if kind == "ExternalName" {
            self.error(path, "an ExternalName has no address", "remove it");
            return None;
        }
        if text == "None" {
            if kind != "ClusterIP" {
                let message = format!("a service of type {kind} cannot be without an address");
                self.error(path, message, "remove it, or use type ClusterIP");
            }
            return None;
        }
        let address = self.check(unicast(text), path.clone())?;
        let families = spec.ip_families.as_deref().unwrap_or_default();
        if let Some(name) = families.get(index)
            && family(name).is_some_and(|is_v4| is_v4 != address.is_ipv4())
        {
            let message = format!("{text} is not an {name} address");
            self.error(path, message, "the order is that of ipFamilies");
        } else if before.is_some_and(|before| before.is_ipv4() == address.is_ipv4()) || index > 1 {
            let help = "write at most one of each family";
            self.error(path, "there is another address of its family", help);
        }
        Some(address)
    }
}
