//! What the datapath must report, from what the oracle judges.

use super::PacketEvent;
use super::journal::Sighting;
use abi::{Disposition, Hook, Identity, Occasion, PolicyAction, Routing, protocol};
use flow::{End, Flow, Party, SideVerdict, Snapshot};
use jiff::Timestamp;
use manifest::{PolicyName, Protocol};
use oracle::Side;
use oracle::connection::{self, NodeJudgement, Packet, PacketEnd, PacketJudgement, Standing};
use std::net::IpAddr;
use std::sync::Arc;

/// A packet, and what one node says of it.
pub(super) struct Predicted<'a> {
    pub(super) packet: &'a Packet,
    pub(super) judged: &'a NodeJudgement,
    pub(super) event: &'a PacketEvent,
}

/// Predicts in one state of a cluster.
pub(super) struct Prediction {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) routing: Routing,
    pub(super) time: Timestamp,
}

impl Prediction {
    /// The flow that is reported; `None` where the packet does not leave its pod, and where it goes on with a connection
    /// that was allowed already.
    pub(super) fn of(&self, predicted: &Predicted<'_>) -> Option<Sighting> {
        let Predicted {
            packet,
            judged,
            event,
        } = *predicted;
        if packet.from == packet.to {
            return None;
        }
        let connection::Flow {
            protocol,
            source,
            destination,
        } = packet.flow;
        let (source, destination) = (self.end(protocol, source), self.end(protocol, destination));
        let is_passed = matches!(
            event.disposition,
            Disposition::Allowed | Disposition::Audited
        );
        let occasion = match &judged.judgement {
            PacketJudgement::Judged(_, Standing::Current) if is_passed => return None,
            PacketJudgement::Judged(_, Standing::New) => Some(Occasion::Opens),
            PacketJudgement::Judged(..) => Some(Occasion::Continues),
            _ => None,
        };
        let side = |said: &Option<Side>| said.as_ref().map_or(flow::Side::NotAsked, translated);
        let flow = Flow {
            time: self.time,
            generation: 0,
            hook: self.hook(judged, &source, &destination),
            disposition: event.disposition,
            occasion,
            reason: event.reason,
            egress: side(&event.egress),
            ingress: side(&event.ingress),
            frontend: None,
            protocol: number(protocol, destination.address),
            length: 0,
            source,
            destination,
        };
        Some(Sighting {
            node: reporter(judged.at, &flow)?,
            flow,
            snapshot: Arc::clone(&self.snapshot),
        })
    }

    /// Where the packet is seen: a node sees what comes from itself, from its pods, from other nodes and from outside at
    /// different places. Between nodes, what is for a pod goes through the tunnel, if there is one.
    fn hook(&self, judged: &NodeJudgement, source: &End, destination: &End) -> Hook {
        let is_in_tunnel = self.routing == Routing::Vxlan
            && source.party != Party::World
            && destination.party.pod().is_some();
        match (judged.at, &source.party) {
            _ if matches!(judged.judgement, PacketJudgement::Stranded(_)) => Hook::ToNetwork,
            (PacketEnd::Source, Party::Node(_)) if is_in_tunnel => Hook::ToOverlay,
            (PacketEnd::Source, Party::Node(_)) => Hook::ToNetwork,
            (PacketEnd::Source, _) => Hook::FromEndpoint,
            (_, Party::Node(name)) if Some(name) == destination.party.node() => Hook::ToEndpoint,
            _ if is_in_tunnel => Hook::FromOverlay,
            _ => Hook::FromNetwork,
        }
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

/// The node that reports it: that of this end.
fn reporter(at: PacketEnd, flow: &Flow) -> Option<Arc<str>> {
    let end = match at {
        PacketEnd::Source => &flow.source,
        PacketEnd::Destination => &flow.destination,
    };
    end.party.node().map(Arc::clone)
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
        flow::Side::Decided(SideVerdict {
            action,
            policies: policies.to_vec(),
            by_default: action != PolicyAction::Allow
                && policies.iter().all(|policy| policy.kind.isolates()),
        })
    };
    match side {
        Side::NotIsolated => flow::Side::NoPolicy,
        Side::Allowed(by) => decided(PolicyAction::Allow, by),
        Side::Denied(by) => decided(PolicyAction::Deny, by),
        Side::Audited(by) => decided(PolicyAction::Audit, by),
    }
}
