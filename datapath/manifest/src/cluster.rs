//! The objects of a cluster.

use crate::network_policy_api::v1alpha1::{AdminNetworkPolicySpec, BaselineAdminNetworkPolicySpec};
use crate::network_policy_api::v1alpha2::ClusterNetworkPolicySpec;
use crate::{
    EndpointName, FailsafePorts, Masquerade, ObjectName, Origin, PolicyKind, PolicyName, Protocol,
    cilium,
};
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::NetworkPolicySpec;
use k8s_openapi::api::{core::v1 as core, discovery::v1 as discovery};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Everything that was applied, by name. Fields are public data: change them and compile again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    /// Namespaces. Each has the label `kubernetes.io/metadata.name`.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Nodes; there is at least one as soon as there is a pod.
    pub nodes: BTreeMap<String, Node>,
    /// How many nodes come with the first pod, named or not: `node-1`, `node-2` and so on ([`Cluster::spread`]). Zero
    /// once they are there.
    pub nodes_to_come: u16,
    /// Pods, workloads expanded.
    pub pods: BTreeMap<ObjectName, Pod>,
    /// Hosts outside the cluster.
    pub externals: BTreeMap<String, External>,
    /// Network policies, validated as an API server would.
    pub policies: BTreeMap<ObjectName, NetworkPolicy>,
    /// `ClusterNetworkPolicy` objects, of the Admin and the Baseline tier.
    pub cluster_network_policies: BTreeMap<String, TierPolicy<ClusterNetworkPolicySpec>>,
    /// `AdminNetworkPolicy` objects.
    pub admin_network_policies: BTreeMap<String, TierPolicy<AdminNetworkPolicySpec>>,
    /// The `BaselineAdminNetworkPolicy`: there is at most one, called `default`.
    pub baseline_admin_network_policies:
        BTreeMap<String, TierPolicy<BaselineAdminNetworkPolicySpec>>,
    /// Host policies: `CiliumClusterwideNetworkPolicy` objects that select nodes.
    pub host_policies: BTreeMap<String, HostPolicy>,
    /// What no host policy denies.
    pub failsafe_ports: FailsafePorts,
    /// What is written to the policy log; nothing without it.
    pub network_logging: Option<NetworkLogging>,
    /// What is masqueraded, if manifests say so.
    pub masquerade: Option<Masquerade>,
    /// Services.
    pub services: BTreeMap<ObjectName, Service>,
    /// The endpoints of services.
    pub endpoint_slices: BTreeMap<ObjectName, EndpointSlice>,
}

/// At most one address of each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addresses {
    /// The IPv4 address.
    pub v4: Option<Ipv4Addr>,
    /// The IPv6 address.
    pub v6: Option<Ipv6Addr>,
}

impl Addresses {
    /// The addresses, IPv4 first.
    pub fn iter(self) -> impl Iterator<Item = IpAddr> {
        let v4 = self.v4.map(IpAddr::V4);
        v4.into_iter().chain(self.v6.map(IpAddr::V6))
    }

    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        self.iter().any(|own| own == address)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.v4.is_none() && self.v6.is_none()
    }

    /// Adds `address`, unless there is one of its family; tells whether it is now one of these.
    pub(crate) fn add(&mut self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => *self.v4.get_or_insert(address) == address,
            IpAddr::V6(address) => *self.v6.get_or_insert(address) == address,
        }
    }
}

/// A namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    /// Its labels, `kubernetes.io/metadata.name` included.
    pub labels: BTreeMap<String, String>,
    /// Whether its network policies are in audit mode, where they do not say for themselves (annotation
    /// `plumbline/audit`).
    pub audit: Option<bool>,
    /// Whether denials at its pods are logged where that is delegated (annotation
    /// `policy.network.gke.io/enable-deny-logging`).
    pub logs_denials: bool,
    /// Where it is written; synthetic when only its pods or policies are.
    pub origin: Origin,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its own addresses (`InternalIP`), assigned where the manifest gives none.
    pub addresses: Addresses,
    /// The prefixes its pods' addresses come from.
    pub pod_cidrs: Vec<IpNet>,
    /// Where it is written.
    pub origin: Origin,
}

