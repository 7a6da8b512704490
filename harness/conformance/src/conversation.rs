//! Connections that scenarios keep and speak on.

use crate::packet::{Message, Packet, Ports, TcpFlags};
use anyhow::{bail, ensure};
use manifest::EndpointName;
use oracle::connection::SctpChunk;
use std::net::IpAddr;

/// What "data" is, in bytes.
const DATA: usize = 100;

/// A connection between two ends.
#[derive(Clone, Debug)]
pub(crate) struct Conversation {
    pub(crate) kind: Kind,
    pub(crate) opener: End,
    pub(crate) other: End,
}

/// One end of it.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) name: EndpointName,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
}

/// What protocol it speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Sctp,
}

/// What is said on it, whatever its protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Data,
    /// No more will be said.
    Farewell,
    /// It is broken off.
    Reset,
}

/// A transport header without its ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Segment {
    Tcp(TcpFlags),
    Udp,
    Sctp(SctpChunk),
}

impl Segment {
    pub(crate) const fn with(self, ports: Ports) -> Message {
        match self {
            Self::Tcp(flags) => Message::Tcp(ports, flags),
            Self::Udp => Message::Udp(ports),
            Self::Sctp(chunk) => Message::Sctp(ports, chunk),
        }
    }

    const fn kind(self) -> Kind {
        match self {
            Self::Tcp(_) => Kind::Tcp,
            Self::Udp => Kind::Udp,
            Self::Sctp(_) => Kind::Sctp,
        }
    }
}

impl Conversation {
    /// The packets that open it.
    pub(crate) fn opening(&self) -> anyhow::Result<Vec<Packet>> {
        let words: &[(&End, Segment, usize)] = &match self.kind {
            Kind::Tcp => vec![
                (&self.opener, tcp("SYN")?, 0),
                (&self.other, tcp("SYN/ACK")?, 0),
                (&self.opener, tcp("ACK")?, 0),
            ],
            Kind::Udp => vec![
                (&self.opener, Segment::Udp, DATA),
                (&self.other, Segment::Udp, DATA),
            ],
            Kind::Sctp => vec![
                (&self.opener, Segment::Sctp(SctpChunk::Init), 0),
                (&self.other, Segment::Sctp(SctpChunk::InitAck), 0),
                (&self.opener, Segment::Sctp(SctpChunk::CookieEcho), 0),
                (&self.other, Segment::Sctp(SctpChunk::CookieAck), 0),
            ],
        };
        words
            .iter()
            .map(|(from, segment, length)| self.packet(&from.name, *segment, *length))
            .collect()
    }

    /// The packets with which `first` ends it and the other side agrees.
    pub(crate) fn closing(&self, first: &EndpointName) -> anyhow::Result<Vec<Packet>> {
        let (from, to) = self.ends(first)?;
        let words: Vec<(&End, Segment)> = match self.kind {
            Kind::Tcp => vec![
                (from, tcp("FIN/ACK")?),
                (to, tcp("FIN/ACK")?),
                (from, tcp("ACK")?),
            ],
            Kind::Sctp => vec![
                (from, Segment::Sctp(SctpChunk::Shutdown)),
                (to, Segment::Sctp(SctpChunk::ShutdownAck)),
                (from, Segment::Sctp(SctpChunk::ShutdownComplete)),
            ],
            Kind::Udp => bail!("a UDP conversation has no end: nothing closes it"),
        };
        words
            .into_iter()
            .map(|(from, segment)| self.packet(&from.name, segment, 0))
            .collect()
    }

    /// What `from` says on it.
    pub(crate) fn say(&self, from: &EndpointName, word: Word) -> anyhow::Result<Packet> {
        let (segment, length) = match (self.kind, word) {
            (Kind::Tcp, Word::Data) => (tcp("PSH/ACK")?, DATA),
            (Kind::Tcp, Word::Farewell) => (tcp("FIN/ACK")?, 0),
            (Kind::Tcp, Word::Reset) => (tcp("RST/ACK")?, 0),
            (Kind::Sctp, Word::Data) => (Segment::Sctp(SctpChunk::Data), DATA),
            (Kind::Sctp, Word::Farewell) => (Segment::Sctp(SctpChunk::Shutdown), 0),
            (Kind::Sctp, Word::Reset) => (Segment::Sctp(SctpChunk::Abort), 0),
            (Kind::Udp, Word::Data) => (Segment::Udp, DATA),
            (Kind::Udp, _) => bail!("a UDP conversation has no end: nothing closes it"),
        };
        self.packet(from, segment, length)
    }

    /// One packet of it.
    pub(crate) fn packet(
        &self,
        from: &EndpointName,
        segment: Segment,
        length: usize,
    ) -> anyhow::Result<Packet> {
        let (from, to) = self.ends(from)?;
        ensure!(
            segment.kind() == self.kind,
            "the connection speaks another protocol than that"
        );
        let ports = Ports {
            source: from.port,
            destination: to.port,
        };
        let mut packet = Packet::new(
            (from.name.clone(), from.address),
            (to.name.clone(), to.address),
            segment.with(ports),
        );
        packet.length = length;
        Ok(packet)
    }

    /// The end of this name, and the other.
    fn ends(&self, name: &EndpointName) -> anyhow::Result<(&End, &End)> {
        if *name == self.opener.name {
            Ok((&self.opener, &self.other))
        } else if *name == self.other.name {
            Ok((&self.other, &self.opener))
        } else {
            bail!(
                "{name} has no part in it: the connection is between {} and {}",
                self.opener.name,
                self.other.name
            )
        }
    }
}

fn tcp(flags: &str) -> anyhow::Result<Segment> {
    Ok(Segment::Tcp(flags.parse()?))
}
