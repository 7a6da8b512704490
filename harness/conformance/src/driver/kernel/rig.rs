//! The virtual cluster: lab, datapath and tables, brought from one state to the next.

use super::super::evidence::Judge;
use super::super::journal::{Journal, Reported};
use super::super::labelling::Seen;
use super::super::outside::Outside;
use super::super::question::Question;
use super::super::service;
use super::super::tables::Tables;
use super::super::{Fate, Fault, FaultKind, Mode, NodeStatus, Outcome};
use super::agents::Agents;
use super::barrier::Barrier;
use super::probing::{Prober, VirtualEnd};
use super::sending::{Sender, Sight};
use super::station::Stations;
use super::taps::Taps;
use super::topology::{Role, Topology};
use crate::packet::Frame;
use abi::{Address, DropReason, Generation, Link, Mac, Routing};
use agent::{Config, ServiceAt};
use anyhow::{Context as _, bail};
use flow::Clock;
use jiff::Timestamp;
use lab::{EndpointSpec, GATEWAY_MAC, Lab};
use manifest::{Cluster, EndpointName};
use nix::time::{ClockId, clock_gettime};
use oracle::Probe;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

/// Everything the driver's thread owns. Sockets come first: they are closed before their namespaces.
pub(super) struct Rig {
    stations: Stations,
    taps: Taps,
    barrier: Barrier,
    agents: Agents,
    lab: Lab,
    tables: Tables,
    cluster: Cluster,
    topology: Topology,
    /// Entries that probes may have left in a connection table.
    connections: usize,
    /// How far the clock of connection tracking is ahead.
    ahead: Duration,
    journal: Journal,
    outside: Outside,
    /// The kernel's clock as a wall clock, conntrack's lead aside.
    clock: Clock,
    config: Config,
}

impl Rig {
    /// Loads the programs; there are no nodes yet.
    pub(super) fn open(mode: Mode, config: &Config) -> anyhow::Result<Self> {
        let routing = match mode.routing {
            Routing::Native => lab::Routing::Native,
            Routing::Vxlan => lab::Routing::Vxlan,
        };
        Ok(Self {
            stations: Stations::default(),
            taps: Taps::default(),
            barrier: Barrier::default(),
            agents: Agents::open(config)?,
            lab: Lab::with_mtu(routing, mode.mtu),
            tables: Tables::new(mode),
            cluster: Cluster::default(),
            topology: Topology::default(),
            connections: 0,
            ahead: Duration::ZERO,
            journal: Journal::default(),
            outside: Outside::default(),
            clock: wall_clock()?,
            config: *config,
        })
    }

    /// Where real sockets can be opened.
    #[cfg(test)]
    pub(super) const fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Takes notice of what sockets of others have caused.
    #[cfg(test)]
    pub(super) fn note_events(&mut self) {
        let (journal, clock) = (&mut self.journal, self.clock.ahead_by(self.ahead));
        self.agents.events(|seen| journal.note(seen, clock));
    }

    /// Takes the lab down and keeps the loaded programs for the next rig.
    pub(super) fn close(self) -> anyhow::Result<()> {
        let Self {
            stations,
            taps,
            barrier,
            agents,
            lab,
            ..
        } = self;
        taps.close();
        drop((stations, barrier, lab));
        agents.close()
    }

    /// Brings everything to the state of `cluster`. The tables come before the pods: a new pod finds its policies in
    /// force before its link carries a packet.
    pub(super) fn apply(&mut self, cluster: Cluster) -> anyhow::Result<Generation> {
        self.journal.read(&self.agents.readers());
        self.tables.turn(&cluster);
        let topology = Topology::of(&cluster);
        self.turn_nodes(&topology)?;
        self.journal.turn(self.tables.generation(), &cluster);
        self.remove_what_left(&topology)?;
        self.add_what_came(&topology)?;
        if self.taps.are_kept() {
            self.tap()?;
        }
        self.stations.set(&topology.sites);
        self.topology = topology;
        self.cluster = cluster;
        Ok(self.tables.generation())
    }

