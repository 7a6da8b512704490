//! A node and its endpoints as network namespaces and veth pairs. Knows no Kubernetes and no policy.
//!
//! ```text
//!  endpoint namespace            node namespace (a router)            endpoint namespace
//! ┌───────────────────┐   ┌──────────────────────────────────┐   ┌───────────────────┐
//! │ eth0 10.0.0.1/32 ─┼───┼─ ep2 (GATEWAY_MAC)  lo  ep3 ─────┼───┼─ eth0 10.0.0.2/32 │
//! │ default via the   │   │  route 10.0.0.1   node           │   │                   │
//! │ gateway           │   │                   addresses      │   │                   │
//! └───────────────────┘   └──────────────────────────────────┘   └───────────────────┘
//! ```
//!
//! Every endpoint has its own link to the node and a default route through it, so each packet between two endpoints
//! crosses the node. Hosts outside the cluster are endpoints like any other; who is what is the caller's business.
//!
//! Everything is made by netlink from within this process, and everything is held by file descriptors: when the
//! process ends, however it ends, the kernel takes the namespaces and links away.
//!
//! A [`Lab`] blocks and, while a call runs, takes the calling thread into other namespaces. Between calls the thread
//! is back where it was. Give each lab a thread of its own; never call it from a thread that other tasks share.
#![cfg(target_os = "linux")]

mod address_plan;
mod census;
mod endpoint;
mod error;
mod lab;
mod limits;
mod message;
mod mute;
mod namespace;
mod netlink;
mod sysctl;
mod tap;

pub use address_plan::{GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6};
pub use census::{Census, Scope};
pub use endpoint::{Endpoint, EndpointSpec};
pub use error::LabError;
pub use lab::Lab;
pub use namespace::Namespace;
pub use sysctl::lift_icmp_limits;
pub use tap::{NodeLink, NodeTap, Seen, Tap, close_all};
