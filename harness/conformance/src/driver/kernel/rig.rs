//! The virtual cluster: lab, datapath and tables, brought from one state to the next.

use super::super::evidence::Judge;
use super::super::journal::{Journal, Reported};
use super::super::labelling::Seen;
use super::super::question::Question;
use super::super::{Arrival, Fate, Outcome, PacketEvent};
use super::barrier::{self, Barrier};
use super::probing::Prober;
use super::sending::{Sender, Sight};
use super::station::Stations;
use super::taps::Taps;
use super::topology::Topology;
use crate::packet::Frame;
use abi::{Address, DropReason, Generation, Link, Mac};
use agent::{Agent, Config, pool};
use anyhow::Context as _;
use flow::Clock;
use jiff::Timestamp;
use lab::{Endpoint, GATEWAY_MAC, Lab};
use manifest::{Cluster, IpBlockMode};
use nix::time::{ClockId, clock_gettime};
use oracle::Probe;
use policy::Compiler;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything the driver's thread owns. Sockets come first: they are closed before their namespaces.
pub(super) struct Rig {
    stations: Stations,
    taps: Taps,
    barrier: Barrier,
    agent: Agent,
    lab: Lab,
    compiler: Compiler,
    cluster: Cluster,
    topology: Topology,
    generation: Generation,
    /// Entries that probes may have left in the connection table.
    connections: usize,
    /// How far the clock of connection tracking is ahead.
    ahead: Duration,
    journal: Journal,
    /// The kernel's clock as a wall clock, conntrack's lead aside.
    clock: Clock,
    config: Config,
}

impl Rig {
    /// Loads the programs and builds a node without pods.
    pub(super) fn open(mode: IpBlockMode, config: &Config) -> anyhow::Result<Self> {
        let mut lab = Lab::new()?;
        let mut agent = pool::take(config)?;
        lab.add(&[barrier::endpoint()])?;
        attach(&lab, &mut agent, barrier::NAME, Link::default())?;
        let barrier = Barrier::open(&lab)?;
        Ok(Self {
            stations: Stations::default(),
            taps: Taps::default(),
            barrier,
            agent,
            lab,
            compiler: Compiler::new(mode),
            cluster: Cluster::default(),
            topology: Topology::default(),
            generation: 0,
            connections: 0,
            ahead: Duration::ZERO,
            journal: Journal::default(),
            clock: wall_clock()?,
            config: *config,
        })
    }

    /// Takes the lab down and keeps the loaded programs for the next rig.
    pub(super) fn close(self) -> anyhow::Result<()> {
        let Self {
            stations,
            taps,
            barrier,
            agent,
            lab,
            config,
            ..
        } = self;
        taps.close();
        drop((stations, barrier, lab));
        pool::give_back(&config, agent)?;
        Ok(())
    }

    /// Brings everything to the state of `cluster`. The tables come first: a new pod finds its policies in force before
    /// its link carries a packet.
    pub(super) fn apply(&mut self, cluster: Cluster) -> anyhow::Result<Generation> {
        let desired = self.compiler.compile(&cluster);
        self.generation = self.agent.enforce(&desired)?.generation;
        self.journal.turn(self.generation, &cluster);
        let topology = Topology::of(&cluster);
        self.remove_what_left(&topology)?;
        self.lab.set_node_addresses(&topology.node_addresses)?;
        self.add_what_came(&topology)?;
        if self.taps.are_kept() {
            self.taps.open(&self.lab)?;
        }
        self.stations.set(&topology.sites);
        self.topology = topology;
        self.cluster = cluster;
        Ok(self.generation)
    }

