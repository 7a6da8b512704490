//! The reference as a driver: it sends nothing and says what must happen.

use super::journal::{Reported, Sighting};
use super::prediction::{Predicted, Prediction};
use super::question::Question;
use super::served::is_served;
use super::service::{self, Chosen, Way};
use super::{
    Arrival, Driver, Fate, Fault, FaultKind, Mode, NodeStatus, Outcome, PacketEvent, Verdict,
};
use crate::packet::Frame;
use abi::{Disposition, DropReason, Generation};
use anyhow::bail;
use flow::capture::Captured;
use flow::{Clock, Snapshot};
use jiff::Timestamp;
use manifest::{Cluster, EndpointName};
use oracle::connection::{
    self, Content, Course, Halves, NodeJudgement, Packet, PacketJudgement, Stranded, Tracker,
};
use oracle::{Probe, Side};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Judges every probe by the text of the API.
#[derive(Debug)]
pub struct OracleDriver {
    mode: Mode,
    cluster: Cluster,
    tracker: Tracker,
    /// Since the driver was made.
    now: Duration,
    /// Whether anybody asks what must be reported.
    keeps_reports: bool,
    snapshot: Arc<Snapshot>,
    /// What the datapath must have reported.
    predicted: Vec<Sighting>,
    /// The source port of the next probe: it has to have one, and the datapath's is another.
    next_port: u16,
}

impl OracleDriver {
    /// A driver for an empty cluster.
    #[must_use]
    pub fn new(mode: impl Into<Mode>) -> Self {
        Self {
            mode: mode.into(),
            cluster: Cluster::default(),
            tracker: Tracker::default(),
            now: Duration::ZERO,
            keeps_reports: false,
            snapshot: Arc::default(),
            predicted: Vec::new(),
            next_port: 1,
        }
    }

    /// How many connections were ever opened.
    #[must_use]
    pub const fn opened_count(&self) -> u64 {
        self.tracker.opened_count()
    }

    /// Whether what becomes of this frame is the datapath's choice: see [`Tracker::is_undecided`].
    #[must_use]
    pub fn is_undecided(&self, frame: &Frame) -> bool {
        let packet = frame.meaning();
        packet.is_some_and(|packet| self.tracker.is_undecided(packet))
    }

    /// What becomes of a probe; of one to a service, where this backend was chosen or, if nobody says, any.
    fn answer_as(&mut self, probe: &Probe, backend: Option<SocketAddr>) -> anyhow::Result<Outcome> {
        match service::choose(&self.cluster, probe, backend)? {
            Chosen::Itself => self.answer(probe),
            Chosen::Backend(way) => Ok(Outcome {
                backend: Some(way.backend),
                ..self.answer_on(&way)?
            }),
            Chosen::Asker(is_served) => Ok(service::to_itself(is_served)),
            Chosen::Nobody(reason) => Ok(service::unserved(reason)),
        }
    }

    /// What becomes of a probe to a service on its way to a backend: what the client's policies say where it leaves, and
    /// the backend's where it arrives.
    fn answer_on(&mut self, way: &Way) -> anyhow::Result<Outcome> {
        if way.leaves == way.arrives {
            return self.answer(&way.arrives);
        }
        let left = oracle::judge(&self.cluster, self.mode.ip_block, &way.leaves)?;
        if let Side::Denied(_) = left.egress {
            return Ok(Outcome {
                verdict: Verdict::Denied,
                egress: Some(left.egress),
                ingress: None,
                reason: Some(DropReason::PolicyDeniedEgress),
                seen_from: None,
                backend: None,
                generation: 0,
            });
        }
        let arrived = self.answer(&way.arrives)?;
        let is_audited = matches!(left.egress, Side::Audited(_));
        Ok(Outcome {
            verdict: match arrived.verdict {
                Verdict::Allowed if is_audited => Verdict::Audited,
                verdict => verdict,
            },
            egress: Some(left.egress),
            ..arrived
        })
    }

