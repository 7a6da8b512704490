//! The packet's story on the host: crafted frames through both hooks, over maps in memory.

mod connections;
mod craft;
mod hostile;
mod icmp;
mod neighbours;
mod verdicts;
mod world;