    /// Sends every probe; see the module's documentation for what the outcomes mean.
    pub(super) fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        self.lab.unmute()?;
        let questions = probes
            .iter()
            .map(|probe| Question::new(&self.cluster, probe))
            .collect::<Result<Vec<_>, _>>()?;
        let findings = Prober {
            lab: &self.lab,
            agent: &mut self.agent,
            stations: &mut self.stations,
            barrier: &mut self.barrier,
            clock: self.clock.ahead_by(self.ahead),
            journal: &mut self.journal,
            connections: &mut self.connections,
            connection_limit: usize::try_from(self.config.connections)?,
        }
        .ask_all(&questions)?;
        let judge = Judge {
            planner: self.agent.planner(),
            generation: self.generation,
        };
        let outcomes = questions.iter().zip(findings);
        Ok(outcomes
            .map(|(question, finding)| judge.outcome(&finding, self.topology.is_judged(question)))
            .collect())
    }

    /// Moves the clock of connection tracking on.
    pub(super) fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.ahead += time;
        let nanoseconds =
            u64::try_from(self.ahead.as_nanos()).context("too much time has passed")?;
        Ok(self.agent.set_clock_offset(nanoseconds)?)
    }

    /// Sends every frame; see the module's documentation for what the fates mean.
    pub(super) fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>> {
        self.connections += frames.len();
        let sights = Sender {
            lab: &mut self.lab,
            agent: &mut self.agent,
            barrier: &mut self.barrier,
            taps: &mut self.taps,
            clock: self.clock.ahead_by(self.ahead),
            journal: &mut self.journal,
            topology: &self.topology,
            cluster: &self.cluster,
        }
        .send_all(frames)?;
        let judge = Judge {
            planner: self.agent.planner(),
            generation: self.generation,
        };
        Ok(sights
            .into_iter()
            .map(|sight| Some(fate(&judge, sight)))
            .collect())
    }

    /// Packets dropped since the rig was opened, by reason; its own barriers are not among them.
    pub(super) fn drops(&self) -> anyhow::Result<BTreeMap<DropReason, u64>> {
        let mut drops = self.agent.drops()?;
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
            sightings: self.journal.take(self.agent.planner()),
            until: clock.at(monotonic()?),
        })
    }

    /// From now on taps keep what they see.
    pub(super) fn capture(&mut self) -> anyhow::Result<()> {
        self.taps.keep();
        self.taps.open(&self.lab)
    }

    /// What the taps have seen since the last time.
    pub(super) fn captured(&mut self) -> anyhow::Result<Vec<Seen>> {
        self.taps.kept(self.ahead, &self.topology)
    }

    /// Endpoints that are gone, and those whose addresses changed.
    fn remove_what_left(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let gone: Vec<(String, u32)> = self
            .lab
            .endpoints()
            .filter(|endpoint| endpoint.name() != barrier::NAME)
            .filter(|endpoint| {
                let role = topology.endpoints.get(endpoint.name());
                role.is_none_or(|role| role.spec != *endpoint.spec())
            })
            .map(|endpoint| (endpoint.name().to_owned(), endpoint.ifindex()))
            .collect();
        self.stations
            .close_at(gone.iter().map(|(name, _)| name.as_str()));
        self.taps
            .close_at(gone.iter().map(|(name, _)| name.as_str()));
        self.agent
            .detach(gone.iter().map(|(_, ifindex)| *ifindex))?;
        self.lab
            .remove(gone.iter().map(|(name, _)| name.as_str()))?;
        Ok(())
    }

    fn add_what_came(&mut self, topology: &Topology) -> anyhow::Result<()> {
        let new: Vec<_> = topology
            .endpoints
            .values()
            .filter(|role| self.lab.endpoint(&role.spec.name).is_none())
            .collect();
        let specs: Vec<_> = new.iter().map(|role| role.spec.clone()).collect();
        self.lab.add(&specs)?;
        for role in new.into_iter().filter(|role| role.is_pod) {
            let link = Link {
                v4: role.spec.v4.map_or(Address::NONE, Address::from),
                v6: role.spec.v6.map_or(Address::NONE, Address::from),
                ..Link::default()
            };
            attach(&self.lab, &mut self.agent, &role.spec.name, link)?;
        }
        Ok(())
    }
}

