//! Who floods whom.

use std::net::Ipv4Addr;

/// The pods of the lab, which are in every state of the cluster.
pub(crate) const PODS: [(&str, Ipv4Addr); 4] = [
    ("left", Ipv4Addr::new(10, 0, 0, 1)),
    ("right", Ipv4Addr::new(10, 0, 0, 2)),
    ("web", Ipv4Addr::new(10, 0, 0, 3)),
    ("db", Ipv4Addr::new(10, 0, 0, 4)),
];

/// UDP datagrams from one pod to a port of another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Flow {
    pub(crate) from: &'static str,
    pub(crate) to: &'static str,
    pub(crate) port: u16,
    pub(crate) fate: Fate,
}

/// What every state of the cluster says of a flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Fate {
    /// Allowed in each state, by rules that are others in each.
    Allowed,
    /// Denied in each state, and allowed by the rules of one state to the labels of another.
    Denied,
    /// Allowed in some.
    Changes,
}

const fn flow(from: &'static str, to: &'static str, port: u16, fate: Fate) -> Flow {
    Flow {
        from,
        to,
        port,
        fate,
    }
}

/// What each thread sends; every datagram of an allowed flow is the last of its round.
pub(crate) const FLOWS: [&[Flow]; 2] = [
    &[
        flow("left", "right", 6000, Fate::Denied),
        flow("web", "db", 5000, Fate::Changes),
        flow("web", "db", 6000, Fate::Changes),
        flow("web", "right", 7000, Fate::Changes),
        flow("left", "right", 5000, Fate::Allowed),
    ],
    &[
        flow("right", "left", 6000, Fate::Denied),
        flow("db", "web", 5000, Fate::Changes),
        flow("db", "web", 6000, Fate::Changes),
        flow("db", "left", 7000, Fate::Changes),
        flow("right", "left", 5000, Fate::Allowed),
    ],
];

/// The address of a pod.
pub(crate) fn address(name: &str) -> Ipv4Addr {
    let pod = PODS.iter().find(|(pod, _)| *pod == name);
    pod.expect("a pod of the lab").1
}
