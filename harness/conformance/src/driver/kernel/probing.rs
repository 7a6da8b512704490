//! Sends probes, many at once, and finds out what became of each.

use super::super::evidence::{Answer, Finding, NodeEvent};
use super::super::journal::Journal;
use super::super::question::Question;
use super::super::sctp;
use super::agents::Agents;
use super::attempt::Attempt;
use super::barrier::Barrier;
use super::callers::{self, Callers};
use super::icmp;
use super::station::{Station, Stations};
use super::topology::{Location, Topology};
use anyhow::{Context as _, ensure};
use flow::Clock;
use lab::{Lab, Namespace};
use manifest::Protocol;
use nix::sys::socket::{SockaddrStorage, recvfrom};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

/// Probes under way at once: their packets fit a processor's queue (`net.core.netdev_max_backlog`, 1000) several times.
const BATCH: usize = 128;

/// What probing needs, borrowed from the rig.
pub(super) struct Prober<'a> {
    pub(super) lab: &'a Lab,
    pub(super) agents: &'a mut Agents,
    pub(super) stations: &'a mut Stations,
    pub(super) barrier: &'a mut Barrier,
    pub(super) journal: &'a mut Journal,
    pub(super) clock: Clock,
    /// Barriers without any arrival after which nothing can be under way.
    pub(super) quiet_barriers: usize,
    /// Entries that probes may have left in a connection table since all were emptied.
    pub(super) connections: &'a mut usize,
    /// Entries there is room for.
    pub(super) connection_limit: usize,
    pub(super) topology: &'a Topology,
    /// Who may answer for services, by where they are asked.
    pub(super) backends: &'a BTreeMap<VirtualEnd, BTreeSet<SocketAddr>>,
}

/// Where a service is asked: address, protocol, port.
pub(super) type VirtualEnd = (IpAddr, Protocol, u16);

