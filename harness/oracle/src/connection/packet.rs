//! Packets, as far as connections depend on them.

use manifest::{EndpointName, Protocol};
use std::net::IpAddr;

/// A packet between two ends of a cluster.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Packet {
    /// Who sends it, from an address of its own.
    pub from: EndpointName,
    /// Whose address it is sent to.
    pub to: EndpointName,
    /// The connection it is part of, seen from its sender. An ICMP error is part of none; its ports are zero.
    pub flow: Flow,
    /// What it says about that connection.
    pub content: Content,
}

/// One direction of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Flow {
    /// The protocol.
    pub protocol: Protocol,
    /// Address and port (host order) of the sender. The port of who sends an echo request is the echo's identifier.
    pub source: (IpAddr, u16),
    /// Address and port of the receiver. Who answers echo requests has port zero.
    pub destination: (IpAddr, u16),
}

/// What a packet says about its connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// UDP: nothing but that it goes on.
    Datagram,
    /// ICMP: asks for an echo.
    EchoRequest,
    /// ICMP: the echo.
    EchoReply,
    /// TCP.
    Tcp(TcpFlags),
    /// SCTP.
    Sctp(SctpChunk),
    /// An ICMP error: its receiver is said to have sent a packet of this flow.
    Error(Flow),
}

/// The flags of a TCP packet that open and close connections (RFC 9293 section 3.1).
#[expect(
    clippy::struct_excessive_bools,
    reason = "a TCP header has these flags, each of its own"
)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TcpFlags {
    /// Synchronise sequence numbers: the first packet of each direction.
    pub syn: bool,
    /// The packet acknowledges: all but the very first do.
    pub ack: bool,
    /// The sender has no more to say.
    pub fin: bool,
    /// The connection is over.
    pub rst: bool,
}

/// The first chunk of an SCTP packet (RFC 9260 section 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SctpChunk {
    /// Payload.
    Data,
    /// Opens an association.
    Init,
    /// Accepts it.
    InitAck,
    /// Ends it at once.
    Abort,
    /// Asks to end it.
    Shutdown,
    /// Agrees to end it.
    ShutdownAck,
    /// The last packet of all.
    ShutdownComplete,
    /// Shows that the opener is who it says.
    CookieEcho,
    /// The association stands.
    CookieAck,
}

impl Flow {
    /// The other direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
        }
    }
}

impl Content {
    /// Whether only who opens a connection sends it.
    pub(super) const fn is_opening(self) -> bool {
        match self {
            Self::Tcp(flags) => flags.syn && !flags.ack,
            Self::Sctp(chunk) => matches!(chunk, SctpChunk::Init),
            Self::EchoRequest => true,
            Self::Datagram | Self::EchoReply | Self::Error(_) => false,
        }
    }

    /// Whether its sender has no more to say.
    pub(super) const fn is_farewell(self) -> bool {
        match self {
            Self::Tcp(flags) => flags.fin,
            Self::Sctp(chunk) => matches!(chunk, SctpChunk::Shutdown | SctpChunk::ShutdownAck),
            _ => false,
        }
    }

    /// Whether it is the last packet of a connection that both sides have ended.
    pub(super) const fn is_last(self) -> bool {
        matches!(self, Self::Sctp(SctpChunk::ShutdownComplete))
    }

    /// Whether it breaks the connection off.
    pub(super) const fn is_reset(self) -> bool {
        match self {
            Self::Tcp(flags) => flags.rst,
            Self::Sctp(chunk) => matches!(chunk, SctpChunk::Abort),
            _ => false,
        }
    }
}
