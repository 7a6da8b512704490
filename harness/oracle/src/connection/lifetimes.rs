//! How long a silent connection is remembered.

use manifest::Protocol;
use std::time::Duration;

/// Time-outs by how far a connection is. They count from its last packet that passed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// TCP and SCTP: nothing came back yet.
    pub stream_opening: Duration,
    /// TCP and SCTP: both sides have spoken.
    pub stream_established: Duration,
    /// TCP and SCTP: one side has said its last word.
    pub stream_closing: Duration,
    /// TCP and SCTP: both sides have.
    pub stream_closed: Duration,
    /// TCP and SCTP: one side has broken it off.
    pub stream_reset: Duration,
    /// UDP: nothing came back yet.
    pub datagram_opening: Duration,
    /// UDP: both sides have spoken.
    pub datagram_answered: Duration,
    /// ICMP echoes.
    pub echo: Duration,
    /// What the policies denied after they had allowed it; counts from the last packet that they denied.
    pub revoked: Duration,
}

impl Default for Lifetimes {
    /// The least that RFC 5382 (TCP: 2 h 4 min established, 4 min half-closed), RFC 4787 (UDP: 2 min) and RFC 5508
    /// (ICMP: 60 s) allow, with some room for established connections; for the rest what Linux's own tracking has.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            stream_opening: seconds(60),
            stream_established: seconds(8_000),
            stream_closing: seconds(240),
            stream_closed: seconds(120),
            stream_reset: seconds(10),
            datagram_opening: seconds(30),
            datagram_answered: seconds(120),
            echo: seconds(60),
            revoked: seconds(60),
        }
    }
}

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing came back yet.
    Opening,
    /// Both sides have spoken.
    Established,
    /// One side has said its last word.
    Closing,
    /// Both sides have.
    Closed,
    /// One side has broken it off.
    Reset,
    /// The policies deny it now.
    Revoked,
}

impl Lifetimes {
    pub(super) const fn of(&self, protocol: Protocol, phase: Phase) -> Duration {
        match (protocol, phase) {
            (_, Phase::Revoked) => self.revoked,
            (Protocol::Icmp, _) => self.echo,
            (Protocol::Udp, Phase::Opening) => self.datagram_opening,
            (Protocol::Udp, _) => self.datagram_answered,
            (_, Phase::Opening) => self.stream_opening,
            (_, Phase::Established) => self.stream_established,
            (_, Phase::Closing) => self.stream_closing,
            (_, Phase::Closed) => self.stream_closed,
            (_, Phase::Reset) => self.stream_reset,
        }
    }
}
