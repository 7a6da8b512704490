//! Who stands behind a virtual end.

use crate::maglev;
use ipnet::IpNet;
use std::net::SocketAddr;

/// Backends to choose from. Equal contents are one set.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Backends {
    /// How one of them is chosen.
    pub choice: Choice,
    /// Those that take new connections, sorted.
    pub take_new: Vec<SocketAddr>,
    /// Those that only keep the connections they have, sorted.
    pub drain: Vec<SocketAddr>,
    /// Who is outside of the cluster and may come to them, sorted; `None` if everybody may.
    pub sources: Option<Vec<IpNet>>,
}

/// How a backend is chosen for a new connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Choice {
    /// Any of them, each as likely.
    #[default]
    Random,
    /// By a hash of who asks: every node chooses alike, and when backends come and go few clients get another.
    Maglev,
}

impl Backends {
    /// Whether there is nobody at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.take_new.is_empty() && self.drain.is_empty()
    }

    /// The backend of each slot, from slot 0: once each, or for [`Choice::Maglev`] about as often each.
    #[must_use]
    pub fn slots(&self) -> Vec<SocketAddr> {
        match self.choice {
            Choice::Random => self.take_new.clone(),
            Choice::Maglev => maglev::slots(&self.take_new),
        }
    }
}
