//! Kubernetes manifests as objects: what is written, where it is written, and nothing else.
//!
//! [`Cluster`] is what `kubectl apply` would have left on a cluster: namespaces, nodes, pods (workloads
//! expanded, addresses assigned), outside hosts, policies. Every object knows its file, line and column.
//! No method here answers a question about traffic: that is what `policy` and `oracle` do, apart from each other.

mod cluster;
mod diagnostic;
mod name;
mod origin;

pub use cluster::{
    Addresses, Cluster, ContainerPort, External, Namespace, NetworkPolicy, Node, Pod, Workload,
};
pub use diagnostic::{Diagnostic, Severity};
pub use name::{EndpointName, IpBlockMode, ObjectName, ParseNameError, Protocol};
pub use origin::{Location, Origin};
