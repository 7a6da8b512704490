//! Talks to BPF: loads the programs once a node, attaches them to endpoints, writes the tables, reads the events.
//!
//! The only crate that names a map in user space.

mod attachment;
mod cgroup;
mod config;
mod enforce;
mod error;
mod internode;
mod loaded;
mod maps;
mod masquerade;
mod node;
mod pin;
pub mod pool;
mod pressure;
mod resume;
mod sockets;
mod test_run;

pub use attachment::AttachPoint;
pub use config::{Config, DropEvents, ServiceAt};
pub use enforce::Applied;
pub use error::AgentError;
pub use loaded::{BpfObjects, LoadedProgram, loaded_programs, map_memory};
pub use masquerade::Masquerade;
pub use node::{Agent, ProgramStatistics};
pub use pin::unpin;
pub use pressure::Pressure;
pub use test_run::TestRun;

/// Which compiler built the embedded BPF object (`distribution rustc` or `rustup nightly`).
pub const BPF_TOOLCHAIN: &str = env!("PLUMBLINE_BPF_TOOLCHAIN");

/// The BPF object, an ELF file with BTF.
pub static BPF_OBJECT: &[u8] = aya::include_bytes_aligned!(env!("PLUMBLINE_BPF_OBJECT"));