    /// A probe is the first packet of a connection that nobody has seen before, and that nobody remembers after it.
    fn answer(&mut self, probe: &Probe) -> anyhow::Result<Outcome> {
        let judgement = oracle::judge(&self.cluster, self.mode.ip_block, probe)?;
        self.predict_probe(probe)?;
        let seen_from = self.seen_from(probe)?;
        let is_audited = judgement.is_audited();
        let (ingress, reason) = match (&judgement.egress, judgement.ingress) {
            (Side::Denied(_), _) => (None, Some(DropReason::PolicyDeniedEgress)),
            (_, ingress @ Side::Denied(_)) => {
                (Some(ingress), Some(DropReason::PolicyDeniedIngress))
            }
            (_, ingress) => (Some(ingress), None),
        };
        let verdict = match reason {
            Some(_) => Verdict::Denied,
            None if !is_served(&self.cluster, probe) => Verdict::Refused,
            None if is_audited => Verdict::Audited,
            None => Verdict::Allowed,
        };
        Ok(Outcome {
            verdict,
            egress: Some(judgement.egress),
            ingress,
            reason,
            seen_from: seen_from.filter(|_| matches!(verdict, Verdict::Allowed | Verdict::Audited)),
            backend: None,
            generation: 0,
        })
    }

    /// Whom an outside host sees as the sender of a probe.
    fn seen_from(&self, probe: &Probe) -> anyhow::Result<Option<IpAddr>> {
        if !matches!(probe.to, EndpointName::External(_)) {
            return Ok(None);
        }
        let Question {
            source,
            destination,
            ..
        } = Question::new(&self.cluster, probe)?;
        let masquerade = self.mode.masquerade(&self.cluster);
        Ok(Some(oracle::seen_from(
            &self.cluster,
            masquerade.as_ref(),
            &probe.from,
            source,
            destination,
        )))
    }

    fn predict_probe(&mut self, probe: &Probe) -> anyhow::Result<()> {
        if !self.keeps_reports {
            return Ok(());
        }
        let question = Question::new(&self.cluster, probe)?;
        let packet = Packet {
            from: probe.from.clone(),
            to: probe.to.clone(),
            flow: connection::Flow {
                protocol: probe.protocol,
                source: (question.source, self.take_port()),
                destination: (question.destination, question.port),
            },
            content: Content::Datagram,
        };
        let mut nobody = Tracker::default();
        let course = nobody.judge(&self.cluster, self.mode.ip_block, self.now, &packet)?;
        self.predict(&packet, &course.judgements);
        Ok(())
    }

    fn take_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(1);
        port
    }

    fn predict(&mut self, packet: &Packet, judgements: &[NodeJudgement]) {
        if !self.keeps_reports {
            return;
        }
        let prediction = Prediction {
            snapshot: Arc::clone(&self.snapshot),
            routing: self.mode.routing,
            time: self.clock(),
        };
        let flows = judgements.iter().filter_map(|judged| {
            let event = event(&judged.judgement)?;
            prediction.of(&Predicted {
                packet,
                judged,
                event: &event,
            })
        });
        self.predicted.extend(flows);
    }

    /// A wall clock from the epoch on.
    fn clock(&self) -> Timestamp {
        Clock::default().ahead_by(self.now).at(0)
    }

    fn judge(&mut self, frame: &Frame) -> anyhow::Result<Option<Fate>> {
        let Some(packet) = frame.meaning() else {
            return Ok(None);
        };
        let (cluster, mode) = (&self.cluster, self.mode.ip_block);
        let Course {
            judgements,
            arrival,
        } = self.tracker.judge(cluster, mode, self.now, packet)?;
        let arrivals = arrival.map(|arrival| Arrival {
            at: network_of(cluster, &arrival.at),
            source: Some(arrival.source),
            frame: frame.to_bytes([0; 6], [0; 6]),
        });
        self.predict(packet, &judgements);
        let events = judgements.iter();
        Ok(Some(Fate {
            events: events
                .filter_map(|judged| event(&judged.judgement))
                .collect(),
            arrivals: arrivals.into_iter().collect(),
        }))
    }
}

/// Who gets what is sent to this end: a pod on its node's network is that node.
fn network_of(cluster: &Cluster, end: &EndpointName) -> EndpointName {
    if let EndpointName::Pod(name) = end
        && let Some(pod) = cluster.pods.get(name)
        && pod.host_network
    {
        return EndpointName::Node(pod.node.clone());
    }
    end.clone()
}

/// What a datapath would say of the packet; nothing where it just passes.
fn event(judgement: &PacketJudgement) -> Option<PacketEvent> {
    let dropped = |reason| PacketEvent {
        disposition: Disposition::Dropped,
        reason: Some(reason),
        egress: None,
        ingress: None,
        generation: 0,
    };
    match judgement {
        PacketJudgement::Answers | PacketJudgement::Related => None,
        PacketJudgement::Revoked => Some(dropped(DropReason::ConnectionRevoked)),
        PacketJudgement::Unrelated => Some(dropped(DropReason::UnrelatedIcmpError)),
        PacketJudgement::Judged(halves, _) => Some(decision(halves)),
        PacketJudgement::Stranded(why) => Some(dropped(match why {
            Stranded::NoConnection => DropReason::NoTranslation,
            Stranded::NoPort => DropReason::MasqueradePortsExhausted,
        })),
    }
}

