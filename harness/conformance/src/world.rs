//! The state of one scenario: the cluster as it should be, the drivers that hold it, the last outcomes.

use crate::carriage::Carriage;
use crate::driver::{Fault, FaultKind, Outcome};
use crate::entry::Entry;
use crate::evidence;
use crate::golden::Golden;
use crate::judge::{Direction, Expectation, ExpectedSide};
use crate::logbook::Logbook;
use crate::node_metrics::NodeMetrics;
use crate::session::{Answer, Session};
use crate::traffic::Traffic;
use anyhow::{Context as _, bail, ensure};
use flow::log::{Counters, FileSettings, Settings};
use manifest::{Cluster, EndpointName};
use oracle::{Probe, Side};
use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

/// How many mismatches of a step are shown with their evidence; the others are one line each.
const DETAILED: usize = 10;

/// A cluster under test.
pub(crate) struct World {
    /// What the cluster is to be. Changes are in force after [`World::settle`].
    pub(crate) cluster: Cluster,
    pub(crate) session: Session,
    /// What the steps about packets speak of.
    pub(crate) traffic: Traffic,
    /// What the drivers hold.
    applied: Option<Cluster>,
    /// Nodes whose agents are stopped.
    stopped: BTreeSet<String>,
    /// The probes of the last sentence and what became of them.
    last: Vec<(Probe, Outcome)>,
    /// What was logged and reported by the driver, and by the one it is compared with.
    logbook: Logbook,
    against: Option<Logbook>,
    /// What was on links.
    carriage: Carriage,
}

impl World {
    /// A world without anything in it, and with so many nodes once there are pods.
    pub(crate) fn new(session: Session, nodes: u16) -> Self {
        Self {
            cluster: Cluster::spread(nodes),
            traffic: Traffic::default(),
            applied: None,
            stopped: BTreeSet::new(),
            last: Vec::new(),
            logbook: Logbook::default(),
            carriage: Carriage::default(),
            against: session.kinds().against.map(|_| Logbook::default()),
            session,
        }
    }

