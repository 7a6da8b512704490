//! From an event to a flow.

use crate::clock::Clock;
use crate::directory::Snapshot;
use crate::end::{End, PodParty, VirtualEnd};
use crate::side::Side;
use abi::{
    Address, Disposition, DropReason, Event, Generation, Hook, Identity, Occasion, Port, protocol,
};
use jiff::Timestamp;
use policy::Planner;

/// One packet that the datapath reported: the first of a new or newly judged connection, or one that was dropped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// When it was seen.
    pub time: Timestamp,
    /// The generation of the tables that judged it.
    pub generation: Generation,
    /// Where it was seen.
    pub hook: Hook,
    /// What became of it.
    pub disposition: Disposition,
    /// Whether it opens a connection or is one of a known one; `None` if policies were not asked about it.
    pub occasion: Option<Occasion>,
    /// Why it was dropped; `None` unless it was.
    pub reason: Option<DropReason>,
    /// Who sent it.
    pub source: End,
    /// To whom: of a service, the backend that was chosen.
    pub destination: End,
    /// What the source asked for, if that is a service's.
    pub frontend: Option<VirtualEnd>,
    /// IP protocol number; zero if the packet never got that far.
    pub protocol: u8,
    /// Length of the frame in bytes.
    pub length: u32,
    /// What the source's egress policies said.
    pub egress: Side,
    /// What the destination's ingress policies said.
    pub ingress: Side,
}

impl Flow {
    /// Reads an event with the names of its generation; `None` if it is none that this version of the programs writes.
    #[must_use]
    pub fn read(
        event: &Event,
        planner: &Planner,
        snapshot: &Snapshot,
        clock: Clock,
    ) -> Option<Self> {
        let disposition = Disposition::from_number(event.disposition)?;
        let end = |address: Address, port: Port, identity: Identity| {
            let address = address.to_ip();
            End {
                address,
                port: has_ports(event.protocol).then(|| port.number()),
                identity,
                party: snapshot.party(address),
            }
        };
        Some(Self {
            time: clock.at(event.time),
            generation: event.generation,
            hook: Hook::from_number(event.hook)?,
            disposition,
            occasion: Occasion::from_number(event.occasion),
            reason: DropReason::from_number(event.reason),
            source: end(event.source, event.source_port, event.source_identity),
            destination: end(
                event.destination,
                event.destination_port,
                event.destination_identity,
            ),
            frontend: frontend(event, snapshot),
            protocol: event.protocol,
            length: event.length,
            egress: planner.provenance(event.egress).into(),
            ingress: planner.provenance(event.ingress).into(),
        })
    }
}

fn frontend(event: &Event, snapshot: &Snapshot) -> Option<VirtualEnd> {
    (event.frontend != abi::End::NONE).then(|| {
        let address = event.frontend.address.to_ip();
        let port = has_ports(event.protocol).then(|| event.frontend.port.number());
        VirtualEnd {
            address,
            port,
            service: snapshot.service(address, event.protocol, port).cloned(),
        }
    })
}

impl Flow {
    /// The pod behind whose interface it was seen; `None` if the address there is no pod's.
    #[must_use]
    pub fn observer(&self) -> Option<&PodParty> {
        let end = match self.hook {
            Hook::FromEndpoint | Hook::ToOverlay | Hook::ToNetwork => &self.source,
            Hook::ToEndpoint | Hook::FromNetwork | Hook::FromOverlay => &self.destination,
        };
        end.party.pod()
    }
}

const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, protocol::TCP | protocol::UDP | protocol::SCTP)
}