/// A pod that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The node it runs on, a key of [`Cluster::nodes`].
    pub node: String,
    /// Whether it shares its node's network namespace: then its addresses are the node's and its traffic is the node's.
    pub host_network: bool,
    /// Its addresses.
    pub addresses: Addresses,
    /// The ports its containers declare. The harness serves every one of them.
    pub ports: Vec<ContainerPort>,
    /// Whether it says that it can serve (condition `Ready`).
    pub ready: bool,
    /// Whether it is about to end (`metadata.deletionTimestamp`): it keeps the connections it has.
    pub terminating: bool,
    /// The workload it was expanded from.
    pub workload: Option<Workload>,
    /// Where it, or its workload, is written.
    pub origin: Origin,
}

/// The owner of a pod as logs name it, for example `Deployment web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// A port that a container declares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerPort {
    /// Its name, for policies that use it.
    pub name: Option<String>,
    /// Its number, host order, 1–65535.
    pub port: u16,
    /// Its protocol, never ICMP.
    pub protocol: Protocol,
}

/// A host outside the cluster (`apiVersion: plumbline/v1`, `kind: External`).
#[derive(Clone, Debug, PartialEq)]
pub struct External {
    /// Its addresses.
    pub addresses: Addresses,
    /// The ports it serves.
    pub ports: Vec<ContainerPort>,
    /// Where it is written.
    pub origin: Origin,
}

/// A network policy.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPolicy {
    /// The spec as it was written, defaults not filled in: both the compiler and the oracle read the API text for themselves.
    pub spec: NetworkPolicySpec,
    /// Whether it is in audit mode (annotation `plumbline/audit`); otherwise its namespace says so.
    pub audit: Option<bool>,
    /// Whether what it allows is logged where that is delegated (annotation `policy.network.gke.io/enable-logging`).
    pub is_logged: bool,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

/// A policy for the whole cluster: one of [`network_policy_api`](crate::network_policy_api), validated as an API
/// server would.
#[derive(Clone, Debug, PartialEq)]
pub struct TierPolicy<Spec> {
    /// The spec as it was written, defaults not filled in.
    pub spec: Spec,
    /// Whether it is in audit mode (annotation `plumbline/audit`).
    pub audit: Option<bool>,
    /// Whether what it allows is logged where that is delegated (annotation `policy.network.gke.io/enable-logging`).
    pub is_logged: bool,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

/// A host policy, validated as Cilium would.
#[derive(Clone, Debug, PartialEq)]
pub struct HostPolicy {
    /// What is written as `spec`.
    pub spec: Option<cilium::Rule>,
    /// What is written as `specs`.
    pub specs: Vec<cilium::Rule>,
    /// Whether it is in audit mode (annotation `plumbline/audit`).
    pub audit: Option<bool>,
    /// Whether what it allows is logged where that is delegated (annotation `policy.network.gke.io/enable-logging`).
    pub is_logged: bool,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

impl HostPolicy {
    /// What it says, each part with its path.
    pub fn rules(&self) -> impl Iterator<Item = (String, &cilium::Rule)> {
        let spec = self.spec.iter().map(|rule| ("spec".to_owned(), rule));
        let specs = self.specs.iter().enumerate();
        spec.chain(specs.map(|(index, rule)| (format!("specs[{index}]"), rule)))
    }
}

/// What is written to the policy log: `NetworkLogging`, the object named `default`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkLogging {
    /// About connections that policies allow.
    pub allow: LogSwitch,
    /// About connections that are denied.
    pub deny: LogSwitch,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

/// Whether connections are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSwitch {
    /// Whether any are.
    pub log: bool,
    /// Whether only those whose policy or namespace says so by an annotation.
    pub delegate: bool,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// The object as it was written.
    pub object: core::Service,
    /// Where it is reached within the cluster, written or assigned; none if it is headless or an `ExternalName`.
    pub cluster_ips: Addresses,
    /// The port on every node for each of its ports, in their order, written or assigned.
    pub node_ports: Vec<Option<u16>>,
    /// Where a load balancer in front of the cluster would reach it, written or assigned.
    pub load_balancer_ips: Vec<IpAddr>,
    /// The port on every node that tells over HTTP whether there are endpoints on that node, written or assigned.
    pub health_check_node_port: Option<u16>,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

/// The label of a slice that names its service.
const SERVICE_OF_SLICE: &str = "kubernetes.io/service-name";

/// Some of the endpoints of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSlice {
    /// The object as it was written.
    pub object: discovery::EndpointSlice,
    /// Where it and each of its fields is written.
    pub origin: Origin,
}

impl Service {
    /// Where who is outside of the cluster reaches it, node ports aside: the addresses of load balancers, and external
    /// ones. Of the families of its cluster addresses, as others mean nothing to it.
    pub fn outside_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let spec = self.object.spec.iter();
        let external = spec.flat_map(|spec| spec.external_ips.iter().flatten());
        let external = external.filter_map(|text| text.parse().ok());
        let balancers = self.load_balancer_ips.iter().copied();
        let has_family = |address: &IpAddr| {
            let mut own = self.cluster_ips.iter();
            own.any(|own| own.is_ipv4() == address.is_ipv4())
        };
        balancers.chain(external).filter(has_family)
    }
}

