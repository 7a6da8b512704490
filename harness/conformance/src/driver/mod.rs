//! One scenario, several drivers: the kernel, the same program in-process, the oracle alone.

mod balancer;
mod carried;
mod evidence;
mod fate;
mod fault;
mod journal;
mod kernel;
mod kind;
mod labelling;
mod mode;
mod outside;
mod prediction;
mod question;
mod reference;
mod sctp;
mod served;
mod service;
mod simulate;
mod status;
mod tables;
mod wire;

pub use abi::{DropReason, Routing};
pub use agent::ServiceAt;
pub(crate) use carried::Carried;
pub use fate::{Arrival, Fate, PacketEvent};
pub use fault::{Fault, FaultKind};
pub use journal::{Reported, Sighting};
pub use kernel::KernelDriver;
pub use kind::{DriverKind, OpenError, ParseDriverError, open};
pub use mode::Mode;
pub use reference::OracleDriver;
pub(crate) use sctp::crc32c;
pub(crate) use served::is_served;
pub(crate) use service::{backends, stray};
pub use simulate::SimulateDriver;
pub use status::NodeStatus;

use crate::packet::Frame;
use abi::Generation;
use flow::capture::Captured;
use manifest::Cluster;
use oracle::{Probe, Side};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Something that can take a cluster's state and answer probes.
pub trait Driver {
    /// Brings pods, addresses and policies to this state and returns when it is in force.
    ///
    /// # Errors
    /// When the machine cannot hold the cluster (namespaces, links, map sizes).
    fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<Generation>;

    /// Tries every probe; the outcomes are in the same order. No outcome is guessed: see [`Outcome`].
    ///
    /// # Errors
    /// When probes cannot be sent at all (a probe that names an unknown endpoint, sockets exhausted).
    fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>>;

    /// Tries every probe again for comparison, where services have chosen these backends: what can follow them does.
    ///
    /// # Errors
    /// As [`Driver::probe`].
    fn probe_as(
        &mut self,
        probes: &[Probe],
        backends: &[Option<SocketAddr>],
    ) -> anyhow::Result<Vec<Outcome>> {
        debug_assert_eq!(probes.len(), backends.len());
        self.probe(probes)
    }

    /// Moves the clock of connection tracking on. Takes no time.
    ///
    /// # Errors
    /// When the datapath's clock cannot be set.
    fn pass_time(&mut self, time: Duration) -> anyhow::Result<()>;

    /// Sends frames one after the other, each when the fate of the one before is known; the fates are in the same
    /// order. Nobody answers them. `None` is the fate of a frame that this driver cannot judge.
    ///
    /// # Errors
    /// When a frame cannot be sent at all: an unknown sender, a link that does not take it.
    fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>>;

    /// Lets something go wrong with a node or a pod, or right again.
    ///
    /// # Errors
    /// When there is no such node or pod, or the driver cannot do it.
    fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()>;

    /// Packets dropped since the driver was opened, by reason; `None` if this driver counts nothing.
    ///
    /// # Errors
    /// When the counters cannot be read.
    fn drops(&mut self) -> anyhow::Result<Option<BTreeMap<DropReason, u64>>>;

    /// From now on keeps what is reported, for [`Driver::flows`]. Call it before the first state is applied.
    ///
    /// # Errors
    /// When the driver cannot be asked any more.
    fn keep_reports(&mut self) -> anyhow::Result<()>;

    /// What was reported of probes and frames since the last call; the oracle says what must be reported of them.
    ///
    /// # Errors
    /// When the driver cannot be asked any more.
    fn flows(&mut self) -> anyhow::Result<Reported>;

    /// How each node is; nothing of drivers without tables.
    ///
    /// # Errors
    /// When the driver cannot be asked any more.
    fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>>;

    /// From now on keeps every packet that it sees on a link.
    ///
    /// # Errors
    /// When this driver has no links.
    fn capture(&mut self) -> anyhow::Result<()>;

    /// The packets that were seen since the last call, each with what the flows, which are those since then, say of it.
    ///
    /// # Errors
    /// When the driver cannot be asked any more.
    fn captured(&mut self, flows: &[Sighting]) -> anyhow::Result<Vec<Captured>>;
}

/// What became of a probe, with the evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What happened.
    pub verdict: Verdict,
    /// What the source's egress policy said; `None` if it was not asked.
    pub egress: Option<Side>,
    /// What the destination's ingress policy said; `None` if it was not asked (the source had denied already).
    pub ingress: Option<Side>,
    /// Why it was dropped, when it was.
    pub reason: Option<DropReason>,
    /// Whom an outside host that accepted it sees as its sender; `None` of other destinations.
    pub seen_from: Option<IpAddr>,
    /// The backend that a service chose; `None` of other destinations, and where no node says so.
    pub backend: Option<SocketAddr>,
    /// The generation of the tables that judged it; zero for the oracle.
    pub generation: Generation,
}

impl Outcome {
    /// Whether another driver says the same: everything but the generation, which each driver counts for itself.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let renumbered = Self {
            generation: self.generation,
            ..other.clone()
        };
        *self == renumbered
    }
}

/// What happened to a probe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// It arrived, and the answer came back.
    Allowed,
    /// As allowed, and a side says that policies in audit mode would deny it.
    Audited,
    /// It was dropped, and the event says so.
    Denied,
    /// It arrived and nobody listened: the answer was a reset or an ICMP error.
    Refused,
    /// It was dropped by no policy, and the event says why.
    Dropped,
    /// Neither an answer nor an event: always a failure.
    Lost,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Allowed => "allowed",
            Self::Audited => "audited",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
        })
    }
}
