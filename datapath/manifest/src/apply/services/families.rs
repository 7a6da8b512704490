//! Which families a service has.

use crate::{Addresses, Cluster, Diagnostic, ObjectName, Service, Severity};
use k8s_openapi::api::core::v1::ServiceSpec;
use std::net::IpAddr;

/// The families of a service, none if it has no address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Families {
    pub(super) v4: bool,
    pub(super) v6: bool,
    /// Whether both are required and the cluster has but one.
    is_lacking: bool,
}

impl Families {
    /// What is written; else what the service has; else the cluster's first family. A second one where the policy asks
    /// for it and the cluster has it.
    pub(super) fn of(service: &Service, cluster: &Cluster, before: Option<&Service>) -> Self {
        let Some(spec) = service
            .object
            .spec
            .as_ref()
            .filter(|spec| has_address(spec))
        else {
            return Self::default();
        };
        let cluster = Self::of_cluster(cluster);
        let first = Self::written(spec);
        let first = first.or_else(|| Self::seen(before?.cluster_ips.iter()));
        let first = first.unwrap_or(Self {
            v4: cluster.v4,
            v6: !cluster.v4,
            is_lacking: false,
        });
        match spec.ip_family_policy.as_deref() {
            Some("RequireDualStack") => Self {
                v4: true,
                v6: true,
                is_lacking: !(cluster.v4 && cluster.v6),
            },
            Some("PreferDualStack") => Self {
                v4: first.v4 || cluster.v4,
                v6: first.v6 || cluster.v6,
                is_lacking: false,
            },
            _ => first.only_one_before(before, spec),
        }
    }

    /// Whether an address is of one of them.
    pub(super) fn have(self, address: IpAddr) -> bool {
        if address.is_ipv4() { self.v4 } else { self.v6 }
    }

    /// The error about a family that the service requires and the cluster has not.
    pub(super) fn lacking(self, name: &ObjectName, service: &Service) -> Option<Diagnostic> {
        self.is_lacking.then(|| Diagnostic {
            severity: Severity::Error,
            location: service.origin.locate("spec.ipFamilyPolicy"),
            subject: format!("Service {name}: spec.ipFamilyPolicy"),
            message: "RequireDualStack: nodes and pods have addresses of one family alone"
                .to_owned(),
            help: Some("give the nodes addresses of both, or use PreferDualStack".to_owned()),
            snippet: None,
        })
    }

    /// Families that nodes or pods have; both where there are none yet.
    fn of_cluster(cluster: &Cluster) -> Self {
        let nodes = cluster.nodes.values().map(|node| node.addresses);
        let pods = cluster.pods.values().map(|pod| pod.addresses);
        let seen = Self::seen(nodes.chain(pods).flat_map(Addresses::iter));
        seen.unwrap_or(Self {
            v4: true,
            v6: true,
            is_lacking: false,
        })
    }

    fn seen(addresses: impl Iterator<Item = IpAddr>) -> Option<Self> {
        addresses.fold(None, |seen, address| {
            let seen: Self = seen.unwrap_or_default();
            Some(Self {
                v4: seen.v4 || address.is_ipv4(),
                v6: seen.v6 || address.is_ipv6(),
                ..seen
            })
        })
    }

    /// Those that `ipFamilies` or the cluster addresses name.
    fn written(spec: &ServiceSpec) -> Option<Self> {
        let names = spec.ip_families.as_deref().unwrap_or_default();
        if !names.is_empty() {
            let has = |name| names.iter().any(|other| other == name);
            return Some(Self {
                v4: has("IPv4"),
                v6: has("IPv6"),
                is_lacking: false,
            });
        }
        let one = spec.cluster_ip.iter();
        let texts = one.chain(spec.cluster_ips.iter().flatten());
        Self::seen(texts.filter_map(|text| text.parse().ok()))
    }

    /// The first family alone, if the service had two and asks for one.
    fn only_one_before(self, before: Option<&Service>, spec: &ServiceSpec) -> Self {
        let was_dual = before.is_some_and(|before| before.cluster_ips.iter().count() == 2);
        let is_inherited = Self::written(spec).is_none();
        Self {
            v6: self.v6 && !(was_dual && is_inherited && self.v4),
            ..self
        }
    }
}

/// Whether the service has an address in the cluster.
fn has_address(spec: &ServiceSpec) -> bool {
    let is_headless = spec.cluster_ip.as_deref() == Some("None");
    let first = spec.cluster_ips.as_ref().and_then(|all| all.first());
    let is_headless = is_headless || first.is_some_and(|text| text == "None");
    !is_headless && spec.type_.as_deref() != Some("ExternalName")
}