impl EndpointSlice {
    /// The service, in its own namespace, that it is of: what its label `kubernetes.io/service-name` says.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        let labels = self.object.metadata.labels.as_ref()?;
        labels.get(SERVICE_OF_SLICE).map(String::as_str)
    }
}

impl Cluster {
    /// An empty cluster that gets the nodes `node-1` to `node-N` with its first pod, beside those that manifests name.
    /// [`Cluster::apply`] spreads pods that name no node over all of them. The nodes are ordinary ones from then on:
    /// a manifest can describe them, and what is deleted stays away.
    ///
    /// ```
    /// use manifest::{Cluster, Source};
    ///
    /// let mut cluster = Cluster::spread(2);
    /// let pod = |name| format!("{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}}}");
    /// cluster.apply(&[Source::text("a.yaml", pod("a")), Source::text("b.yaml", pod("b"))])?;
    /// let nodes: Vec<_> = cluster.pods.values().map(|pod| pod.node.as_str()).collect();
    /// assert_eq!(nodes, ["node-1", "node-2"]);
    /// # Ok::<(), manifest::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn spread(nodes: u16) -> Self {
        Self {
            nodes_to_come: nodes,
            ..Self::default()
        }
    }

    /// The policies of every kind.
    pub fn policy_names(&self) -> impl Iterator<Item = PolicyName> {
        let of_namespaces = self.policies.keys().cloned().map(PolicyName::from);
        let name = |kind| move |name: &String| PolicyName::cluster(kind, name);
        let kinds = [
            PolicyKind::ClusterNetworkPolicy,
            PolicyKind::AdminNetworkPolicy,
            PolicyKind::BaselineAdminNetworkPolicy,
            PolicyKind::CiliumClusterwideNetworkPolicy,
        ]
        .map(name);
        let [cluster, admin, baseline, host] = kinds;
        of_namespaces
            .chain(self.cluster_network_policies.keys().map(cluster))
            .chain(self.admin_network_policies.keys().map(admin))
            .chain(self.baseline_admin_network_policies.keys().map(baseline))
            .chain(self.host_policies.keys().map(host))
    }

    /// Where a policy and each of its fields is written, if there is such a policy.
    #[must_use]
    pub fn policy_origin(&self, policy: &PolicyName) -> Option<&Origin> {
        let name = &policy.name;
        match policy.kind {
            PolicyKind::NetworkPolicy => {
                let policy = self.policies.get(&policy.namespaced()?);
                policy.map(|policy| &policy.origin)
            }
            PolicyKind::ClusterNetworkPolicy => {
                let policy = self.cluster_network_policies.get(name);
                policy.map(|policy| &policy.origin)
            }
            PolicyKind::AdminNetworkPolicy => {
                let policy = self.admin_network_policies.get(name);
                policy.map(|policy| &policy.origin)
            }
            PolicyKind::BaselineAdminNetworkPolicy => {
                let policy = self.baseline_admin_network_policies.get(name);
                policy.map(|policy| &policy.origin)
            }
            PolicyKind::CiliumClusterwideNetworkPolicy => {
                let policy = self.host_policies.get(name);
                policy.map(|policy| &policy.origin)
            }
        }
    }

    /// The addresses of an end of a connection, if there is such an end.
    #[must_use]
    pub fn addresses(&self, endpoint: &EndpointName) -> Option<Addresses> {
        match endpoint {
            EndpointName::Pod(name) => self.pods.get(name).map(|pod| pod.addresses),
            EndpointName::Node(name) => self.nodes.get(name).map(|node| node.addresses),
            EndpointName::External(name) => self.externals.get(name).map(|host| host.addresses),
            EndpointName::Service(name) => {
                let service = self.services.get(name);
                service.map(|service| service.cluster_ips)
            }
        }
    }
}
