//! What an API server checks: names, labels, addresses, ports, policies.

mod address;
mod label;
mod name;
mod network_policy;
mod port;
mod selector;

pub(crate) use address::{address, cidr};
pub(crate) use label::{labels, metadata};
pub(crate) use network_policy::network_policy;
pub(crate) use port::{port_name, port_number, protocol};