    /// Brings the drivers to the state of the cluster.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        if self.applied.as_ref() != Some(&self.cluster) {
            self.check_stopped()?;
            self.session.apply(&self.cluster)?;
            self.applied = Some(self.cluster.clone());
        }
        Ok(())
    }

    /// Nobody brings a pod up, or takes one down, where no agent is.
    fn check_stopped(&self) -> anyhow::Result<()> {
        let Some(applied) = &self.applied else {
            return Ok(());
        };
        let on = |cluster: &Cluster, node: &str| {
            let pods = cluster.pods.iter().filter(|(_, pod)| pod.node == node);
            let pods = pods.map(|(name, pod)| (name.clone(), pod.addresses, pod.host_network));
            pods.collect::<Vec<_>>()
        };
        let changed = self
            .stopped
            .iter()
            .find(|node| on(applied, node) != on(&self.cluster, node));
        changed.map_or(Ok(()), |node| {
            bail!("the agent of node/{node} is stopped: pods there neither come nor go until it starts again")
        })
    }

    /// Takes what was reported of the last step.
    pub(crate) fn observe(&mut self) -> anyhow::Result<()> {
        let (observed, against) = self.session.observe()?;
        let cluster = &self.cluster;
        self.logbook
            .see(&observed.reported, &observed.status, cluster);
        self.carriage.see(&observed, cluster);
        if let Some((logbook, observed)) = self.against.as_mut().zip(against) {
            logbook.see(&observed.reported, &observed.status, cluster);
        }
        Ok(())
    }

    /// The packets on the link of this end since the last time.
    pub(crate) fn take_carried(&mut self, at: &EndpointName) -> anyhow::Result<Vec<Entry>> {
        let is_there = self.cluster.addresses(at).is_some();
        ensure!(is_there, "the cluster has no {at}");
        Ok(self.carriage.take(&at.to_string()))
    }

    /// What the nodes have counted.
    pub(crate) const fn metrics(&self) -> &NodeMetrics {
        self.logbook.metrics()
    }

    /// Changes the numbers of the policy log.
    ///
    /// # Errors
    /// While denials wait to be written.
    pub(crate) fn configure_log(&mut self, change: impl Fn(&mut Settings)) -> anyhow::Result<()> {
        let mut logbooks = iter::once(&mut self.logbook).chain(&mut self.against);
        logbooks.try_for_each(|logbook| logbook.configure(&change))
    }

    /// From now on records are written to files as well.
    pub(crate) fn write_log_files(&mut self, settings: FileSettings) -> anyhow::Result<()> {
        let mut logbooks = iter::once(&mut self.logbook).chain(&mut self.against);
        logbooks.try_for_each(|logbook| logbook.write_files(settings))
    }

    /// How many records are in each of these files.
    pub(crate) fn log_files(&self) -> anyhow::Result<Vec<usize>> {
        self.logbook.files()
    }

    /// What became of what was to be logged.
    pub(crate) fn log_counters(&self) -> Counters {
        self.logbook.counters()
    }

    /// Holds the records since the last time against what is expected; of two drivers, against each other.
    pub(crate) fn expect_records(
        &mut self,
        expected: impl FnOnce(&[Entry]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let seen = self.logbook.take_records();
        match &mut self.against {
            Some(other) => same("records", seen, other.take_records()),
            None => expected(&seen),
        }
    }

    /// The same of flows.
    pub(crate) fn expect_flows(
        &mut self,
        expected: impl FnOnce(&[Entry]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let seen = self.logbook.take_flows();
        match &mut self.against {
            Some(other) => same("flows", seen, other.take_flows()),
            None => expected(&seen),
        }
    }

    /// Holds all records so far against a golden file; of two drivers, against each other.
    pub(crate) fn expect_golden_records(&self, golden: &Golden) -> anyhow::Result<()> {
        let seen = self.logbook.golden_records();
        self.expect_golden(golden, &seen, Logbook::golden_records)
    }

    /// The same of flows.
    pub(crate) fn expect_golden_flows(&self, golden: &Golden) -> anyhow::Result<()> {
        let seen = self.logbook.golden_flows();
        self.expect_golden(golden, &seen, Logbook::golden_flows)
    }

    fn expect_golden(
        &self,
        golden: &Golden,
        seen: &str,
        of: impl Fn(&Logbook) -> String,
    ) -> anyhow::Result<()> {
        match &self.against {
            Some(other) => Golden::same(&of(other), seen),
            None => golden.hold(seen),
        }
    }

    /// Tries every expectation's probe; fails with all that do not hold. With a second driver the two are
    /// compared with each other instead.
    pub(crate) fn expect(&mut self, expectations: &[Expectation]) -> anyhow::Result<()> {
        ensure!(
            !expectations.is_empty(),
            "there is nothing to probe: the statement holds for no connection of this cluster"
        );
        let answers = self.ask(expectations)?;
        let pairs = expectations.iter().zip(&answers);
        let mismatches =
            pairs.filter_map(|(expectation, answer)| self.mismatch(expectation, answer));
        let mismatches = mismatches.collect();
        let probes = expectations
            .iter()
            .map(|expectation| expectation.probe.clone());
        let outcomes = answers.into_iter().map(|answer| answer.outcome);
        self.forget_last();
        self.last = probes.zip(outcomes).collect();
        self.fail_with(mismatches)
    }

    /// What the drivers say, in the state of the cluster.
    pub(crate) fn ask(&mut self, expectations: &[Expectation]) -> anyhow::Result<Vec<Answer>> {
        self.settle()?;
        let probes: Vec<Probe> = expectations
            .iter()
            .map(|expectation| expectation.probe.clone())
            .collect();
        self.session.probe(&probes)
    }

    /// "It" is nothing until something is tried.
    pub(crate) fn forget_last(&mut self) {
        self.last.clear();
        self.traffic.sent.clear();
    }

    /// Lets time pass, in the state of the cluster.
    pub(crate) fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.settle()?;
        self.session.pass_time(time)
    }

    /// Lets something happen to a node or a pod, in the state of the cluster.
    pub(crate) fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        self.settle()?;
        match &fault.at {
            EndpointName::Node(node) => {
                let is_there = self.cluster.nodes.contains_key(node);
                ensure!(is_there, "the cluster has no {}", fault.at);
                match fault.kind {
                    FaultKind::AgentStops => _ = self.stopped.insert(node.clone()),
                    FaultKind::AgentStarts => _ = self.stopped.remove(node),
                    _ => {}
                }
            }
            EndpointName::Pod(name) => {
                let pod = self.cluster.pods.get(name);
                let pod = pod.with_context(|| format!("the cluster has no {name}"))?;
                ensure!(
                    !pod.host_network,
                    "{name} is on the network of its node and has no link of its own"
                );
            }
            EndpointName::External(_) | EndpointName::Service(_) => {
                bail!("nothing happens to {}", fault.at)
            }
        }
        self.session.inflict(fault)
    }

    /// Holds one side of every outcome of the last sentence against what is expected.
    pub(crate) fn expect_of_last(
        &self,
        direction: Direction,
        side: &ExpectedSide,
    ) -> anyhow::Result<()> {
        if !self.traffic.sent.is_empty() {
            return self.expect_of_packets(direction, side);
        }
        ensure!(
            !self.last.is_empty(),
            "no connection was tried yet: `it` means the connections or packets of the step before"
        );
        let mut mismatches = Vec::new();
        for (probe, outcome) in &self.last {
            ensure!(
                direction.of(outcome).is_some(),
                "{}: its {direction} was not asked, because its egress was denied",
                evidence::name(probe)
            );
            let expectation = Expectation::side(probe.clone(), direction, side.clone());
            mismatches.extend(self.report(&expectation, outcome));
        }
        self.fail_with(mismatches)
    }

    /// The same of every packet that the policies were asked about.
    fn expect_of_packets(&self, direction: Direction, side: &ExpectedSide) -> anyhow::Result<()> {
        self.expect_each(&format!("{direction} {side}"), |sent| {
            let seen = direction.of_packet(&sent.fate);
            seen.is_some_and(|seen| side.is(seen))
        })
    }

    /// The connections of the last sentence, and what became of them.
    pub(crate) fn last(&self) -> &[(Probe, Outcome)] {
        &self.last
    }

    /// Whether that side was asked for any connection of the last sentence.
    pub(crate) fn was_asked(&self, direction: Direction) -> bool {
        let mut outcomes = self.last.iter();
        outcomes.any(|(_, outcome)| direction.of(outcome).is_some())
    }

    fn fail_with(&self, mismatches: Vec<Mismatch>) -> anyhow::Result<()> {
        if mismatches.is_empty() {
            return Ok(());
        }
        let headline = self.headline(mismatches.len());
        let mut text = String::new();
        for (index, mismatch) in mismatches.into_iter().enumerate() {
            text.push_str(&mismatch.headline);
            if index < DETAILED {
                text.push_str(&mismatch.evidence);
            }
        }
        bail!("{headline}\n{}", text.trim_end())
    }

    fn headline(&self, count: usize) -> String {
        let kinds = self.session.kinds();
        let plural = if count == 1 { "" } else { "s" };
        match kinds.against {
            None => format!(
                "{count} connection{plural} not as expected ({} driver):",
                kinds.driver
            ),
            Some(other) => {
                format!(
                    "{count} connection{plural} where {} and {other} differ:",
                    kinds.driver
                )
            }
        }
    }

    fn mismatch(&self, expectation: &Expectation, answer: &Answer) -> Option<Mismatch> {
        match &answer.against {
            Some(other) => self.difference(&expectation.probe, &answer.outcome, other),
            None => self.report(expectation, &answer.outcome),
        }
    }

    fn report(&self, expectation: &Expectation, outcome: &Outcome) -> Option<Mismatch> {
        let kinds = self.session.kinds();
        let problems = expectation.check(&self.cluster, outcome);
        if problems.is_empty() || kinds.against.is_some() {
            return None;
        }
        let probe = evidence::name(&expectation.probe);
        Some(Mismatch {
            headline: format!("  {probe}: {}\n", problems.join("; ")),
            evidence: evidence::describe(&self.cluster, kinds.mode.ip_block, expectation, outcome),
        })
    }

    fn difference(&self, probe: &Probe, outcome: &Outcome, other: &Outcome) -> Option<Mismatch> {
        if outcome.is_like(other) {
            return None;
        }
        let kinds = self.session.kinds();
        let names = [Some(kinds.driver), kinds.against].into_iter().flatten();
        let lines = names
            .zip([outcome, other])
            .map(|(kind, outcome)| format!("      {kind}: {}\n", in_words(outcome)));
        Some(Mismatch {
            headline: format!("  {}\n", evidence::name(probe)),
            evidence: lines.collect(),
        })
    }
}

