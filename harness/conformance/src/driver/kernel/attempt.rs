//! One probe under way: its client's side.

use super::super::evidence::{Answer, NodeEvent};
use super::super::question::Question;
use super::super::sctp;
use super::{icmp, station};
use abi::{Address, Disposition, DropReason, Event, Port, PortRange, protocol};
use agent::Masquerade;
use manifest::Protocol;
use socket2::{Socket, Type};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

/// One probe, with a tuple of its own.
pub(super) struct Attempt {
    pub(super) question: Question,
    /// Source port, or the identifier of the echo request.
    pub(super) source_port: u16,
    /// What its packets carry.
    id: u32,
    client: Client,
    pub(super) answer: Option<Answer>,
    /// Where it may be answered, if that is not where it is sent.
    pub(super) answering: Vec<SocketAddr>,
    /// What each node said of it: the drop, or else that it passed.
    pub(super) events: Vec<NodeEvent>,
    /// Whether it goes to an outside host.
    pub(super) is_outbound: bool,
    /// The source address with which that host got it.
    pub(super) seen_from: Option<IpAddr>,
}

/// Where the answer arrives.
enum Client {
    Tcp(Socket),
    Udp(UdpSocket),
    /// At the socket for crafted packets of the source's station.
    Station,
}

impl Attempt {
    /// Opens the client's socket. Call it inside the source's namespace.
    pub(super) fn open(question: Question, source_port: u16, id: u32) -> io::Result<Self> {
        let own = SocketAddr::new(question.source, source_port);
        let client = match question.protocol {
            Protocol::Tcp => {
                let socket = station::bound(Type::STREAM, own)?;
                // Closing resets: no connection lingers in the kernel or in the datapath.
                socket.set_linger(Some(Duration::ZERO))?;
                Client::Tcp(socket)
            }
            Protocol::Udp => Client::Udp(station::bound(Type::DGRAM, own)?.into()),
            Protocol::Sctp | Protocol::Icmp => Client::Station,
        };
        Ok(Self {
            question,
            source_port,
            id,
            client,
            answer: None,
            answering: Vec::new(),
            events: Vec::new(),
            is_outbound: false,
            seen_from: None,
        })
    }

    /// Sends the first packet. `raw` is the socket for crafted packets of the source's station.
    pub(super) fn send(&mut self, raw: Option<&Socket>) -> io::Result<()> {
        let to = SocketAddr::new(self.question.destination, self.question.port);
        match (&self.client, raw) {
            (Client::Tcp(socket), _) => {
                // In progress, or refused at once: `look` sees which.
                if let Err(error) = socket.connect(&to.into())
                    && error.kind() == ErrorKind::ConnectionRefused
                {
                    self.answer = Some(Answer::Refused);
                }
                Ok(())
            }
            (Client::Udp(socket), _) => {
                socket.connect(to)?;
                socket.send(&self.id.to_be_bytes()).map(drop)
            }
            (Client::Station, Some(raw)) => {
                let no_port = SocketAddr::new(to.ip(), 0);
                match raw.send_to(&self.crafted(), &no_port.into()) {
                    // IPv6 says so of a packet that a program drops on its way out of this namespace: its event
                    // tells, and without one it is lost.
                    Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => Ok(()),
                    sent => sent.map(drop),
                }
            }
            (Client::Station, None) => Err(ErrorKind::NotConnected.into()),
        }
    }

    /// The bytes behind the IP header.
    fn crafted(&self) -> Vec<u8> {
        if self.question.protocol == Protocol::Icmp {
            return icmp::echo_request(self.question.destination, self.source_port, self.id);
        }
        let init = sctp::Packet {
            source_port: self.source_port,
            destination_port: self.question.port,
            tag: self.id,
            kind: sctp::Kind::Init,
        };
        init.to_bytes()
    }

