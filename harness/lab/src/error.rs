//! What can go wrong with a lab.

use std::io;
use std::net::IpAddr;

/// Why a lab could not be built or changed.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The process may not make network namespaces.
    #[error(
        "{action}: permission denied: a lab needs CAP_SYS_ADMIN and CAP_NET_ADMIN; run as root, or in a container with both"
    )]
    Permission {
        /// What was tried.
        action: String,
    },
    /// The kernel refused a request.
    #[error("{action}: {source}")]
    Kernel {
        /// What was tried.
        action: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel's answer could not be read.
    #[error("{action}: unreadable answer from the kernel: {detail}")]
    Answer {
        /// What was tried.
        action: String,
        /// What is wrong with the answer.
        detail: String,
    },
    /// Two endpoints of one name.
    #[error("endpoint {name} is in the lab already")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// One address for two.
    #[error("{name}: address {address} belongs to {owner} already")]
    AddressInUse {
        /// Who wants it: `endpoint` or `node`, and the name.
        name: String,
        /// The address.
        address: IpAddr,
        /// Who has it.
        owner: String,
    },
    /// Packets of a family do not fit on the links.
    #[error(
        "an MTU of {mtu} is too small for {family}{}: it must be at least {}",
        in_tunnel(*overhead),
        least + overhead
    )]
    MtuTooSmall {
        /// What links between nodes take, in bytes.
        mtu: u32,
        /// What a tunnel takes of it; zero without tunnels.
        overhead: u32,
        /// `IPv4` or `IPv6`.
        family: &'static str,
        /// What a link must take that carries this family.
        least: u32,
    },
    /// Longer packets than the lab sees whole.
    #[error("an MTU of {mtu} is too big: it must be at most {most}")]
    MtuTooBig {
        /// What links between nodes are to take, in bytes.
        mtu: u32,
        /// What they may take.
        most: u32,
    },
    /// No node of this name.
    #[error("there is no node {name} in the lab")]
    UnknownNode {
        /// The name.
        name: String,
    },
    /// No endpoint of this name.
    #[error("there is no endpoint {name} in the lab")]
    UnknownEndpoint {
        /// The name.
        name: String,
    },
}

fn in_tunnel(overhead: u32) -> String {
    match overhead {
        0 => String::new(),
        overhead => format!(" in a VXLAN tunnel, which takes {overhead} bytes of it"),
    }
}

impl LabError {
    /// The error for a failed system call or netlink request.
    pub(crate) fn kernel(action: impl Into<String>, source: impl Into<io::Error>) -> Self {
        let (action, source) = (action.into(), source.into());
        match source.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => Self::Permission { action },
            _ => Self::Kernel { action, source },
        }
    }
}