/// Fails unless two drivers wrote the same. Source ports are each driver's own.
fn same(what: &str, ours: Vec<Entry>, theirs: Vec<Entry>) -> anyhow::Result<()> {
    let [ours, theirs] = [ours, theirs].map(|entries| {
        let entries = entries.into_iter().map(Entry::without_source_port);
        let mut lines: Vec<String> = entries.map(|entry| entry.to_string()).collect();
        lines.sort();
        lines.join("\n    ")
    });
    ensure!(
        ours == theirs,
        "the two drivers do not write the same {what}:\n  the first:\n    {ours}\n  the second:\n    {theirs}"
    );
    Ok(())
}

/// One connection that is not as it should be: a line, and the indented lines that prove it.
struct Mismatch {
    headline: String,
    evidence: String,
}

fn in_words(outcome: &Outcome) -> String {
    let side = |side: &Option<Side>| {
        side.as_ref()
            .map_or("not asked".to_owned(), Side::to_string)
    };
    let reason = outcome
        .reason
        .map_or(String::new(), |reason| format!(" ({reason})"));
    let seen = outcome
        .seen_from
        .map_or(String::new(), |seen| format!("; seen from {seen}"));
    format!(
        "{}{reason}; egress: {}; ingress: {}{seen}",
        outcome.verdict,
        side(&outcome.egress),
        side(&outcome.ingress)
    )
}
