//! What can go wrong between user space and BPF.

/// An error of the agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The object could not be parsed or its maps could not be created.
    #[error("loading the BPF object: {0}")]
    Load(#[from] aya::EbpfError),
    /// The kernel refused a program or its attachment; the verifier's words are part of the message.
    #[error("BPF program {name}: {source}")]
    Program {
        /// The program.
        name: &'static str,
        /// What the kernel said.
        source: aya::programs::ProgramError,
    },
    /// The kernel does not say what it holds.
    #[error("listing the loaded BPF programs: {0}")]
    List(#[source] aya::programs::ProgramError),
    /// The object has no such program or map: it was built from another source than this crate.
    #[error("the BPF object has no {0}")]
    Missing(&'static str),
    /// Reading or writing a map failed.
    #[error("BPF map {name}: {source}")]
    Map {
        /// The map.
        name: &'static str,
        /// What the kernel said.
        source: aya::maps::MapError,
    },
    /// A table has no room for another entry.
    #[error("BPF map {table} is full: it has room for {capacity} entries; `Config` sets its size")]
    Full {
        /// The map.
        table: &'static str,
        /// Entries that there is room for.
        capacity: u32,
    },
}