/// What a datapath says of a packet that the policies judge.
fn decision(halves: &Halves) -> PacketEvent {
    let denies = |half: &Option<Side>| matches!(half, Some(Side::Denied(_)));
    let reason = if denies(&halves.egress) {
        Some(DropReason::PolicyDeniedEgress)
    } else if denies(&halves.ingress) {
        Some(DropReason::PolicyDeniedIngress)
    } else {
        None
    };
    PacketEvent {
        disposition: match reason {
            Some(_) => Disposition::Denied,
            None if halves.is_audited() => Disposition::Audited,
            None => Disposition::Allowed,
        },
        reason,
        egress: halves.egress.clone(),
        ingress: halves.ingress.clone(),
        generation: 0,
    }
}

impl Driver for OracleDriver {
    fn apply(&mut self, cluster: &Cluster) -> anyhow::Result<Generation> {
        self.tracker.follow(cluster);
        self.tracker.masquerade(self.mode.masquerade(cluster));
        self.cluster = cluster.clone();
        if self.keeps_reports {
            self.snapshot = Arc::new(Snapshot::of(cluster));
        }
        Ok(0)
    }

    fn probe(&mut self, probes: &[Probe]) -> anyhow::Result<Vec<Outcome>> {
        let probes = probes.iter();
        probes.map(|probe| self.answer_as(probe, None)).collect()
    }

    fn probe_as(
        &mut self,
        probes: &[Probe],
        backends: &[Option<SocketAddr>],
    ) -> anyhow::Result<Vec<Outcome>> {
        let probes = probes.iter().zip(backends);
        probes
            .map(|(probe, backend)| self.answer_as(probe, *backend))
            .collect()
    }

    fn pass_time(&mut self, time: Duration) -> anyhow::Result<()> {
        self.now += time;
        Ok(())
    }

    fn send(&mut self, frames: &[Frame]) -> anyhow::Result<Vec<Option<Fate>>> {
        frames.iter().map(|frame| self.judge(frame)).collect()
    }

    fn inflict(&mut self, fault: &Fault) -> anyhow::Result<()> {
        let tracker = &mut self.tracker;
        match (&fault.at, fault.kind) {
            (EndpointName::Node(node), FaultKind::LinkDown) => tracker.cut_off(node, true),
            (EndpointName::Node(node), FaultKind::LinkUp) => tracker.cut_off(node, false),
            (EndpointName::Node(node), FaultKind::LinkLoses(every)) => {
                tracker.lose(node, Some(every));
            }
            (EndpointName::Node(node), FaultKind::LinkWhole) => tracker.lose(node, None),
            (EndpointName::Node(node), FaultKind::AgentStops) => tracker.hold(node, &self.cluster),
            (EndpointName::Node(node), FaultKind::AgentStarts) => tracker.release(node),
            (EndpointName::Pod(pod), FaultKind::LinkDown) => tracker.unplug(pod, &self.cluster),
            (EndpointName::Pod(pod), FaultKind::LinkUp) => tracker.plug(pod),
            (at, kind) => bail!("{at} is no node: {kind:?} happens to nodes only"),
        }
        Ok(())
    }

    fn drops(&mut self) -> anyhow::Result<Option<BTreeMap<DropReason, u64>>> {
        Ok(None)
    }

    fn keep_reports(&mut self) -> anyhow::Result<()> {
        self.keeps_reports = true;
        Ok(())
    }

    fn flows(&mut self) -> anyhow::Result<Reported> {
        Ok(Reported {
            sightings: std::mem::take(&mut self.predicted),
            until: self.clock(),
        })
    }

    fn status(&mut self) -> anyhow::Result<Vec<NodeStatus>> {
        Ok(Vec::new())
    }

    fn capture(&mut self) -> anyhow::Result<()> {
        bail!("packets are captured on links: --captures needs the kernel driver")
    }

    fn captured(&mut self, _: &[Sighting]) -> anyhow::Result<Vec<Captured>> {
        Ok(Vec::new())
    }
}
