//! What an API server checks: names, labels, addresses, ports, policies.

mod address;
mod audit;
mod endpoint_slice;
mod findings;
mod host_policy;
mod label;
mod log_annotation;
mod logging;
mod masquerade;
mod name;
mod network_policy;
mod port;
mod selector;
mod service;
mod service_address;
mod tier_policy;
mod tier_port;

pub(crate) use address::{address, cidr};
pub(crate) use audit::{AUDIT, audit};
pub(crate) use endpoint_slice::endpoint_slice;
pub(crate) use findings::Findings;
pub(crate) use host_policy::host_policy;
pub(crate) use label::{labels, metadata};
pub(crate) use log_annotation::{LOG_ALLOWED, LOG_DENIED, LogAnnotation};
pub(crate) use logging::network_logging;
pub(crate) use masquerade::{MASQUERADE_PORTS, aligned_cidr, go_duration, port_range};
pub(crate) use network_policy::network_policy;
pub(crate) use port::{port_name, port_number, protocol};
pub(crate) use service::service;
pub(crate) use tier_policy::{
    admin_network_policy, baseline_admin_network_policy, cluster_network_policy,
};
