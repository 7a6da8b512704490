//! What outside hosts know of pods that are masqueraded: they answer whom they see.

use super::{Arrival, wire};
use crate::packet::{Complaint, Frame, Message, Packet};
use manifest::EndpointName;
use oracle::connection::Flow;
use std::collections::HashMap;
use std::net::IpAddr;

/// The other end of pods' connections as outside hosts saw it last, by the pod's own flow. Of pods that they see
/// themselves they know nothing else.
#[derive(Debug, Default)]
pub(super) struct Outside {
    seen: HashMap<Flow, (IpAddr, u16)>,
}

impl Outside {
    /// Takes note of whom outside hosts saw as the sender of a frame.
    pub(super) fn note(&mut self, frame: &Frame, arrivals: &[Arrival]) {
        let Some(packet) = frame.packet().filter(|packet| packet.has_flow()) else {
            return;
        };
        let outside = |arrival: &&Arrival| matches!(arrival.at, EndpointName::External(_));
        let flow = packet.flow();
        for arrival in arrivals.iter().filter(outside) {
            match wire::source_end(&arrival.frame) {
                Some(end) if end.0 != flow.source.0 => _ = self.seen.insert(flow, end),
                _ => _ = self.seen.remove(&flow),
            }
        }
    }

    /// The frame that is really sent: an outside host sends it to whom it sees, and quotes what it got.
    pub(super) fn address(&self, frame: &Frame) -> anyhow::Result<Frame> {
        let is_outside = matches!(frame.from, EndpointName::External(_));
        let packet = frame.packet().filter(|_| is_outside);
        let readdressed = packet.and_then(|packet| match &packet.message {
            Message::Error(complaint) => self.complain(packet, complaint),
            _ => self.answer(packet),
        });
        readdressed.map_or_else(|| Ok(frame.clone()), |packet| packet.to_frame())
    }

    fn answer(&self, packet: &Packet) -> Option<Packet> {
        let &(address, port) = self.seen.get(&packet.flow().reversed())?;
        let mut answer = packet.clone();
        answer.destination = address;
        match &mut answer.message {
            Message::Tcp(ports, _) | Message::Udp(ports) | Message::Sctp(ports, _) => {
                ports.destination = port;
            }
            Message::EchoReply(identifier) => *identifier = port,
            Message::EchoRequest(_) | Message::Error(_) | Message::Other(_) => {}
        }
        Some(answer)
    }

    /// An error to who sent the quoted packet.
    fn complain(&self, packet: &Packet, complaint: &Complaint) -> Option<Packet> {
        const ETHERTYPE: usize = 2;
        let mut quotation = complaint.quotation.clone()?;
        let flow = quotation.flow();
        let &(address, port) = self.seen.get(&flow)?;
        if packet.destination != flow.source.0 {
            return None;
        }
        quotation.source = address;
        match &mut quotation.message {
            Message::Tcp(ports, _) | Message::Udp(ports) | Message::Sctp(ports, _) => {
                ports.source = port;
            }
            Message::EchoRequest(identifier) => *identifier = port,
            Message::EchoReply(_) | Message::Error(_) | Message::Other(_) => {}
        }
        let frame = quotation.to_frame().ok()?;
        let network = frame.bytes().iter().skip(ETHERTYPE).copied();
        let quoted = network.take(complaint.quoted.len()).collect();
        let mut answer = packet.clone();
        answer.destination = address;
        answer.message = Message::Error(Complaint {
            quoted,
            quotation: Some(quotation),
            ..complaint.clone()
        });
        Some(answer)
    }
}
