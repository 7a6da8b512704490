//! What hosts say to each other.

use super::super::evidence::Answer;
use super::super::question::Question;
use super::super::sctp;
use manifest::Protocol;
use std::net::IpAddr;

/// Where the IP header begins in a frame.
const NETWORK: usize = 14;
/// How much of a packet an ICMP error quotes: enough for an IPv6 header and a whole TCP header.
const QUOTED: usize = 64;

/// One packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) content: Content,
}

/// What it says. Ports are source and destination, host order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Tcp { ports: [u16; 2], flag: TcpFlag },
    Udp { ports: [u16; 2], payload: Vec<u8> },
    Sctp(sctp::Packet),
    Icmp(Icmp),
}

/// The ICMP messages that probes lead to, by the identifier of the echo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Icmp {
    Echo(u16),
    EchoReply(u16),
    /// With the beginning of the packet it is about, from its IP header on.
    PortUnreachable {
        quoted: Vec<u8>,
    },
}

/// The TCP packets of a connection's first round trip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TcpFlag {
    Syn,
    SynAck,
    Reset,
}

impl Message {
    /// The packet that puts a question. `number` is the source port, or the identifier of an echo.
    pub(super) fn request(question: &Question, number: u16) -> Self {
        let ports = [number, question.port];
        let content = match question.protocol {
            Protocol::Tcp => Content::Tcp {
                ports,
                flag: TcpFlag::Syn,
            },
            Protocol::Udp => Content::Udp {
                ports,
                payload: b"plumbline".to_vec(),
            },
            Protocol::Sctp => Content::Sctp(sctp::Packet {
                source_port: number,
                destination_port: question.port,
                tag: u32::from(number),
                kind: sctp::Kind::Init,
            }),
            Protocol::Icmp => Content::Icmp(Icmp::Echo(number)),
        };
        Self {
            source: question.source,
            destination: question.destination,
            content,
        }
    }

    /// What a host answers that serves ports as `serves` says; `frame` is this message as it arrived.
    pub(super) fn answer(
        &self,
        frame: &[u8],
        serves: impl Fn(Protocol, u16) -> bool,
    ) -> Option<Self> {
        let content = match &self.content {
            Content::Tcp {
                ports: [source, destination],
                flag: TcpFlag::Syn,
            } => Content::Tcp {
                ports: [*destination, *source],
                flag: if serves(Protocol::Tcp, *destination) {
                    TcpFlag::SynAck
                } else {
                    TcpFlag::Reset
                },
            },
            Content::Udp {
                ports: [source, destination],
                payload,
            } if serves(Protocol::Udp, *destination) => Content::Udp {
                ports: [*destination, *source],
                payload: payload.clone(),
            },
            Content::Udp { .. } => Content::Icmp(Icmp::PortUnreachable {
                quoted: quote(frame),
            }),
            Content::Sctp(packet) if packet.kind == sctp::Kind::Init => {
                Content::Sctp(packet.answer(serves(Protocol::Sctp, packet.destination_port)))
            }
            Content::Icmp(Icmp::Echo(identifier)) => Content::Icmp(Icmp::EchoReply(*identifier)),
            _ => return None,
        };
        Some(Self {
            source: self.destination,
            destination: self.source,
            content,
        })
    }

    /// Whether it is this message; an ICMP error may quote less.
    fn is_as(&self, other: &Self) -> bool {
        let quoted = |message: &Self| match &message.content {
            Content::Icmp(Icmp::PortUnreachable { quoted }) => Some(quoted.clone()),
            _ => None,
        };
        let ends = |message: &Self| (message.source, message.destination);
        match (quoted(self), quoted(other)) {
            (Some(own), Some(other_quoted)) => {
                ends(self) == ends(other) && other_quoted.starts_with(&own)
            }
            _ => self == other,
        }
    }

    /// What this says to the sender of `request`, which left as `frame`; `None` if it is no answer to it.
    pub(super) fn as_answer_to(&self, request: &Self, frame: &[u8]) -> Option<Answer> {
        let [accepted, refused] = [true, false].map(|served| request.answer(frame, |_, _| served));
        if accepted.as_ref() == Some(self) {
            Some(Answer::Accepted)
        } else if refused.is_some_and(|refused| self.is_as(&refused)) {
            Some(Answer::Refused)
        } else {
            None
        }
    }
}

/// The beginning of a frame's packet, from its IP header on.
fn quote(frame: &[u8]) -> Vec<u8> {
    let packet = frame.iter().skip(NETWORK);
    packet.take(QUOTED).copied().collect()
}
