//! The packet's story on the host: crafted frames through the hooks, over maps in memory.

mod cluster;
mod connections;
mod craft;
mod hostile;
mod hosts;
mod icmp;
mod masquerade;
mod neighbours;
mod network;
mod outside;
mod overlay;
mod services;
mod sockets;
mod verdicts;
mod world;
