//! What goes wrong with nodes, and right again.

/// A change of one node that no manifest asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The name of the node.
    pub node: String,
    /// What happens to it.
    pub kind: FaultKind,
}

/// What can happen to a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// Its link to other nodes and the outside goes down: what is sent over it is lost.
    CutOff,
    /// Its link comes up again.
    Joined,
    /// Its agent stops. Its programs judge on by the tables that they have, and no change reaches them.
    AgentStops,
    /// An agent takes over, and brings everything up to date.
    AgentStarts,
}