impl Prober<'_> {
    /// What became of every question, in their order.
    pub(super) fn ask_all(&mut self, questions: &[Question]) -> anyhow::Result<Vec<Finding>> {
        let lost_before = self.agents.lost_events()?;
        let mut findings = Vec::with_capacity(questions.len());
        for part in questions.chunks(BATCH) {
            findings.extend(self.ask(part)?);
        }
        let lost = self.agents.lost_events()? - lost_before;
        ensure!(
            lost == 0,
            "{lost} events found no room in the ring buffer: nothing is proven"
        );
        Ok(findings)
    }

    fn ask(&mut self, questions: &[Question]) -> anyhow::Result<Vec<Finding>> {
        self.make_room(questions.len())?;
        let mut batch = self.open(questions)?;
        for attempt in &mut batch.attempts {
            let Question {
                source, protocol, ..
            } = attempt.question;
            let raw = self.stations.at(source)?.raw(protocol);
            attempt
                .send(raw)
                .with_context(|| format!("sending {}", name(&attempt.question)))?;
        }
        self.settle(&mut batch)?;
        self.introduce(&mut batch)?;
        Ok(self.close(batch)?)
    }

    /// Empties the connection table before it is full: its entries outlive the probes that made them.
    fn make_room(&mut self, probes: usize) -> anyhow::Result<()> {
        if *self.connections + probes > self.connection_limit {
            self.agents.forget_connections()?;
            *self.connections = 0;
        }
        *self.connections += probes;
        Ok(())
    }

    /// Opens every socket that these questions need, one visit a namespace.
    fn open(&mut self, questions: &[Question]) -> anyhow::Result<Batch> {
        let mut visits = BTreeMap::<Location, Visit>::new();
        for (index, question) in questions.iter().enumerate() {
            let source = self.stations.at(question.source)?.location.clone();
            visits.entry(source).or_default().clients.push(index);
            for end in self.answering(question) {
                let destination = self.stations.at(end.ip())?.location.clone();
                let service = (end.ip(), question.protocol, end.port());
                let visit = visits.entry(destination).or_default();
                visit.services.insert(service);
            }
        }
        let mut batch = Batch::default();
        let mut opened = Vec::with_capacity(questions.len());
        for (location, visit) in visits {
            let namespace = namespace(self.lab, &location)?;
            let clients = namespace.run(|| self.visit(&visit, questions))??;
            opened.extend(visit.clients.into_iter().zip(clients));
            batch.services.extend(visit.services);
        }
        opened.sort_by_key(|(index, _)| *index);
        for (index, attempt) in opened {
            let tuple = (attempt.question.source, attempt.source_port);
            batch.by_source.insert(tuple, index);
            let Question {
                source,
                destination,
                protocol,
                ..
            } = attempt.question;
            if matches!(protocol, Protocol::Sctp | Protocol::Icmp) {
                batch.raw.insert((source, protocol));
            }
            if protocol == Protocol::Icmp && attempt.is_outbound {
                batch.raw.insert((destination, protocol));
            }
            batch.attempts.push(attempt);
        }
        let served = batch
            .services
            .iter()
            .filter(|service| service.1 == Protocol::Sctp);
        batch
            .raw
            .extend(served.map(|service| (service.0, service.1)));
        Ok(batch)
    }

    /// Where a question may be answered: at its destination, or at the backends of a service.
    fn answering(&self, question: &Question) -> Vec<SocketAddr> {
        let Question {
            destination,
            protocol,
            port,
            is_virtual,
            ..
        } = *question;
        if !is_virtual {
            return vec![SocketAddr::new(destination, port)];
        }
        let backends = self.backends.get(&(destination, protocol, port));
        backends.into_iter().flatten().copied().collect()
    }

    /// Opens the sockets of one namespace, from inside.
    fn visit(&mut self, visit: &Visit, questions: &[Question]) -> anyhow::Result<Vec<Attempt>> {
        for &(address, protocol, port) in &visit.services {
            let station = self.stations.at(address)?;
            station
                .open_service(protocol, port)
                .with_context(|| format!("serving {protocol} {port} at {address}"))?;
            if self.topology.is_outside(address) {
                station.open_raw(protocol)?;
            }
        }
        let open = |&index: &usize| {
            let question = questions[index];
            let station = self.stations.at(question.source)?;
            station.open_raw(question.protocol)?;
            let source_port = self.stations.take_port(question.source);
            // Unique among what is under way, which is all that is asked of it.
            let id = u32::try_from(index).unwrap_or(u32::MAX);
            let mut attempt = Attempt::open(question, source_port, id)
                .with_context(|| format!("opening a socket for {}", name(&question)))?;
            attempt.is_outbound = self.topology.is_outside(question.destination);
            if question.is_virtual {
                attempt.answering = self.answering(&question);
            }
            Ok(attempt)
        };
        visit.clients.iter().map(open).collect()
    }

    /// Waits until the fate of every attempt is known, or nothing is under way any more.
    fn settle(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        let mut quiet = 0;
        while quiet < self.quiet_barriers {
            self.barrier.pass(self.agents, |event| {
                self.journal.note(event, self.clock);
                batch.note(event);
            })?;
            let arrived = batch.receive(self.stations)?;
            if batch.is_settled() {
                break;
            }
            quiet = if arrived { 0 } else { quiet + 1 };
        }
        // The event of an answer that came behind the last barrier.
        self.agents.events(|event| {
            self.journal.note(event, self.clock);
            batch.note(event);
        });
        Ok(())
    }

    /// Has outside hosts find out whom they see.
    fn introduce(&mut self, batch: &mut Batch) -> anyhow::Result<()> {
        batch.receive(self.stations)?;
        for attempt in &batch.attempts {
            let introduced = attempt.introduce();
            introduced.with_context(|| format!("speaking in {}", name(&attempt.question)))?;
        }
        let mut quiet = 0;
        while quiet < self.quiet_barriers && batch.attempts.iter().any(Attempt::is_unseen) {
            self.barrier.pass(self.agents, |event| {
                self.journal.note(event, self.clock);
            })?;
            quiet = if batch.meet(self.stations)? {
                0
            } else {
                quiet + 1
            };
        }
        Ok(())
    }

    fn close(&mut self, batch: Batch) -> io::Result<Vec<Finding>> {
        let findings = batch.attempts.iter().map(|attempt| Finding {
            answer: attempt.answer,
            events: attempt.events.clone(),
            seen_from: attempt.seen_from,
            answering: attempt.answering.clone(),
            source: Some(attempt.question.source),
        });
        let findings = findings.collect();
        drop(batch.attempts);
        for (address, protocol, port) in batch.services {
            if protocol == Protocol::Tcp {
                self.stations.at(address)?.drop_connections(port);
            }
        }
        Ok(findings)
    }
}

/// What is to be opened in one namespace.
#[derive(Default)]
struct Visit {
    services: BTreeSet<(IpAddr, Protocol, u16)>,
    /// Positions of the questions that are asked from here.
    clients: Vec<usize>,
}

/// Attempts under way, and the sockets they depend on.
#[derive(Default)]
struct Batch {
    attempts: Vec<Attempt>,
    /// Position of the attempt from an address and port.
    by_source: HashMap<(IpAddr, u16), usize>,
    services: BTreeSet<(IpAddr, Protocol, u16)>,
    raw: BTreeSet<(IpAddr, Protocol)>,
    callers: Callers,
}

impl Batch {
    fn is_settled(&self) -> bool {
        self.attempts.iter().all(Attempt::is_settled)
    }

    fn note(&mut self, seen: &NodeEvent) {
        let tuple = (seen.event.source.to_ip(), seen.event.source_port.number());
        if let Some(&index) = self.by_source.get(&tuple) {
            return self.attempts[index].note(seen);
        }
        // What a node sends on for a client has its port there.
        let mut attempts = self.attempts.iter_mut();
        if let Some(attempt) = attempts.find(|attempt| attempt.is_sent_on_as(&seen.event)) {
            attempt.note(seen);
        }
    }

