//! One packet's story, as pure decisions over two traits: what the packet says ([`Packet`]) and what the maps know ([`Maps`]).
//!
//! ```text
//! from_endpoint  frame ─ own MAC? ─ ARP/ND aside ─ parse ─ own address? ─ conntrack ─┬─ known: pass
//!                                                                                  └─ new: egress half, ingress half if local
//! to_endpoint    frame ─ ARP/ND aside ─ parse ─ behind this link? ─ conntrack ─ new: ingress half
//! from_network   frame ─ ARP aside ─ masqueraded? ─ source's own node? ─ for a local pod? ─ conntrack ─ new: ingress half
//! to_network     frame ─ a pod's, out of the cluster? ─ its connection's port on the node
//! from_overlay   frame ─ source's own node and identity? ─ for a local pod? ─ conntrack ─ new: ingress half
//! to_overlay     frame ─ which node? ─ which identity?
//! connect, send  socket ─ of a pod? ─ to a virtual end? ─ to one of its backends
//! known_as       socket ─ a backend in place of a virtual end? ─ the virtual end
//! ```
//!
//! Hooks and directions are named as the endpoint sees them: `from_endpoint` is what a pod sends.
//! The BPF binary (`main.rs`) wires these functions to hooks and maps; the host runs the very same code in unit
//! tests and in the in-process driver.
#![cfg_attr(not(any(test, feature = "host")), no_std)]

mod chapter;
mod checksum;
mod conntrack;
mod fragment;
mod hook;
mod icmp;
mod limit;
mod maps;
mod masquerade;
#[cfg(any(test, feature = "host"))]
pub mod memory;
mod neighbour;
mod packet;
mod parse;
mod policy;
mod refuse;
mod rewrite;
mod scratch;
mod sctp;
mod service;
mod socket;

pub use chapter::{Chapter, tell};
pub use checksum::{Checksum, ChecksumChange, Covered};
pub use hook::{
    Action, Tunnel, from_endpoint, from_network, from_overlay, to_endpoint, to_network, to_overlay,
};
pub use maps::{Full, Maps};
pub use packet::Packet;
pub use scratch::Scratch;
pub use socket::{Socket, connect, known_as, send};