/// The machine's wall clock, over the monotonic one by which the kernel tells the times of events. Of several readings
/// the one during which the least time passed is the truest.
fn wall_clock() -> anyhow::Result<Clock> {
    const READINGS: usize = 8;
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
    let events = sight.events.iter();
    let arrivals = sight.arrivals.into_iter();
    Fate {
        events: events
            .filter_map(|event| PacketEvent::of(judge, event))
            .collect(),
        arrivals: arrivals.map(|(at, frame)| Arrival { at, frame }).collect(),
    }
}

/// Puts an endpoint's link under the programs; its link-layer address is filled in.
fn attach(lab: &Lab, agent: &mut Agent, name: &str, link: Link) -> anyhow::Result<()> {
    let endpoint: &Endpoint = lab.endpoint(name).context("an endpoint was just made")?;
    let mac = Mac(endpoint.mac());
    let link = Link { mac, ..link };
    lab.node().run(|| {
        agent.attach(
            &endpoint.ifname(),
            endpoint.ifindex(),
            link,
            Mac(GATEWAY_MAC),
        )
    })??;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::Verdict;
    use super::*;
    use manifest::{Addresses, ContainerPort, EndpointName, ObjectName, Origin, Pod, Protocol};
    use std::collections::BTreeMap;
    use std::fs;

    /// Two pods that serve port 80 of every protocol.
    fn two_pods() -> Cluster {
        let mut cluster = Cluster::default();
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
        let mut rig = Rig::open(IpBlockMode::Any, config).unwrap();
        rig.apply(two_pods()).unwrap();
        rig
    }

    fn verdicts(rig: &mut Rig, probes: &[Probe]) -> Vec<Verdict> {
        let outcomes = rig.probe(probes).unwrap().into_iter();
        outcomes.map(|outcome| outcome.verdict).collect()
    }

    /// Entries of the connection table.
    fn connections(rig: &Rig) -> u64 {
        let pressure = rig.agent.pressure().unwrap();
        let table = pressure.iter().find(|table| table.table == "CONNECTIONS");
        table.unwrap().entries.unwrap()
    }

    #[test]
    fn a_sweep_takes_what_is_dead_by_the_clock() {
        let mut rig = rig(&super::super::config());
        let probes = vec![probe(Protocol::Udp); 20];
        assert_eq!(verdicts(&mut rig, &probes), vec![Verdict::Allowed; 20]);
        assert_eq!(connections(&rig), 20);
        assert_eq!(rig.agent.sweep().unwrap(), 0);
        rig.agent.set_clock_offset(121_000_000_000).unwrap();
        assert_eq!(rig.agent.sweep().unwrap(), 20);
        assert_eq!(connections(&rig), 0);
    }

    #[test]
    fn the_connections_of_a_pod_go_with_it() {
        let mut rig = rig(&super::super::config());
        let probes = vec![probe(Protocol::Udp); 20];
        assert_eq!(verdicts(&mut rig, &probes), vec![Verdict::Allowed; 20]);
        let mut without_b = two_pods();
        without_b.pods.remove(&ObjectName::new("x", "b"));
        rig.apply(without_b).unwrap();
        assert_eq!(connections(&rig), 0);
    }

    #[test]
    fn what_arrives_and_is_not_answered_is_lost() {
        let mut rig = rig(&super::super::config());
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
        let mut rig = rig(&super::super::config());
        let b = rig.lab.endpoint("x/b").unwrap().ifindex();
        // The programs stay on the link and do not know it any more.
        rig.agent.detach([b]).unwrap();
        let verdicts = verdicts(&mut rig, &Protocol::ALL.map(probe));
        assert_eq!(verdicts, [Verdict::Lost; 4]);
    }

    #[test]
    fn every_refusal_arrives() {
        let mut rig = rig(&super::super::config());
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
        assert!(connections(&rig) <= 256);
    }
}
