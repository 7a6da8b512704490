//! What must become of each packet, and whether the policies are asked.

use conformance::driver::{Driver, Fate, Mode, OracleDriver};
use conformance::packet::Packet;
use manifest::{Cluster, EndpointName};
use std::time::Duration;

/// The oracle, which remembers connections.
pub(crate) struct Model(OracleDriver);

/// What must become of a packet.
pub(crate) struct Expectation {
    fate: Fate,
    sender: EndpointName,
    /// Whether it opens a connection.
    opens: bool,
}

impl Model {
    pub(crate) fn new(mode: Mode) -> Self {
        Self(OracleDriver::new(mode))
    }

    pub(crate) fn apply(&mut self, cluster: &Cluster) {
        self.0.apply(cluster).expect("the oracle takes any cluster");
    }

    pub(crate) fn pass_time(&mut self, time: Duration) {
        let passed = self.0.pass_time(time);
        passed.expect("the oracle lets any time pass");
    }

    /// Whether what becomes of this packet is the datapath's choice.
    pub(crate) fn is_undecided(&self, packet: &Packet) -> anyhow::Result<bool> {
        Ok(self.0.is_undecided(&packet.to_frame()?))
    }

    /// What must become of this packet, which is remembered.
    pub(crate) fn expect(&mut self, packet: &Packet) -> anyhow::Result<Expectation> {
        let before = self.0.opened_count();
        let fates = self.0.send(&[packet.to_frame()?])?;
        let fate = fates.into_iter().next().flatten();
        Ok(Expectation {
            fate: fate.expect("the oracle knows what sagas send"),
            sender: packet.from.clone(),
            opens: self.0.opened_count() > before,
        })
    }
}

impl Expectation {
    /// Whether this is what a datapath said.
    pub(crate) fn is_met(&self, seen: &Fate) -> bool {
        // A packet that arrives nowhere is dropped with a reason; one that arrives is not.
        let is_explained = seen.arrivals.is_empty() == seen.reason().is_some();
        is_explained && seen.is_like(&self.fate, &self.sender) && self.is_asked_rightly(seen)
    }

    /// The policies are asked only where the model asks them, and about every new connection.
    fn is_asked_rightly(&self, seen: &Fate) -> bool {
        if seen.decision().is_some() {
            self.fate.decision().is_some()
        } else {
            !self.opens
        }
    }

    /// The same as steps of a feature.
    pub(crate) fn steps(&self) -> Vec<String> {
        if let Some(reason) = self.fate.reason() {
            return vec![format!("Then it is dropped: {reason}")];
        }
        let mut steps = vec!["Then it arrives".to_owned()];
        if self.opens {
            steps.push(match self.fate.events.len() {
                1 => "And 1 event is written".to_owned(),
                count => format!("And {count} events are written"),
            });
        } else if self.fate.decision().is_none() {
            steps.push("And no event is written".to_owned());
        }
        steps
    }

    /// In a line.
    pub(crate) fn say(&self) -> String {
        say(&self.fate)
    }
}

/// A fate in a line.
pub(crate) fn say(fate: &Fate) -> String {
    let places = fate.arrivals.iter().map(|arrival| arrival.at.to_string());
    let places: Vec<String> = places.collect();
    let events = fate.events.iter().map(|event| {
        let reason = event.reason.map(|reason| format!(": {reason}"));
        let (egress, ingress) = (&event.egress, &event.ingress);
        format!(
            ", {}{}, egress {egress:?}, ingress {ingress:?}",
            event.disposition,
            reason.unwrap_or_default()
        )
    });
    let events: String = events.collect();
    format!("arrives at [{}]{events}", places.join(", "))
}
