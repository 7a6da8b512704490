//! What is written to the policy log about a connection that is opened, as `NetworkLogging` is documented.

use crate::{Judgement, Probe, Side};
use manifest::{Cluster, EndpointName, LogSwitch, PolicyKind, PolicyName};

/// A record, as far as it follows from switches and annotations.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Logged {
    /// Allowed for the sake of these policies; if a node opened it, only its own are named.
    Allow(Vec<PolicyName>),
    /// Denied by these policies.
    Deny(Vec<PolicyName>),
    /// Let through; these policies would deny it if they were not in audit mode.
    Audit(Vec<PolicyName>),
}

/// The records about the egress and the ingress of a connection that is opened and judged so.
#[must_use]
pub fn logged(cluster: &Cluster, probe: &Probe, judgement: &Judgement) -> [Option<Logged>; 2] {
    let egress = record(cluster, probe, &probe.from, &judgement.egress);
    // Who is not let out is not asked in.
    let is_out = !matches!(judgement.egress, Side::Denied(_));
    let ingress = is_out.then(|| record(cluster, probe, &probe.to, &judgement.ingress));
    [egress, ingress.flatten()]
}

/// The record about the side of `end`.
fn record(cluster: &Cluster, probe: &Probe, end: &EndpointName, side: &Side) -> Option<Logged> {
    match side {
        Side::NotIsolated => None,
        Side::Allowed(policies) => {
            let policies = asking(cluster, policies)?;
            let is_named = is_node(cluster, end) || !is_node(cluster, &probe.from);
            Some(Logged::Allow(if is_named { policies } else { Vec::new() }))
        }
        Side::Denied(policies) => {
            logs_denials(cluster, end).then(|| Logged::Deny(policies.clone()))
        }
        Side::Audited(policies) => {
            logs_denials(cluster, end).then(|| Logged::Audit(policies.clone()))
        }
    }
}

/// The policies for whose sake an allowed connection is logged; `None` if it is not.
fn asking(cluster: &Cluster, policies: &[PolicyName]) -> Option<Vec<PolicyName>> {
    let switch = cluster.network_logging.as_ref()?.allow;
    let asking = policies.iter();
    let asking = asking.filter(|name| !switch.delegate || is_annotated(cluster, name));
    let asking: Vec<PolicyName> = asking.cloned().collect();
    (switch.log && !asking.is_empty()).then_some(asking)
}

/// Nodes are in no namespace that could ask for it.
fn logs_denials(cluster: &Cluster, end: &EndpointName) -> bool {
    let Some(LogSwitch { log, delegate }) = cluster.network_logging.as_ref().map(|it| it.deny)
    else {
        return false;
    };
    let namespace = match end {
        EndpointName::Pod(name) if !is_node(cluster, end) => {
            cluster.namespaces.get(&name.namespace)
        }
        _ => None,
    };
    log && (!delegate || namespace.is_some_and(|namespace| namespace.logs_denials))
}

fn is_annotated(cluster: &Cluster, policy: &PolicyName) -> bool {
    if let Some(name) = policy.namespaced() {
        let policy = cluster.policies.get(&name);
        return policy.is_some_and(|policy| policy.is_logged);
    }
    let name = &policy.name;
    let is_logged = match policy.kind {
        PolicyKind::NetworkPolicy => None,
        PolicyKind::ClusterNetworkPolicy => {
            let policies = &cluster.cluster_network_policies;
            policies.get(name).map(|policy| policy.is_logged)
        }
        PolicyKind::AdminNetworkPolicy => {
            let policies = &cluster.admin_network_policies;
            policies.get(name).map(|policy| policy.is_logged)
        }
        PolicyKind::CiliumClusterwideNetworkPolicy => {
            let policies = &cluster.host_policies;
            policies.get(name).map(|policy| policy.is_logged)
        }
        PolicyKind::BaselineAdminNetworkPolicy => {
            let policies = &cluster.baseline_admin_network_policies;
            policies.get(name).map(|policy| policy.is_logged)
        }
    };
    is_logged.unwrap_or(false)
}

/// A pod on its node's network is that node.
fn is_node(cluster: &Cluster, end: &EndpointName) -> bool {
    match end {
        EndpointName::Node(_) => true,
        EndpointName::Pod(name) => cluster.pods.get(name).is_some_and(|pod| pod.host_network),
        EndpointName::External(_) | EndpointName::Service(_) => false,
    }
}
