//! What the datapath must report, from what the oracle judges.

use super::PacketEvent;
use super::journal::Sighting;
use abi::{Disposition, Hook, Identity, Occasion, PolicyAction, protocol};
use flow::{End, Flow, SideVerdict, Snapshot};
use jiff::Timestamp;
use manifest::{EndpointName, PolicyKind, PolicyName, Protocol};
use oracle::Side;
use oracle::connection::{self, Standing};
use std::net::IpAddr;
use std::sync::Arc;

/// A packet that is judged: who sends it to whom, and its tuple.
pub(super) struct Judged<'a> {
    pub(super) from: &'a EndpointName,
    pub(super) to: &'a EndpointName,
    pub(super) tuple: connection::Flow,
    pub(super) standing: Standing,
}

/// Predicts in one state of a cluster.
pub(super) struct Prediction {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) time: Timestamp,
}

impl Prediction {
    /// The flow that is reported; `None` where the packet crosses no pod's link, and where it goes on with a connection
    /// that was allowed already.
    pub(super) fn of(&self, packet: &Judged<'_>, event: &PacketEvent) -> Option<Sighting> {
        let connection::Flow {
            protocol,
            source,
            destination,
        } = packet.tuple;
        let (source, destination) = (self.end(protocol, source), self.end(protocol, destination));
        let hook = match (source.party.pod(), destination.party.pod()) {
            _ if packet.from == packet.to => return None,
            (Some(_), _) => Hook::FromEndpoint,
            (None, Some(_)) => Hook::ToEndpoint,
            (None, None) => return None,
        };
        let is_passed = matches!(
            event.disposition,
            Disposition::Allowed | Disposition::Audited
        );
        let occasion = match packet.standing {
            _ if event.disposition == Disposition::Dropped => None,
            Standing::Current if is_passed => return None,
            Standing::New => Some(Occasion::Opens),
            Standing::Stale | Standing::Current => Some(Occasion::Continues),
        };
        let is_asked = event.disposition != Disposition::Dropped;
        let side = |end: &End, said: &Option<Side>| {
            let said = said
                .as_ref()
                .filter(|_| is_asked && end.party.pod().is_some());
            said.map_or(flow::Side::NotAsked, translated)
        };
        let flow = Flow {
            time: self.time,
            generation: 0,
            hook,
            disposition: event.disposition,
            occasion,
            reason: event.reason,
            egress: side(&source, &event.egress),
            ingress: side(&destination, &event.ingress),
            protocol: number(protocol, destination.address),
            length: 0,
            source,
            destination,
        };
        Some(Sighting {
            flow,
            snapshot: Arc::clone(&self.snapshot),
        })
    }

    fn end(&self, protocol: Protocol, (address, port): (IpAddr, u16)) -> End {
        End {
            address,
            port: (protocol != Protocol::Icmp).then_some(port),
            identity: Identity::NONE,
            party: self.snapshot.party(address),
        }
    }
}

/// The IP protocol number.
const fn number(protocol: Protocol, address: IpAddr) -> u8 {
    match (protocol, address) {
        (Protocol::Tcp, _) => protocol::TCP,
        (Protocol::Udp, _) => protocol::UDP,
        (Protocol::Sctp, _) => protocol::SCTP,
        (Protocol::Icmp, IpAddr::V4(_)) => protocol::ICMP,
        (Protocol::Icmp, IpAddr::V6(_)) => protocol::ICMPV6,
    }
}

fn translated(side: &Side) -> flow::Side {
    let decided = |action, policies: &[PolicyName]| {
        let is_network_policy = |policy: &PolicyName| policy.kind == PolicyKind::NetworkPolicy;
        flow::Side::Decided(SideVerdict {
            action,
            policies: policies.to_vec(),
            // Rules of network policies only allow.
            by_default: action != PolicyAction::Allow && policies.iter().all(is_network_policy),
        })
    };
    match side {
        Side::NotIsolated => flow::Side::NoPolicy,
        Side::Allowed(by) => decided(PolicyAction::Allow, by),
        Side::Denied(by) => decided(PolicyAction::Deny, by),
        Side::Audited(by) => decided(PolicyAction::Audit, by),
    }
}
