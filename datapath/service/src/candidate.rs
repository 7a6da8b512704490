//! Who may serve a port of a service.

use std::net::SocketAddr;

/// An endpoint of a service's port.
#[derive(Clone, Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) end: SocketAddr,
    pub(crate) place: Place<'a>,
    pub(crate) state: State,
    /// The zones that it is for; empty if nobody says.
    pub(crate) hints: Vec<&'a str>,
}

/// Where an endpoint is, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) node: Option<&'a str>,
    pub(crate) zone: Option<&'a str>,
}

/// The conditions of an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// Whether new connections may go there.
    pub(crate) is_ready: bool,
    /// Whether it could serve, terminating or not.
    pub(crate) serves: bool,
    /// Whether it is about to end.
    pub(crate) is_terminating: bool,
}

impl State {
    /// Whether it takes connections where nobody is ready: better one that is about to end than none.
    pub(crate) const fn serves_to_the_end(self) -> bool {
        self.serves && self.is_terminating
    }
}
