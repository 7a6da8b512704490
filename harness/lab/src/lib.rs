//! Nodes, their endpoints and the network between them as network namespaces, veth pairs and a bridge. Knows no
//! Kubernetes and no policy.
//!
//! ```text
//!  endpoint namespace            node namespace (a router)            endpoint namespace
//! ┌───────────────────┐   ┌──────────────────────────────────┐   ┌───────────────────┐
//! │ eth0 10.0.0.1/32 ─┼───┼─ ep2 (GATEWAY_MAC)  lo  ep3 ─────┼───┼─ eth0 10.0.0.2/32 │
//! │ default via the   │   │  route 10.0.0.1   node           │   │                   │
//! │ gateway           │   │                   addresses      │   │                   │
//! └───────────────────┘   └──────── eth0 ──── vxlan0 ────────┘   └───────────────────┘
//!                                    │ node1
//!                         ┌──────────┴───────────────────────┐
//!      other nodes ───────┼─ node2  segment (a bridge)  ep4 ─┼─── hosts outside
//!                         └──────── fabric namespace ────────┘
//! ```
//!
//! Every endpoint has its own link to its [`Node`] and a default route through it, so each packet between two endpoints
//! crosses a node. A [`Lab`] joins nodes: their uplinks are ports of one bridge, so nodes know each other by link-layer
//! address, and what comes from outside has the router's. With [`Routing::Vxlan`] the way between endpoints of two nodes
//! leads into a tunnel device that needs programs to say where to. The network is made when a second node or the first
//! host outside comes.
//!
//! Everything is made by netlink from within this process, and everything is held by file descriptors: when the
//! process ends, however it ends, the kernel takes the namespaces and links away.
//!
//! A lab blocks and, while a call runs, takes the calling thread into other namespaces. Between calls the thread
//! is back where it was. Give each lab a thread of its own; never call it from a thread that other tasks share.
#![cfg(target_os = "linux")]

mod address_plan;
mod census;
mod claims;
mod endpoint;
mod error;
mod fabric;
mod lab;
mod limits;
mod losses;
mod message;
mod mtu;
mod mute;
mod namespace;
mod netlink;
mod node;
mod routes;
mod sysctl;
mod tap;
mod uplink;

pub use address_plan::{FABRIC_MAC, GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, OVERLAY_MAC, VXLAN_PORT};
pub use census::{Census, Scope};
pub use endpoint::{Endpoint, EndpointSpec};
pub use error::LabError;
pub use lab::{Lab, NodeSpec, Routing};
pub use mtu::ETHERNET_MTU;
pub use namespace::Namespace;
pub use node::Node;
pub use sysctl::lift_icmp_limits;
pub use tap::{NodeLink, NodeTap, Seen, Tap, await_timestamps, close_all};
pub use uplink::{Overlay, Uplink};
