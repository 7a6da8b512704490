//! Which records follow from a flow.

use super::record::{Connection, Direction, LogDisposition, Record, Shape, Who};
use crate::{End, Flow, Party, Side, Snapshot};
use abi::{Occasion, PolicyAction};
use manifest::{LogSwitch, PolicyName};

/// One side of a flow, and how it is to be logged.
struct Decision<'a> {
    direction: Direction,
    /// The pod whose policies decided.
    enforcing: &'a End,
    action: PolicyAction,
    policies: &'a [PolicyName],
}

/// The records of a flow, egress first.
pub(super) fn records<'a>(
    flow: &'a Flow,
    snapshot: &'a Snapshot,
    shape: Shape,
) -> impl Iterator<Item = Record> + 'a {
    let sides = [
        (Direction::Egress, &flow.source, &flow.egress),
        (Direction::Ingress, &flow.destination, &flow.ingress),
    ];
    let decisions = sides
        .into_iter()
        .filter_map(|(direction, enforcing, side)| {
            let Side::Decided(verdict) = side else {
                return None;
            };
            Some(Decision {
                direction,
                enforcing,
                action: verdict.action,
                policies: &verdict.policies,
            })
        });
    decisions.filter_map(move |decision| record(flow, snapshot, shape, &decision))
}

fn record(
    flow: &Flow,
    snapshot: &Snapshot,
    shape: Shape,
    decision: &Decision<'_>,
) -> Option<Record> {
    let (disposition, policies) = match decision.action {
        PolicyAction::Allow => {
            let policies = allowing(flow, snapshot, decision)?;
            (LogDisposition::Allow, policies)
        }
        PolicyAction::Deny => {
            is_denial_logged(snapshot, decision).then_some(())?;
            (LogDisposition::Deny, decision.policies.to_vec())
        }
        PolicyAction::Audit => {
            let is_written = shape == Shape::Ours && is_denial_logged(snapshot, decision);
            is_written.then_some(())?;
            (LogDisposition::Audit, decision.policies.to_vec())
        }
    };
    let is_named = match disposition {
        LogDisposition::Allow => !matches!(flow.source.party, Party::Node(_)),
        LogDisposition::Deny | LogDisposition::Audit => shape == Shape::Ours,
    };
    let policies = policies.iter().filter(|_| is_named);
    Some(Record {
        connection: connection(flow, shape, decision.direction),
        disposition,
        policies: policies.map(Into::into).collect(),
        src: Who::of(&flow.source),
        dest: Who::of(&flow.destination),
        count: 1,
        node_name: decision
            .enforcing
            .party
            .pod()
            .map_or_else(String::new, |pod| pod.node.to_string()),
        timestamp: flow.time,
    })
}

/// The policies to be named by a record about a connection that they allow; none, if it is not to be logged. It is
/// logged when it is opened, not when other policies allow it later.
fn allowing(flow: &Flow, snapshot: &Snapshot, decision: &Decision<'_>) -> Option<Vec<PolicyName>> {
    let LogSwitch { log, delegate } = snapshot.logging().allow;
    if !log || flow.occasion != Some(Occasion::Opens) {
        return None;
    }
    let policies = decision.policies.iter();
    let policies = policies.filter(|policy| !delegate || snapshot.is_logged(policy));
    let policies: Vec<PolicyName> = policies.cloned().collect();
    (!policies.is_empty()).then_some(policies)
}

fn is_denial_logged(snapshot: &Snapshot, decision: &Decision<'_>) -> bool {
    let LogSwitch { log, delegate } = snapshot.logging().deny;
    let pod = decision.enforcing.party.pod();
    let asks_for_it = || pod.is_some_and(|pod| snapshot.logs_denials(&pod.name.namespace));
    log && (!delegate || asks_for_it())
}

fn connection(flow: &Flow, shape: Shape, direction: Direction) -> Connection {
    Connection {
        src_ip: flow.source.address,
        dest_ip: flow.destination.address,
        src_port: flow.source.port,
        dest_port: flow.destination.port,
        protocol: shape.protocol(flow.protocol).to_owned(),
        direction,
    }
}