    /// Nodes that are gone take their endpoints along; all others turn to the new tables.
    fn turn_nodes(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let stays = |name: &str| topology.nodes.iter().any(|node| node.name == name);
        let on_gone: Vec<String> = self
            .topology
            .endpoints
            .values()
            .filter(|role| role.node.as_deref().is_some_and(|node| !stays(node)))
            .map(|role| role.spec.name.clone())
            .collect();
        self.stations.close_at(on_gone.iter().map(String::as_str));
        self.taps.close_at(on_gone.iter().map(String::as_str));
        self.taps.leave_nodes(stays);
        self.agents.retain(stays);
        self.lab.set_nodes(&topology.nodes)?;
        self.agents.turn(&self.tables, &self.lab)?;
        self.barrier.settle(&mut self.lab, &mut self.agents)
    }

    /// Sends every probe; see the module's documentation for what the outcomes mean.
    pub(super) fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        self.lab.unmute()?;
        let questions = probes
            .iter()
            .map(|probe| Question::new(&self.cluster, probe))
            .collect::<Result<Vec<_>, _>>()?;
        let barriers = self.barriers();
        let backends = self.backends(probes);
        let findings = Prober {
            backends: &backends,
            lab: &self.lab,
            agents: &mut self.agents,
            stations: &mut self.stations,
            barrier: &mut self.barrier,
            clock: self.clock.ahead_by(self.ahead),
            journal: &mut self.journal,
            quiet_barriers: 2 * barriers,
            connections: &mut self.connections,
            connection_limit: usize::try_from(self.config.connections)?,
            topology: &self.topology,
        }
        .ask_all(&questions)?;
        let judge = self.judge();
        let is_judged =
            |question: &Question| self.topology.is_judged(question) || self.tables.guard(question);
        let outcomes = questions.iter().zip(findings);
        Ok(outcomes
            .map(|(question, finding)| judge.outcome(&finding, is_judged(question)))
            .collect())
    }

    /// Who may answer the probes to services, by where they are asked.
    fn backends(&self, probes: &[Probe]) -> BTreeMap<VirtualEnd, BTreeSet<SocketAddr>> {
        let mut backends: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for probe in probes {
            let asked = (probe.address, probe.protocol, probe.port.unwrap_or(0));
            let answering = service::backends(&self.cluster, probe);
            backends.entry(asked).or_default().extend(answering);
        }
        backends
    }

    /// Moves the clock of connection tracking on.
    pub(super) fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.ahead += time;
        let nanoseconds =
            u64::try_from(self.ahead.as_nanos()).context("too much time has passed")?;
        self.agents.set_clock_offset(nanoseconds)
    }

    /// Sends every frame; see the module's documentation for what the fates mean.
    pub(super) fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>> {
        self.connections += frames.len();
        let barriers = self.barriers();
        let sights = Sender {
            lab: &mut self.lab,
            agents: &mut self.agents,
            barrier: &mut self.barrier,
            taps: &mut self.taps,
            clock: self.clock.ahead_by(self.ahead),
            journal: &mut self.journal,
            barriers,
            outside: &mut self.outside,
            topology: &self.topology,
            cluster: &self.cluster,
        }
        .send_all(frames)?;
        let judge = self.judge();
        Ok(sights
            .into_iter()
            .map(|sight| Some(fate(&judge, sight)))
            .collect())
    }

    /// Lets something happen to a node or a pod.
    pub(super) fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        let at = fault.at.to_string();
        match (&fault.at, fault.kind) {
            (EndpointName::Node(node), FaultKind::LinkDown) => self.lab.cut_off(node)?,
            (EndpointName::Node(node), FaultKind::LinkUp) => self.lab.join(node)?,
            (EndpointName::Node(node), FaultKind::LinkLoses(every)) => {
                self.lab.lose(node, every)?;
            }
            (EndpointName::Node(node), FaultKind::LinkWhole) => self.lab.mend(node)?,
            (EndpointName::Node(node), FaultKind::AgentStops) => self.agents.stop(node),
            (EndpointName::Node(node), FaultKind::AgentStarts) => {
                self.agents.start(node)?;
                self.agents.turn(&self.tables, &self.lab)?;
            }
            (_, FaultKind::LinkDown) => self.lab.unplug(&at)?,
            (_, FaultKind::LinkUp) => self.lab.plug(&at)?,
            (_, kind) => bail!("{at} is no node: {kind:?} happens to nodes only"),
        }
        Ok(())
    }

    /// Packets dropped since the rig was opened, by reason; its own barriers are not among them.
    pub(super) fn drops(&self) -> anyhow::Result<BTreeMap<DropReason, u64>> {
        let mut drops = self.agents.drops()?;
        if let Some(spoofed) = drops.get_mut(&DropReason::SpoofedSource) {
            *spoofed = spoofed.saturating_sub(self.barrier.sent());
        }
        Ok(drops)
    }

    /// From now on keeps what the datapath reports.
    pub(super) fn keep_reports(&mut self) {
        self.journal.keep();
    }

    /// What the datapath reported since the last time.
    pub(super) fn flows(&mut self) -> anyhow::Result<Reported> {
        let clock = self.clock.ahead_by(self.ahead);
        Ok(Reported {
            sightings: self.journal.take(&self.agents.readers()),
            until: clock.at(monotonic()?),
        })
    }

    /// How each node is.
    pub(super) fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>> {
        self.agents.status()
    }

    /// From now on taps keep what they see.
    pub(super) fn capture(&mut self) -> anyhow::Result<()> {
        self.taps.keep();
        self.tap()
    }

    /// Taps every end, and returns when the taps tell when they see a frame.
    fn tap(&mut self) -> anyhow::Result<()> {
        self.taps.open(&self.lab)?;
        let first = self.lab.nodes().next();
        first.map_or(Ok(()), |(_, node)| {
            Ok(node.namespace().run(lab::await_timestamps)??)
        })
    }

    /// What the taps have seen since the last time.
    pub(super) fn captured(&mut self) -> anyhow::Result<Vec<Seen>> {
        self.taps.kept(self.ahead, &self.topology)
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            readers: self.agents.readers(),
            generation: self.tables.generation(),
        }
    }

    /// Barriers after which a packet is where it can get. It waits in a queue for each link that it crosses, and once
    /// more where a tunnel ends: two between pods of one node, at most four between nodes. The kernel works off several
    /// queues of a processor in turn, so behind each there are up to two barriers.
    fn barriers(&self) -> usize {
        if self.lab.fabric().is_some() { 8 } else { 2 }
    }

    /// Endpoints that are gone, elsewhere, or have other addresses.
    fn remove_what_left(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let before = self.topology.endpoints.iter();
        let gone: Vec<&Role> = before
            .filter(|(name, role)| topology.endpoints.get(*name) != Some(*role))
            .map(|(_, role)| role)
            .collect();
        let names: Vec<&str> = gone.iter().map(|role| role.spec.name.as_str()).collect();
        self.stations.close_at(names.iter().copied());
        self.taps.close_at(names.iter().copied());
        let mut left = BTreeSet::new();
        for role in &gone {
            left.extend(role.spec.addresses().map(Address::from));
            let agent = role.node.as_deref().and_then(|node| self.agents.of(node));
            let endpoint = self.lab.endpoint(&role.spec.name);
            if let Some((agent, endpoint)) = agent.zip(endpoint) {
                agent.detach([endpoint.ifindex()])?;
            }
        }
        self.agents.forget_connections_of(&left)?;
        let there = names
            .into_iter()
            .filter(|name| self.lab.endpoint(name).is_some());
        let there: Vec<&str> = there.collect();
        self.lab.remove(&there)?;
        Ok(())
    }

    fn add_what_came(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let mut hosts = Vec::new();
        let mut pods: BTreeMap<&str, Vec<EndpointSpec>> = BTreeMap::new();
        let roles = topology.endpoints.values();
        for role in roles.filter(|role| self.lab.endpoint(&role.spec.name).is_none()) {
            match &role.node {
                None => hosts.push(role.spec.clone()),
                Some(node) => pods.entry(node).or_default().push(role.spec.clone()),
            }
        }
        if !hosts.is_empty() {
            self.lab.add_hosts(&hosts)?;
            // The first host brings the network outside.
            self.agents.turn(&self.tables, &self.lab)?;
        }
        for (node, specs) in pods {
            self.lab.add(node, &specs)?;
            for spec in &specs {
                self.attach(node, spec)?;
            }
        }
        Ok(())
    }

    /// Puts a pod's link under the programs of its node.
    fn attach(&mut self, node: &str, spec: &EndpointSpec) -> anyhow::Result<()> {
        let endpoint = self.lab.endpoint(&spec.name);
        let endpoint = endpoint.context("an endpoint was just made")?;
        let link = Link {
            v4: spec.v4.map_or(Address::NONE, Address::from),
            v6: spec.v6.map_or(Address::NONE, Address::from),
            mac: Mac(endpoint.mac()),
            ..Link::default()
        };
        let (ifname, ifindex) = (endpoint.ifname(), endpoint.ifindex());
        let agent = self.agents.of(node).context("the node has no agent")?;
        let node = self.lab.node(node).context("a pod's node is in the lab")?;
        node.namespace()
            .run(|| agent.attach(&ifname, ifindex, link, Mac(GATEWAY_MAC)))??;
        if self.config.service_at == ServiceAt::Socket {
            agent.attach_sockets(ifindex, endpoint.namespace().cookie()?)?;
        }
        Ok(())
    }
}

