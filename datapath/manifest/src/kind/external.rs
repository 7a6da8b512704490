//! Hosts outside the cluster.

use super::head::{Outcome, RawObject};
use super::port::{RawPort, ports};
use crate::report::Problem;
use crate::yaml::UnknownFields;
use crate::{Addresses, External, validate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawExternal {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    metadata: ObjectMeta,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    addresses: Vec<String>,
    ports: Vec<RawPort>,
}

pub(super) fn external(object: &RawObject<'_>) -> Outcome<(String, External)> {
    let typed = object.typed(UnknownFields::Refused, |raw: &RawExternal| &raw.metadata)?;
    let (head, spec) = (typed.head, typed.body.spec);
    let mut problems = typed.problems;
    let addresses = addresses(&spec.addresses, &mut problems);
    let ports = ports(&spec.ports, "spec.ports", &mut problems);
    object.check(problems, &head.origin)?;
    let external = External {
        addresses,
        ports,
        origin: head.origin,
    };
    Ok((head.name, external))
}

fn addresses(written: &[String], problems: &mut Vec<Problem>) -> Addresses {
    let mut addresses = Addresses::default();
    if written.is_empty() {
        let problem = Problem::new("there is no address").path("spec.addresses");
        problems.push(problem.help("write at least one, for example addresses: [203.0.113.10]"));
    }
    for (index, text) in written.iter().enumerate() {
        let problem = match validate::address(text) {
            Ok(address) if addresses.add(address) => continue,
            Ok(address) => {
                let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
                Problem::new(format!("{text} is the second {family} address")).help(
                    "a host has at most one address of each family: make another External of it",
                )
            }
            Err(problem) => problem,
        };
        problems.push(problem.path(format!("spec.addresses[{index}]")));
    }
    addresses
}
