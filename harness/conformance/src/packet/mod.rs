//! Packets that are made up, header field by header field.
//!
//! A [`Packet`] says who sends what to whom, and what is unusual about it. [`Packet::to_frame`] turns it into the
//! bytes that a driver sends; [`Frame::new`] takes bytes as they are.
//!
//! ```
//! use conformance::packet::{Message, Packet, Ports};
//! use manifest::EndpointName;
//!
//! let packet = Packet::new(
//!     (EndpointName::pod("shop", "web"), "10.0.0.1".parse().unwrap()),
//!     (EndpointName::pod("shop", "db"), "10.0.0.2".parse().unwrap()),
//!     Message::Tcp(Ports { source: 40_000, destination: 5432 }, "SYN".parse().unwrap()),
//! );
//! let frame = packet.to_frame().unwrap();
//! assert_eq!(frame.bytes()[..2], [0x08, 0x00]);
//! ```

mod frame;
mod icmp;
mod neighbour;
mod network;
mod sctp;
mod tcp;
mod transport;

pub use frame::Frame;
pub use icmp::IcmpError;
pub use neighbour::{Arp, Discovery};
pub use network::{Extension, Fragment};
pub use sctp::{chunk_name, parse_chunk};
pub use tcp::TcpFlags;

use manifest::{EndpointName, Protocol};
use oracle::connection::{self, Content, Flow, SctpChunk};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A packet between two ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Who sends it.
    pub from: EndpointName,
    /// The address that it really has.
    pub source: IpAddr,
    /// Who is meant.
    pub to: EndpointName,
    /// Where it is sent to.
    pub destination: IpAddr,
    /// What it says.
    pub message: Message,
    /// Bytes behind the transport header.
    pub length: usize,
    /// What is unusual about it.
    pub oddities: Oddities,
}

/// What a packet says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// TCP with these flags.
    Tcp(Ports, TcpFlags),
    /// UDP.
    Udp(Ports),
    /// SCTP with one chunk.
    Sctp(Ports, SctpChunk),
    /// An ICMP echo request with this identifier.
    EchoRequest(u16),
    /// An ICMP echo reply with this identifier.
    EchoReply(u16),
    /// An ICMP error.
    Error(Complaint),
    /// Any other IP protocol, by number.
    Other(u8),
}

/// What an ICMP error is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    /// What went wrong.
    pub error: IcmpError,
    /// The beginning of the packet it is about, from its IP header on.
    pub quoted: Vec<u8>,
    /// The flow that the quotation is part of; `None` if it is of none.
    pub about: Option<Flow>,
    /// The packet that is quoted, if it was made up too.
    pub quotation: Option<Box<Packet>>,
}

/// Ports, host order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ports {
    /// The sender's.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
}

/// What is unusual about a packet; by default nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Oddities {
    /// Time to live or hop limit; 64 otherwise.
    pub ttl: Option<u8>,
    /// IPv4 options or, without them, nothing. Padded to words of four bytes.
    pub options: Vec<u8>,
    /// IPv6 extension headers, in this order, before a fragment header.
    pub extensions: Vec<Extension>,
    /// Only this part of it is sent.
    pub fragment: Option<Fragment>,
    /// An 802.1Q tag with this VLAN.
    pub vlan: Option<u16>,
    /// A source address that is not the sender's.
    pub source: Option<IpAddr>,
    /// A source link-layer address that is not the sender's.
    pub mac: Option<[u8; 6]>,
    /// Only so many bytes of the IP packet are sent; its headers speak of all.
    pub cut: Option<usize>,
}

impl Packet {
    /// A packet with nothing unusual about it and nothing behind its transport header.
    #[must_use]
    pub fn new(from: (EndpointName, IpAddr), to: (EndpointName, IpAddr), message: Message) -> Self {
        Self {
            from: from.0,
            source: from.1,
            to: to.0,
            destination: to.1,
            message,
            length: 0,
            oddities: Oddities::default(),
        }
    }

    /// Its bytes.
    ///
    /// # Errors
    /// When it cannot be written: two families in one packet, a fragment of bytes that are not there, too many bytes.
    pub fn to_frame(&self) -> anyhow::Result<Frame> {
        let network = network::write(self)?;
        let mut frame = Frame::of_network(self.from.clone(), &network, self.oddities.vlan);
        frame.towards = Some(self.to.clone());
        frame.mac = self.oddities.mac;
        frame.meaning = self.meaning();
        frame.packet = Some(Box::new(self.clone()));
        Ok(frame)
    }

    /// The connection it is part of, seen from its sender. What has no ports has zeros.
    #[must_use]
    pub fn flow(&self) -> Flow {
        let (protocol, source, destination) = match self.message {
            Message::Tcp(ports, _) => (Protocol::Tcp, ports.source, ports.destination),
            Message::Udp(ports) => (Protocol::Udp, ports.source, ports.destination),
            Message::Sctp(ports, _) => (Protocol::Sctp, ports.source, ports.destination),
            Message::EchoRequest(identifier) => (Protocol::Icmp, identifier, 0),
            Message::EchoReply(identifier) => (Protocol::Icmp, 0, identifier),
            Message::Error(_) | Message::Other(_) => (Protocol::Icmp, 0, 0),
        };
        Flow {
            protocol,
            source: (self.source, source),
            destination: (self.destination, destination),
        }
    }

    /// Whether it is part of a connection, or could be.
    pub(crate) const fn has_flow(&self) -> bool {
        !matches!(self.message, Message::Error(_) | Message::Other(_))
    }

    /// What the oracle is asked about it; `None` if only its bytes tell what it is.
    fn meaning(&self) -> Option<connection::Packet> {
        let content = match &self.message {
            Message::Tcp(_, flags) => Content::Tcp(flags.meaning()),
            Message::Udp(_) => Content::Datagram,
            Message::Sctp(_, chunk) => Content::Sctp(*chunk),
            Message::EchoRequest(_) => Content::EchoRequest,
            Message::EchoReply(_) => Content::EchoReply,
            Message::Error(complaint) => Content::Error(complaint.about?),
            Message::Other(_) => return None,
        };
        self.oddities
            .keep_its_meaning()
            .then(|| connection::Packet {
                from: self.from.clone(),
                to: self.to.clone(),
                flow: self.flow(),
                content,
            })
    }
}

/// In words: `shop/web → shop/db TCP SYN 10.244.0.2:40000 → 10.244.0.3:5432`.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match &self.message {
            Message::Tcp(_, flags) => format!("TCP {flags}"),
            Message::Udp(_) => "UDP".to_owned(),
            Message::Sctp(_, chunk) => format!("SCTP {}", chunk_name(*chunk)),
            Message::EchoRequest(_) => "echo request".to_owned(),
            Message::EchoReply(_) => "echo reply".to_owned(),
            Message::Error(complaint) => format!("ICMP \"{}\"", complaint.error),
            Message::Other(number) => format!("protocol {number}"),
        };
        let flow = self.flow();
        let [source, destination] = [flow.source, flow.destination].map(SocketAddr::from);
        let (from, to) = (&self.from, &self.to);
        write!(f, "{from} → {to} {what} {source} → {destination}")
    }
}

impl Oddities {
    /// Whether the packet means what it would mean without them.
    fn keep_its_meaning(&self) -> bool {
        self.fragment.is_none()
            && self.vlan.is_none()
            && self.source.is_none()
            && self.mac.is_none()
            && self.cut.is_none()
            && self.extensions.len() < Extension::CHAIN_LIMIT
    }
}
