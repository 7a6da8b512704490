//! What of a flow is to be logged.

use super::record::{Connection, Direction, LogDisposition, Record, Shape, Who};
use crate::{End, Flow, Party, Side, SideVerdict, Snapshot};
use abi::{Occasion, PolicyAction};
use manifest::{LogSwitch, PolicyName};

/// One side of a flow that is to be logged. The record is made when it is wanted: most of a flood's never are.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    flow: &'a Flow,
    snapshot: &'a Snapshot,
    shape: Shape,
    /// The pod or node whose policies decided.
    enforcing: &'a End,
    policies: &'a [PolicyName],
    pub(super) direction: Direction,
    pub(super) disposition: LogDisposition,
}

/// What is to be logged of a flow, egress first.
pub(super) fn entries<'a>(
    flow: &'a Flow,
    snapshot: &'a Snapshot,
    shape: Shape,
) -> impl Iterator<Item = Entry<'a>> {
    let sides = [
        (Direction::Egress, &flow.source, &flow.egress),
        (Direction::Ingress, &flow.destination, &flow.ingress),
    ];
    let decided = sides.into_iter().filter_map(move |(direction, end, side)| {
        let Side::Decided(SideVerdict {
            action, policies, ..
        }) = side
        else {
            return None;
        };
        Some(Entry {
            flow,
            snapshot,
            shape,
            enforcing: end,
            policies,
            direction,
            disposition: (*action).into(),
        })
    });
    decided.filter(Entry::is_wanted)
}

impl<'a> Entry<'a> {
    fn is_wanted(&self) -> bool {
        match self.disposition {
            LogDisposition::Allow => self.is_allow_wanted(),
            LogDisposition::Deny => self.is_denial_wanted(),
            LogDisposition::Audit => self.shape == Shape::Ours && self.is_denial_wanted(),
        }
    }

    /// It is logged when it is opened, not when other policies allow it later.
    fn is_allow_wanted(&self) -> bool {
        self.snapshot.logging().allow.log
            && self.flow.occasion == Some(Occasion::Opens)
            && self.asking().next().is_some()
    }

    fn is_denial_wanted(&self) -> bool {
        let LogSwitch { log, delegate } = self.snapshot.logging().deny;
        let pod = self.enforcing.party.pod();
        let asks_for_it = || pod.is_some_and(|pod| self.snapshot.logs_denials(&pod.name.namespace));
        log && (!delegate || asks_for_it())
    }

    /// The policies for whose sake it is logged.
    fn asking(&self) -> impl Iterator<Item = &'a PolicyName> {
        let Self {
            snapshot, policies, ..
        } = *self;
        let is_delegated =
            self.disposition == LogDisposition::Allow && snapshot.logging().allow.delegate;
        let policies = policies.iter();
        policies.filter(move |policy| !is_delegated || snapshot.is_logged(policy))
    }

    /// Whether the record names policies.
    fn is_named(&self) -> bool {
        match self.disposition {
            LogDisposition::Allow => {
                let is_node = |end: &End| matches!(end.party, Party::Node(_));
                is_node(self.enforcing) || !is_node(&self.flow.source)
            }
            LogDisposition::Deny | LogDisposition::Audit => self.shape == Shape::Ours,
        }
    }

    /// The source, as the record has it.
    pub(super) const fn source(&self) -> &'a End {
        &self.flow.source
    }

    /// The destination, as the record has it.
    pub(super) const fn destination(&self) -> &'a End {
        &self.flow.destination
    }

    /// The name of its protocol.
    pub(super) const fn protocol(&self) -> &'static str {
        self.shape.protocol(self.flow.protocol)
    }

    /// Its record.
    pub(super) fn record(&self) -> Record {
        let (source, destination) = (self.source(), self.destination());
        let policies = self.asking().filter(|_| self.is_named());
        let node = self.enforcing.party.node();
        let frontend = self.flow.frontend.as_ref();
        let frontend = frontend.filter(|_| self.shape == Shape::Ours);
        Record {
            connection: Connection {
                src_ip: source.address,
                dest_ip: destination.address,
                src_port: source.port,
                dest_port: destination.port,
                protocol: self.protocol().to_owned(),
                direction: self.direction,
                service: frontend.map(Into::into),
            },
            disposition: self.disposition,
            policies: policies.map(Into::into).collect(),
            src: Who::of(source),
            dest: Who::of(destination),
            count: 1,
            node_name: node.map_or_else(String::new, ToString::to_string),
            timestamp: self.flow.time,
        }
    }
}

impl From<PolicyAction> for LogDisposition {
    fn from(action: PolicyAction) -> Self {
        match action {
            PolicyAction::Allow => Self::Allow,
            PolicyAction::Deny => Self::Deny,
            PolicyAction::Audit => Self::Audit,
        }
    }
}