/// The machine's wall clock, over the monotonic one by which the kernel tells the times of events. Of several readings
/// the one during which the least time passed is the truest.
fn wall_clock() -> anyhow::Result<Clock> {
    const READINGS: usize = 64;
    let read = || {
        let (before, wall, after) = (monotonic()?, Timestamp::now(), monotonic()?);
        let took = after - before;
        Ok((took, Clock::that_shows(wall, before + took / 2)))
    };
    let readings: Vec<(u64, Clock)> = (0..READINGS)
        .map(|_| read())
        .collect::<anyhow::Result<_>>()?;
    let truest = readings.into_iter().min_by_key(|(took, _)| *took);
    truest.map(|(_, clock)| clock).context("there is a reading")
}

fn monotonic() -> anyhow::Result<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).context("reading the monotonic clock")?;
    u64::try_from(Duration::from(now).as_nanos()).context("the machine is too old")
}

fn fate(judge: &Judge<'_>, sight: Sight) -> Fate {
    Fate {
        events: judge.packet_events(&sight.events),
        arrivals: sight.arrivals,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::*;
    use agent::Agent;
    use manifest::{Addresses, ContainerPort, Node, ObjectName, Origin, Pod, Protocol};
    use std::collections::BTreeMap;
    use std::fs;

    /// Two pods that serve port 80 of every protocol.
    fn two_pods() -> Cluster {
        let mut cluster = Cluster::default();
        let node = Node {
            labels: BTreeMap::new(),
            addresses: Addresses::default(),
            pod_cidrs: Vec::new(),
            origin: Origin::synthetic("test"),
        };
        cluster.nodes.insert("node-1".to_owned(), node);
        for (name, number) in [("a", 1), ("b", 2)] {
            let ports = [Protocol::Tcp, Protocol::Udp, Protocol::Sctp];
            let pod = Pod {
                labels: BTreeMap::new(),
                node: "node-1".to_owned(),
                host_network: false,
                addresses: Addresses {
                    v4: Some([10, 0, 0, number].into()),
                    v6: None,
                },
                ports: ports
                    .map(|protocol| ContainerPort {
                        name: None,
                        port: 80,
                        protocol,
                    })
                    .into(),
                ready: true,
                terminating: false,
                workload: None,
                origin: Origin::synthetic("test"),
            };
            cluster.pods.insert(ObjectName::new("x", name), pod);
        }
        cluster
    }

    /// From `a` to `b`.
    fn probe(protocol: Protocol) -> Probe {
        Probe {
            from: EndpointName::pod("x", "a"),
            to: EndpointName::pod("x", "b"),
            address: [10, 0, 0, 2].into(),
            protocol,
            port: (protocol != Protocol::Icmp).then_some(80),
        }
    }

    fn rig(config: &Config) -> Rig {
        let mut rig = Rig::open(Mode::default(), config).unwrap();
        rig.apply(two_pods()).unwrap();
        rig
    }

    fn verdicts(rig: &mut Rig, probes: &[Probe]) -> Vec<Verdict> {
        let outcomes = rig.probe(probes).unwrap().into_iter();
        outcomes.map(|outcome| outcome.verdict).collect()
    }

    fn agent(rig: &mut Rig) -> &mut Agent {
        rig.agents.of("node-1").unwrap()
    }

    /// Entries of the connection table.
    fn connections(rig: &mut Rig) -> u64 {
        let pressure = agent(rig).pressure().unwrap();
        let table = pressure.iter().find(|table| table.table == "CONNECTIONS");
        table.unwrap().entries.unwrap()
    }

    #[test]
    fn a_sweep_takes_what_is_dead_by_the_clock() {
        let mut rig = rig(&super::super::config(Mode::default()));
        let probes = vec![probe(Protocol::Udp); 20];
        assert_eq!(verdicts(&mut rig, &probes), vec![Verdict::Allowed; 20]);
        assert_eq!(connections(&mut rig), 20);
        assert_eq!(agent(&mut rig).sweep().unwrap(), 0);
        agent(&mut rig).set_clock_offset(121_000_000_000).unwrap();
        assert_eq!(agent(&mut rig).sweep().unwrap(), 20);
        assert_eq!(connections(&mut rig), 0);
    }

    #[test]
    fn the_connections_of_a_pod_go_with_it() {
        let mut rig = rig(&super::super::config(Mode::default()));
        let probes = vec![probe(Protocol::Udp); 20];
        assert_eq!(verdicts(&mut rig, &probes), vec![Verdict::Allowed; 20]);
        let mut without_b = two_pods();
        without_b.pods.remove(&ObjectName::new("x", "b"));
        rig.apply(without_b).unwrap();
        assert_eq!(connections(&mut rig), 0);
    }

    #[test]
    fn what_arrives_and_is_not_answered_is_lost() {
        let mut rig = rig(&super::super::config(Mode::default()));
        let b = rig.lab.endpoint("x/b").unwrap().namespace();
        b.run(|| fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1"))
            .unwrap()
            .unwrap();
        let [echo, tcp] = [probe(Protocol::Icmp), probe(Protocol::Tcp)];
        let verdicts = verdicts(&mut rig, &[echo, tcp]);
        assert_eq!(verdicts, [Verdict::Lost, Verdict::Allowed]);
    }

    #[test]
    fn what_never_arrives_is_lost() {
        let mut rig = rig(&super::super::config(Mode::default()));
        let b = rig.lab.endpoint("x/b").unwrap().ifindex();
        // The programs stay on the link and do not know it any more.
        agent(&mut rig).detach([b]).unwrap();
        let verdicts = verdicts(&mut rig, &Protocol::ALL.map(probe));
        assert_eq!(verdicts, [Verdict::Lost; 4]);
    }

    #[test]
    fn every_refusal_arrives() {
        let mut rig = rig(&super::super::config(Mode::default()));
        let closed = Probe {
            port: Some(81),
            ..probe(Protocol::Udp)
        };
        let verdicts = verdicts(&mut rig, &vec![closed; 500]);
        assert_eq!(verdicts, vec![Verdict::Refused; 500]);
    }

    #[test]
    fn more_probes_than_the_connection_table_holds_all_pass() {
        let mut rig = rig(&Config {
            connections: 256,
            ..Config::default()
        });
        let probes = vec![probe(Protocol::Udp); 2000];
        let verdicts = verdicts(&mut rig, &probes);
        assert_eq!(verdicts, vec![Verdict::Allowed; 2000]);
        assert!(connections(&mut rig) <= 256);
    }
}
