//! What can go wrong between user space and BPF.

use std::path::PathBuf;

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
    /// A program's link cannot be taken over.
    #[error("link of BPF program {name}: {source}")]
    Link {
        /// The program.
        name: &'static str,
        /// What the kernel said.
        source: aya::programs::links::LinkError,
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
    /// A file of the BPF file system cannot be made, read or removed.
    #[error("{path}: {source}", path = path.display())]
    Pin {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// The kernel refused to pin something.
    #[error("pinning {path}: {source}", path = path.display())]
    Pinning {
        /// Where.
        path: PathBuf,
        /// What the kernel said.
        source: aya::pin::PinError,
    },
    /// The folder for the pins is in another kind of file system.
    #[error("{dir} is in no BPF file system; mount one: `mount -t bpf bpf {dir}`", dir = dir.display())]
    NoBpfFileSystem {
        /// The folder.
        dir: PathBuf,
    },
    /// Another agent is at work on the same pins.
    #[error("another agent holds {dir}: end it first, or give this one a folder of its own", dir = dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The pinned maps were laid out by another version.
    #[error(
        "{dir} holds maps of {found}, this agent needs {expected}: run the agent that made them, or remove \
         {dir}/{found}, which ends enforcement and forgets all connections until endpoints are attached anew",
        dir = dir.display()
    )]
    Layout {
        /// What is there.
        found: String,
        /// What this agent reads and writes.
        expected: String,
        /// The folder.
        dir: PathBuf,
    },
    /// A pinned map has another size than the configuration asks for.
    #[error(
        "the pinned map {table} has room for {pinned} entries, the configuration asks for {configured}: a map keeps its size while it is pinned"
    )]
    Size {
        /// The map.
        table: &'static str,
        /// Its size.
        pinned: u32,
        /// The size asked for.
        configured: u32,
    },
    /// Filters of a clsact qdisc cannot be pinned.
    #[error("pinning needs `AttachPoint::Tcx`: filters of a clsact qdisc have no file")]
    PinsNeedTcx,
    /// No cgroup (version 2) of this process can be found.
    #[error(
        "programs at sockets hang on a cgroup, and this process is in none that can be seen: mount them, \
         `mount -t cgroup2 none /sys/fs/cgroup/unified`, or give services their backends in packets"
    )]
    NoCgroup,
    /// The folder of the cgroup, or what says where it is, cannot be read.
    #[error("the cgroup of this process: {path}: {source}", path = path.display())]
    Cgroup {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        source: std::io::Error,
    },
    /// An endpoint that is not attached has no sockets to attach.
    #[error("no endpoint is attached at interface {ifindex}")]
    NotAttached {
        /// The interface's index.
        ifindex: u32,
    },
    /// A range of ports that has none.
    #[error(
        "masquerade has no ports from {first} to {last}: the first is at least 1 and the last not below it"
    )]
    NoPorts {
        /// The first.
        first: u16,
        /// The last.
        last: u16,
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
