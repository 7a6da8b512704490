//! Which policies isolate a pod, and in which directions.

use crate::attempt::PodEnd;
use crate::selector::select;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use manifest::{Cluster, NetworkPolicy, ObjectName};

/// The direction of traffic as the pod sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    Egress,
    Ingress,
}

/// The policies that isolate `pod` in `direction`, by name.
pub(crate) fn isolating<'a>(
    cluster: &'a Cluster,
    pod: &PodEnd,
    direction: Direction,
) -> impl Iterator<Item = (&'a ObjectName, &'a NetworkPolicy)> {
    cluster.policies.iter().filter(move |(name, policy)| {
        name.namespace == pod.name.namespace
            && applies_to(&policy.spec, pod)
            && affects(&policy.spec, direction)
    })
}

/// Whether `spec.podSelector` selects the pod; absent or null it is empty, and selects every pod of the namespace.
fn applies_to(spec: &NetworkPolicySpec, pod: &PodEnd) -> bool {
    match &spec.pod_selector {
        Some(selector) => select(selector, &pod.pod.labels).is_ok(),
        None => true,
    }
}

/// Whether the policy is about this direction. Where `policyTypes` is absent or empty: ingress always, egress only
/// when there are egress rules.
fn affects(spec: &NetworkPolicySpec, direction: Direction) -> bool {
    match spec.policy_types.as_deref() {
        None | Some([]) => match direction {
            Direction::Ingress => true,
            Direction::Egress => spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()),
        },
        Some(types) => types.iter().any(|name| name == direction.name()),
    }
}

impl Direction {
    /// The name in `policyTypes`.
    fn name(self) -> &'static str {
        match self {
            Self::Egress => "Egress",
            Self::Ingress => "Ingress",
        }
    }
}
