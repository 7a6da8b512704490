//! What goes wrong in a cluster, and right again.

use manifest::EndpointName;
use std::num::NonZeroU32;

/// A change that no manifest asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The node, or the pod with a network of its own.
    pub at: EndpointName,
    /// What happens to it.
    pub kind: FaultKind,
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Its link goes down, a pod's to its node or a node's to all others: what is sent over it is lost.
    LinkDown,
    /// Its link comes up again.
    LinkUp,
    /// The link of a node to others loses every so manieth packet, each direction counted for itself from now on.
    LinkLoses(NonZeroU32),
    /// The link of a node loses nothing any more.
    LinkWhole,
    /// The agent of a node stops. The programs judge on by the tables that they have, and no change reaches them.
    AgentStops,
    /// An agent takes over at a node, and brings everything up to date.
    AgentStarts,
}
