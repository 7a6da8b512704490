//! Endpoint slices, checked as an API server checks them (`pkg/apis/discovery/validation/validation.go` of Kubernetes).

use super::findings::Findings;
use super::service_address::unicast;
use super::{name, port_number, protocol};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};

/// Endpoints in one slice, at most.
const MOST_ENDPOINTS: usize = 1_000;

/// Checks a slice.
pub(crate) fn endpoint_slice(slice: &EndpointSlice) -> Findings {
    let mut findings = Findings::default();
    let types = ["IPv4", "IPv6", "FQDN"];
    findings.one_of("addressType", Some(&slice.address_type), &types);
    if slice.address_type == "FQDN" {
        findings.warning(
            "addressType",
            "endpoints that are DNS names are not a matter of the datapath",
            "they are left out; write their addresses",
        );
    }
    if slice.endpoints.len() > MOST_ENDPOINTS {
        let message = format!("has {} endpoints, more than 1000", slice.endpoints.len());
        findings.error("endpoints", message, "make several slices of it");
    }
    for (index, endpoint) in slice.endpoints.iter().enumerate() {
        findings.endpoint(endpoint, &format!("endpoints[{index}]"), slice);
    }
    for (index, port) in slice.ports.iter().flatten().enumerate() {
        findings.endpoint_port(port, &format!("ports[{index}]"));
    }
    findings
}

impl Findings {
    fn endpoint(&mut self, endpoint: &Endpoint, path: &str, slice: &EndpointSlice) {
        if endpoint.addresses.is_empty() {
            let help = "write the address of the endpoint";
            self.error(format!("{path}.addresses"), "is missing", help);
        }
        for (index, text) in endpoint.addresses.iter().enumerate() {
            self.endpoint_address(text, format!("{path}.addresses[{index}]"), slice);
        }
        if let Some(node) = &endpoint.node_name {
            self.check(name::subdomain(node), format!("{path}.nodeName"));
        }
    }

    fn endpoint_address(&mut self, text: &str, path: String, slice: &EndpointSlice) {
        if slice.address_type == "FQDN" {
            return;
        }
        let address = self.check(unicast(text), path.clone());
        let expected = slice.address_type.as_str();
        let is_other = |v4: bool| matches!((v4, expected), (true, "IPv6") | (false, "IPv4"));
        if address.is_some_and(|address| is_other(address.is_ipv4())) {
            let message = format!("{text} is not an {expected} address");
            self.error(path, message, "make a slice of its addressType for it");
        }
    }

    fn endpoint_port(&mut self, port: &EndpointPort, path: &str) {
        if let Some(text) = port.name.as_deref().filter(|text| !text.is_empty()) {
            self.check(name::label(text), format!("{path}.name"));
        }
        if let Some(number) = port.port {
            self.check(port_number(number.into()), format!("{path}.port"));
        }
        if let Some(text) = &port.protocol {
            self.check(protocol(text), format!("{path}.protocol"));
        }
    }
}
