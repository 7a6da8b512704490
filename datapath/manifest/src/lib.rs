//! Kubernetes manifests as objects: what is written, where it is written, and nothing else.
//!
//! [`Cluster`] is what `kubectl apply` would have left on a cluster: namespaces, nodes, pods (workloads
//! expanded, addresses assigned), outside hosts, policies. Every object knows its file, line and column.
//! No method here answers a question about traffic: that is what `policy` and `oracle` do, apart from each other.
//!
//! ```
//! use manifest::{Cluster, Source};
//!
//! let mut cluster = Cluster::default();
//! cluster.apply(&[Source::text("pods.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: web}}")])?;
//! assert_eq!(cluster.pods.len(), 1);
//!
//! let error = cluster.apply(&[Source::text("empty.yaml", "")]).unwrap_err();
//! assert_eq!(error.to_string(), "error: empty.yaml: has no objects in it");
//! # Ok::<(), manifest::Diagnostics>(())
//! ```

mod apply;
pub mod cilium;
mod cluster;
mod diagnostic;
mod failsafe;
mod kind;
mod masquerade;
mod name;
pub mod network_policy_api;
mod origin;
mod policy_name;
mod report;
mod source;
mod validate;
mod yaml;

pub use apply::{Applied, ObjectRef};
pub use cluster::{
    Addresses, Cluster, ContainerPort, EndpointSlice, External, HostPolicy, LogSwitch, Namespace,
    NetworkLogging, NetworkPolicy, Node, Pod, Service, TierPolicy, Workload,
};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use failsafe::{FailsafePort, FailsafePorts};
pub use masquerade::Masquerade;
pub use name::{EndpointName, IpBlockMode, ObjectName, ParseNameError, Protocol};
pub use origin::{Location, Origin};
pub use policy_name::{ParsePolicyNameError, PolicyKind, PolicyName};
pub use source::Source;
