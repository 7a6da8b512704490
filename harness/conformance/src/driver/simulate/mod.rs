//! The simulate driver: the program itself, in this process, over the compiled tables. Needs no privileges.
//!
//! The bytes are real: each probe is a packet that the program parses, the host at the other end answers what it read
//! from the packet that reached it, and the answer goes back past the same hooks. Only links and stack are made up.

mod frame;
mod message;
mod network;
mod node;
mod sending;
mod uplink;

use super::evidence::{Judge, NodeEvent};
use super::journal::{Journal, Reported, Sighting};
use super::outside::Outside;
use super::question::Question;
use super::service;
use super::tables::Tables;
use super::{Driver, Fate, Fault, Mode, NodeStatus, Outcome};
use crate::packet::Frame;
use abi::{Address, DropReason, Generation};
use anyhow::{Context as _, bail};
use flow::Clock;
use flow::capture::Captured;
use jiff::Timestamp;
use manifest::Cluster;
use network::Network;
use oracle::Probe;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Source ports and echo identifiers. There is room for a connection of each in the program's table.
const NUMBERS: RangeInclusive<u16> = 32_768..=60_999;

/// A virtual cluster in memory.
#[derive(Debug)]
pub struct SimulateDriver {
    cluster: Cluster,
    tables: Tables,
    network: Network,
    next_number: u16,
    journal: Journal,
    outside: Outside,
}

impl SimulateDriver {
    /// A driver for an empty cluster.
    #[must_use]
    pub fn new(mode: impl Into<Mode>) -> Self {
        let mode = mode.into();
        Self {
            cluster: Cluster::default(),
            tables: Tables::new(mode),
            network: Network::new(mode.routing),
            next_number: *NUMBERS.start(),
            journal: Journal::default(),
            outside: Outside::default(),
        }
    }

    /// A number that no connection in the program's table has. When all were used, the table is emptied.
    fn take_number(&mut self) -> u16 {
        if !NUMBERS.contains(&self.next_number) {
            self.network.forget_connections();
            self.next_number = *NUMBERS.start();
        }
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    fn answer(&mut self, probe: &Probe) -> anyhow::Result<Outcome> {
        let question = Question::new(&self.cluster, probe)?;
        let number = self.take_number();
        let mut finding = self.network.ask(&question, number)?;
        finding.events = self.take_events();
        // What a node sends on to another is from that node.
        let client = Address::from(question.source);
        let is_of_question = |seen: &NodeEvent| {
            seen.event.source == client || question.is_virtual && seen.event.destination != client
        };
        finding.events.retain(is_of_question);
        finding.answering = service::backends(&self.cluster, probe)
            .into_iter()
            .collect();
        let is_judged = self.network.is_judged(&question) || self.tables.guard(&question);
        Ok(self.judge().outcome(&finding, is_judged))
    }

    fn fate(&mut self, frame: &Frame) -> anyhow::Result<Fate> {
        let frame = self.outside.address(frame)?;
        let arrivals = self.network.send(&self.cluster, &frame)?;
        self.outside.note(&frame, &arrivals);
        let events = self.take_events();
        Ok(Fate {
            events: self.judge().packet_events(&events),
            arrivals,
        })
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            readers: self.network.readers(),
            generation: self.tables.generation(),
        }
    }

    fn take_events(&mut self) -> Vec<NodeEvent> {
        let events = self.network.take_events();
        for seen in &events {
            self.journal.note(seen, clock());
        }
        events
    }
}

/// Shows the beginning of 2026 when the driver is opened.
fn clock() -> Clock {
    const BEGINNING: i64 = 1_767_225_600;
    Clock::that_shows(Timestamp::constant(BEGINNING, 0), 0)
}

impl Driver for SimulateDriver {
    fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<Generation> {
        self.journal.read(&self.network.readers());
        self.tables.turn(cluster);
        self.network.plug(cluster, &self.tables);
        self.journal.turn(self.tables.generation(), cluster);
        self.cluster = cluster.clone();
        Ok(self.tables.generation())
    }

    fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        probes.iter().map(|probe| self.answer(probe)).collect()
    }

    fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let passed = self.network.pass_time(nanoseconds);
        passed.context("too much time has passed")
    }

    fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>> {
        frames
            .iter()
            .map(|frame| self.fate(frame).map(Some))
            .collect()
    }

    fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.network.inflict(fault, &self.tables)
    }

    fn drops(&mut self) -> anyhow::Result<Option<BTreeMap<DropReason, u64>>> {
        Ok(Some(self.network.drops()))
    }

    fn keep_reports(&mut self) -> anyhow::Result<()> {
        self.journal.keep();
        Ok(())
    }

    fn flows(&mut self) -> anyhow::Result<Reported> {
        Ok(Reported {
            sightings: self.journal.take(&self.network.readers()),
            until: clock().at(self.network.event_time()),
        })
    }

    fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>> {
        Ok(self.network.status())
    }

    fn capture(&mut self) -> anyhow::Result<()> {
        bail!("packets are captured on links: --captures needs the kernel driver")
    }

    fn captured(&mut self, _: &[Sighting]) -> anyhow::Result<Vec<Captured>> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;
    use abi::{Address, DropReason};
    use manifest::IpBlockMode;
    use manifest::{EndpointName, ObjectName, PolicyName, Protocol, Source};
    use oracle::Side;
    use std::net::IpAddr;

    /// Two dual-stack pods, a node with a pod on its network and an outside host, which all serve port 80 but for `a`;
    /// `b` is isolated, but for TCP 81 from `a`.
    const CLUSTER: &str = r"
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 192.0.2.1}, {type: InternalIP, address: '2001:db8::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: x, labels: {app: a}}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: b, namespace: x, labels: {app: b}}
spec: {nodeName: node-1, containers: [{name: c, ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}, {containerPort: 80, protocol: SCTP}]}]}
status: {podIPs: [{ip: 10.0.0.2}, {ip: 'fd00::2'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: x}
spec: {nodeName: node-1, hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}]}]}
---
apiVersion: plumbline/v1
kind: External
metadata: {name: host}
spec: {addresses: [203.0.113.5, '2001:db8:9::5'], ports: [{containerPort: 80}]}
";

    const ISOLATED: &str = r"
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: b, namespace: x}
spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 81}]}]}
";

    fn driver(texts: &[&str]) -> SimulateDriver {
        let mut cluster = Cluster::default();
        let sources: Vec<_> = texts
            .iter()
            .map(|text| Source::text("test", *text))
            .collect();
        cluster.apply(&sources).unwrap();
        let mut driver = SimulateDriver::new(IpBlockMode::Any);
        driver.apply(&cluster).unwrap();
        driver
    }

    /// Every address of `to`, asked by `from` about a port; ICMP has none.
    fn ask(
        driver: &mut SimulateDriver,
        [from, to]: [&str; 2],
        protocol: Protocol,
        port: u16,
    ) -> Vec<Outcome> {
        let [from, to]: [EndpointName; 2] = [from, to].map(|name| name.parse().unwrap());
        let addresses = driver.cluster.addresses(&to).unwrap();
        let probe = |address: IpAddr| Probe {
            from: from.clone(),
            to: to.clone(),
            address,
            protocol,
            port: (protocol != Protocol::Icmp).then_some(port),
        };
        let probes: Vec<_> = addresses.iter().map(probe).collect();
        driver.probe(&probes).unwrap()
    }

    fn verdicts(
        driver: &mut SimulateDriver,
        ends: [&str; 2],
        what: (Protocol, u16),
    ) -> [Verdict; 2] {
        let outcomes = ask(driver, ends, what.0, what.1);
        [outcomes[0].verdict, outcomes[1].verdict]
    }

    #[test]
    fn a_service_accepts_and_a_closed_port_refuses_in_both_families() {
        let mut driver = driver(&[CLUSTER]);
        for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Sctp] {
            let ends = ["x/a", "x/b"];
            assert_eq!(
                verdicts(&mut driver, ends, (protocol, 80)),
                [Verdict::Allowed; 2]
            );
            assert_eq!(
                verdicts(&mut driver, ends, (protocol, 81)),
                [Verdict::Refused; 2]
            );
        }
        for ends in [
            ["x/a", "x/b"],
            ["x/a", "node/node-1"],
            ["external/host", "x/a"],
        ] {
            assert_eq!(
                verdicts(&mut driver, ends, (Protocol::Icmp, 0)),
                [Verdict::Allowed; 2]
            );
        }
    }

    #[test]
    fn every_kind_of_end_is_reached() {
        let mut driver = driver(&[CLUSTER]);
        let ends = ["x/a", "x/b", "x/agent", "node/node-1", "external/host"];
        for from in ends {
            for to in &ends[1..] {
                let verdicts = verdicts(&mut driver, [from, to], (Protocol::Tcp, 80));
                assert_eq!(verdicts, [Verdict::Allowed; 2], "{from} → {to}");
            }
        }
    }

    #[test]
    fn a_denial_says_which_side_by_which_policy_and_why() {
        let mut driver = driver(&[CLUSTER, ISOLATED]);
        let policies: Vec<PolicyName> = vec![ObjectName::new("x", "b").into()];
        for outcome in ask(&mut driver, ["x/a", "x/b"], Protocol::Tcp, 80) {
            let denied = Outcome {
                verdict: Verdict::Denied,
                egress: Some(Side::NotIsolated),
                ingress: Some(Side::Denied(policies.clone())),
                reason: Some(DropReason::PolicyDeniedIngress),
                seen_from: None,
                backend: None,
                generation: 1,
            };
            assert_eq!(outcome, denied);
        }
        for outcome in ask(&mut driver, ["x/a", "x/b"], Protocol::Tcp, 81) {
            assert_eq!(outcome.verdict, Verdict::Refused);
            assert_eq!(outcome.ingress, Some(Side::Allowed(policies.clone())));
        }
        for (from, expected) in [
            ("node/node-1", Verdict::Allowed),
            ("external/host", Verdict::Denied),
        ] {
            let verdicts = verdicts(&mut driver, [from, "x/b"], (Protocol::Tcp, 80));
            assert_eq!(verdicts, [expected; 2], "{from}");
        }
    }

    #[test]
    fn what_is_dropped_without_policy_is_not_denied() {
        let mut driver = driver(&[CLUSTER]);
        let node = driver.network.nodes.get_mut(&1).unwrap();
        node.memory.locals.remove(&Address::from_v4([10, 0, 0, 2]));
        let outcome = ask(&mut driver, ["x/a", "x/b"], Protocol::Tcp, 80).remove(0);
        // The stack brings it to the pod's link, where nothing of another local pod may come from.
        assert_eq!(outcome.verdict, Verdict::Dropped);
        assert_eq!(driver.network.drops()[&DropReason::SpoofedSource], 1);
    }

    #[test]
    fn numbers_come_round_with_an_empty_connection_table() {
        let mut driver = driver(&[CLUSTER]);
        driver.next_number = *NUMBERS.end();
        for (connections, next) in [(1, 61_000), (1, 32_769), (2, 32_770)] {
            let question = Probe {
                from: EndpointName::pod("x", "a"),
                to: EndpointName::pod("x", "b"),
                address: [10, 0, 0, 2].into(),
                protocol: Protocol::Udp,
                port: Some(80),
            };
            let outcomes = driver.probe(&[question]).unwrap();
            assert_eq!(outcomes[0].verdict, Verdict::Allowed);
            assert_eq!(
                driver.network.nodes[&1].memory.connections().len(),
                connections
            );
            assert_eq!(driver.next_number, next);
        }
    }
}