    /// Reads every socket, answers what asks for an answer, and returns whether anything had arrived.
    fn receive(&mut self, stations: &mut Stations) -> io::Result<bool> {
        let mut arrived = false;
        for &(address, protocol, port) in &self.services {
            if protocol == Protocol::Udp {
                let attempts = &mut self.attempts;
                arrived |= stations.at(address)?.echo(port, |id, from| {
                    if let Ok(id) = id.try_into() {
                        let id = u32::from_be_bytes(id);
                        callers::see(attempts, id, (address, protocol), from);
                    }
                });
            }
        }
        for (address, protocol) in self.raw.clone() {
            arrived |= self.receive_crafted(stations.at(address)?, protocol);
        }
        for attempt in &mut self.attempts {
            if !attempt.is_settled() {
                attempt.look();
                arrived |= attempt.answer.is_some();
            }
        }
        Ok(arrived)
    }

    /// Hears the clients of outside hosts; returns whether one has spoken.
    fn meet(&mut self, stations: &mut Stations) -> io::Result<bool> {
        let unseen = |batch: &Self| {
            let attempts = batch.attempts.iter();
            attempts.filter(|attempt| attempt.is_unseen()).count()
        };
        let before = unseen(self);
        let callees = self.attempts.iter().filter(|attempt| attempt.is_unseen());
        let callees = callees.map(|attempt| (attempt.question.destination, attempt.question.port));
        for (address, port) in callees.collect::<BTreeSet<_>>() {
            let station = stations.at(address)?;
            self.callers.hear(station, port, &mut self.attempts);
        }
        Ok(unseen(self) < before)
    }

    fn receive_crafted(&mut self, station: &Station, protocol: Protocol) -> bool {
        let mut arrived = false;
        while let Some((from, bytes)) = receive_packet(station, protocol) {
            arrived = true;
            if protocol == Protocol::Icmp {
                if let Some((identifier, id)) = icmp::parse_reply(from, &bytes) {
                    let to = (station.address, identifier);
                    self.answer(to, Answer::Accepted, (from, 0), id);
                } else if let Some((_, id)) = icmp::parse_request(from, &bytes) {
                    callers::see(&mut self.attempts, id, (station.address, protocol), from);
                }
            } else if let Some(packet) = sctp::Packet::parse(&bytes) {
                self.receive_sctp(station, from, packet);
            }
        }
        arrived
    }

    fn receive_sctp(&mut self, station: &Station, from: IpAddr, packet: sctp::Packet) {
        let answer = match packet.kind {
            sctp::Kind::Init => {
                let place = (station.address, Protocol::Sctp);
                callers::see(&mut self.attempts, packet.tag, place, from);
                let service = (Protocol::Sctp, packet.destination_port);
                let answer = packet.answer(station.services.contains(&service));
                if let Some(socket) = station.raw(Protocol::Sctp) {
                    // Who does not get the answer notices.
                    let to = SocketAddr::new(from, 0).into();
                    let _ = socket.send_to(&answer.to_bytes(), &to);
                }
                return;
            }
            sctp::Kind::InitAck => Answer::Accepted,
            sctp::Kind::Abort => Answer::Refused,
        };
        let to = (station.address, packet.destination_port);
        self.answer(to, answer, (from, packet.source_port), packet.tag);
    }

    fn answer(&mut self, to: (IpAddr, u16), answer: Answer, from: (IpAddr, u16), id: u32) {
        if let Some(&index) = self.by_source.get(&to) {
            self.attempts[index].take(answer, from, id);
        }
    }
}

/// The next packet at a station's socket for crafted packets: its source, and what is behind its IP header.
fn receive_packet(station: &Station, protocol: Protocol) -> Option<(IpAddr, Vec<u8>)> {
    let socket = station.raw(protocol)?;
    let mut buffer = [0; 2048];
    let (length, from) = recvfrom::<SockaddrStorage>(socket.as_raw_fd(), &mut buffer).ok()?;
    let packet = &buffer[..length];
    let from = from?;
    if let Some(v4) = from.as_sockaddr_in() {
        // Raw IPv4 sockets deliver the header too (raw(7)); its length is in words of four bytes.
        let header = usize::from(packet.first()? & 0x0f) * 4;
        return Some((v4.ip().into(), packet.get(header..)?.to_vec()));
    }
    let v6 = from.as_sockaddr_in6()?;
    Some((v6.ip().into(), packet.to_vec()))
}

fn namespace<'a>(lab: &'a Lab, location: &Location) -> anyhow::Result<&'a Namespace> {
    match location {
        Location::Node(name) => {
            let node = lab.node(name);
            let node = node.with_context(|| format!("node/{name} is not in the lab"))?;
            Ok(node.namespace())
        }
        Location::Endpoint(name) => {
            let endpoint = lab.endpoint(name);
            let endpoint = endpoint.with_context(|| format!("{name} is not in the lab"))?;
            Ok(endpoint.namespace())
        }
    }
}

fn name(question: &Question) -> String {
    let Question {
        source,
        destination,
        protocol,
        port,
        ..
    } = question;
    let to = SocketAddr::new(*destination, *port);
    format!("a {protocol} probe from {source} to {to}")
}
