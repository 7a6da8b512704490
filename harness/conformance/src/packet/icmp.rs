//! ICMP errors by their names.

use std::fmt;
use std::str::FromStr;

/// What an ICMP error says (RFC 792, RFC 1191, RFC 4443).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum IcmpError {
    /// Nobody listens there.
    PortUnreachable,
    /// There is no such host.
    HostUnreachable,
    /// A firewall says no.
    Prohibited,
    /// The packet is larger than the next link takes.
    PacketTooBig,
    /// It has travelled too far.
    TimeExceeded,
    /// A header field makes no sense.
    ParameterProblem,
}

/// The MTU that [`IcmpError::PacketTooBig`] speaks of.
const MTU: u16 = 1400;

impl IcmpError {
    /// Every error.
    pub const ALL: [Self; 6] = [
        Self::PortUnreachable,
        Self::HostUnreachable,
        Self::Prohibited,
        Self::PacketTooBig,
        Self::TimeExceeded,
        Self::ParameterProblem,
    ];

    /// Its name in scenarios.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PortUnreachable => "port unreachable",
            Self::HostUnreachable => "host unreachable",
            Self::Prohibited => "administratively prohibited",
            Self::PacketTooBig => "packet too big",
            Self::TimeExceeded => "time exceeded",
            Self::ParameterProblem => "parameter problem",
        }
    }

    /// Type, code, an empty checksum and the four bytes before the quotation.
    pub(super) fn header(self, is_v4: bool) -> [u8; 8] {
        let (kind, code) = match (self, is_v4) {
            (Self::PortUnreachable, true) => (3, 3),
            (Self::HostUnreachable, true) => (3, 1),
            (Self::Prohibited, true) => (3, 13),
            (Self::PacketTooBig, true) => (3, 4),
            (Self::TimeExceeded, true) => (11, 0),
            (Self::ParameterProblem, true) => (12, 0),
            (Self::PortUnreachable, false) => (1, 4),
            (Self::HostUnreachable, false) => (1, 3),
            (Self::Prohibited, false) => (1, 1),
            (Self::PacketTooBig, false) => (2, 0),
            (Self::TimeExceeded, false) => (3, 0),
            (Self::ParameterProblem, false) => (4, 0),
        };
        let [high, low] = match self {
            Self::PacketTooBig => MTU.to_be_bytes(),
            _ => [0; 2],
        };
        [kind, code, 0, 0, 0, 0, high, low]
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text that names no ICMP error.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no ICMP error: use {names}", names = IcmpError::ALL.map(IcmpError::name).join(", "))]
pub struct ParseIcmpError(String);

impl FromStr for IcmpError {
    type Err = ParseIcmpError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|error| error.name() == text);
        known.ok_or_else(|| ParseIcmpError(text.to_owned()))
    }
}