    /// Tells an outside host that has accepted the connection which probe it is.
    pub(super) fn introduce(&self) -> io::Result<()> {
        match &self.client {
            Client::Tcp(socket) if self.is_unseen() => {
                socket.send(&self.id.to_be_bytes()).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Whether an outside host has accepted it, and it is not known yet whom that host sees.
    pub(super) fn is_unseen(&self) -> bool {
        self.is_outbound && self.answer == Some(Answer::Accepted) && self.seen_from.is_none()
    }

    /// Whether its fate is known. Who asks for a service that nobody answers for is told so, too.
    pub(super) fn is_settled(&self) -> bool {
        let is_told = self.question.is_virtual && self.is_refused();
        self.answer.is_some() || self.is_dropped() && !is_told
    }

    fn is_refused(&self) -> bool {
        let told = [DropReason::NoServiceBackend, DropReason::NoServicePort];
        let mut events = self.events.iter();
        events.any(|seen| told.iter().any(|reason| seen.event.reason == *reason as u8))
    }

    fn is_dropped(&self) -> bool {
        let passed = [Disposition::Allowed as u8, Disposition::Audited as u8];
        let mut events = self.events.iter();
        events.any(|seen| !passed.contains(&seen.event.disposition))
    }

    /// Looks for an answer at the client's own socket.
    pub(super) fn look(&mut self) {
        let answer = match &self.client {
            Client::Tcp(socket) => look_at_connection(socket),
            Client::Udp(socket) => look_at_datagrams(socket, self.id),
            Client::Station => None,
        };
        self.answer = self.answer.or(answer);
    }

    /// Takes an answer that arrived at the station, if it is this attempt's.
    pub(super) fn take(&mut self, answer: Answer, from: (IpAddr, u16), id: u32) {
        let Question {
            destination, port, ..
        } = self.question;
        if (destination, port) == from && self.id == id {
            self.answer = self.answer.or(Some(answer));
        }
    }

    /// Whether an event may be about this attempt, where the node that serves has sent it on to a backend.
    pub(super) fn is_sent_on_as(&self, event: &Event) -> bool {
        let ports = Masquerade::ports_of_services(PortRange::NONE);
        let own = Port::new(self.source_port);
        let port = match self.question.protocol {
            Protocol::Sctp => own,
            _ => ports.starting_at(own),
        };
        self.question.is_virtual
            && port == event.source_port
            && event.source.to_ip() != self.question.source
    }

    /// Takes an event, if it is about this attempt.
    pub(super) fn note(&mut self, seen: &NodeEvent) {
        let event = &seen.event;
        let protocol = match (self.question.protocol, self.question.destination) {
            (Protocol::Tcp, _) => protocol::TCP,
            (Protocol::Udp, _) => protocol::UDP,
            (Protocol::Sctp, _) => protocol::SCTP,
            (Protocol::Icmp, IpAddr::V4(_)) => protocol::ICMP,
            (Protocol::Icmp, IpAddr::V6(_)) => protocol::ICMPV6,
        };
        let end = |address: Address, port: Port| SocketAddr::new(address.to_ip(), port.number());
        let destination = end(event.destination, event.destination_port);
        let asked = SocketAddr::new(self.question.destination, self.question.port);
        let frontend = end(event.frontend.address, event.frontend.port);
        let is_own = event.protocol == protocol
            && (destination == asked || frontend == asked || self.answering.contains(&destination));
        if is_own && !self.is_dropped() {
            self.events.retain(|known| known.node != seen.node);
            self.events.push(*seen);
        }
    }
}

fn look_at_connection(socket: &Socket) -> Option<Answer> {
    match socket.take_error() {
        Ok(Some(error)) if error.kind() == ErrorKind::ConnectionRefused => Some(Answer::Refused),
        Ok(None) if socket.peer_addr().is_ok() => Some(Answer::Accepted),
        _ => None,
    }
}

fn look_at_datagrams(socket: &UdpSocket, id: u32) -> Option<Answer> {
    let mut buffer = [0; 64];
    match socket.recv(&mut buffer) {
        Ok(length) if buffer[..length] == id.to_be_bytes() => Some(Answer::Accepted),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Some(Answer::Refused),
        _ => None,
    }
}
