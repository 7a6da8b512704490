//! Long stories: packets, changes and time, one after the other.

use super::changes::{Change, change, policy_change};
use super::flows::{FlowBetween, PacketSketch, WHATS, flow, packet};
use super::topology::clusters;
use crate::packet::Packet;
use manifest::Cluster;
use proptest::array;
use proptest::collection::vec;
use proptest::prelude::*;
use std::time::Duration;

/// A cluster and what happens in it.
#[derive(Clone, Debug)]
pub struct Saga {
    /// How it begins.
    pub cluster: Cluster,
    /// What happens, in this order.
    pub acts: Vec<Act>,
}

impl Saga {
    /// The same with nodes that take everything.
    #[must_use]
    pub fn without_host_policies(mut self) -> Self {
        self.cluster.host_policies.clear();
        for act in &mut self.acts {
            if let Act::Change(cluster) = act {
                cluster.host_policies.clear();
            }
        }
        self
    }
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The cluster becomes this one: one change away from what it was.
    Change(Box<Cluster>),
    /// Time passes.
    Pass(Duration),
    /// A packet is sent. At least one end is a pod on the pod network.
    Send(Box<Packet>),
}

/// Sagas of so many acts at most, about a few connections: so packets meet what those before them left.
pub fn sagas(acts: usize) -> BoxedStrategy<Saga> {
    (vec(sketches(), 1..=acts), vec(flow(), 1..=3), clusters())
        .prop_map(move |(sketches, flows, cluster)| {
            let flows = flows.iter().filter_map(|flow| flow.among(&cluster));
            let mut scene = Scene {
                now: cluster.clone(),
                before: cluster.clone(),
                flows: flows.collect(),
            };
            let sketches = sketches.into_iter().flatten().take(acts);
            let acts = sketches.filter_map(|sketch| scene.play(sketch));
            Saga {
                acts: acts.collect(),
                cluster,
            }
        })
        .boxed()
}

/// An act before it knows the cluster.
#[derive(Clone, Debug)]
enum Sketch {
    Change(Change),
    /// Everything is as before the last change.
    TakeBack,
    Pass(Duration),
    Send(PacketSketch),
}

/// One act, or several that mean something together.
fn sketches() -> BoxedStrategy<Vec<Sketch>> {
    prop_oneof![
        24 => sketch().prop_map(|sketch| vec![sketch]),
        3 => revocation(),
    ]
    .boxed()
}

/// A connection whose opener meets a closed namespace, and who still answers.
fn revocation() -> BoxedStrategy<Vec<Sketch>> {
    (0..3usize, 0..3usize, array::uniform4(0..WHATS))
        .prop_map(
            |(flow, namespace, [opens, answers, goes_on, answers_again])| {
                let send =
                    |is_answer, what| Sketch::Send(PacketSketch::plain(flow, is_answer, what));
                vec![
                    send(false, opens),
                    send(true, answers),
                    Sketch::Change(Change::Isolate(namespace)),
                    send(false, goes_on),
                    send(true, answers_again),
                ]
            },
        )
        .boxed()
}

fn sketch() -> BoxedStrategy<Sketch> {
    prop_oneof![
        16 => packet().prop_map(Sketch::Send),
        2 => times().prop_map(Sketch::Pass),
        1 => change().prop_map(Sketch::Change),
        2 => policy_change().prop_map(Sketch::Change),
        2 => Just(Sketch::TakeBack),
    ]
    .boxed()
}

/// The cluster while a saga goes on.
struct Scene {
    now: Cluster,
    before: Cluster,
    flows: Vec<FlowBetween>,
}

impl Scene {
    fn play(&mut self, sketch: Sketch) -> Option<Act> {
        match sketch {
            Sketch::Change(change) => {
                self.before = change.apply(self.now.clone());
                Some(self.take_back())
            }
            Sketch::TakeBack => Some(self.take_back()),
            Sketch::Pass(time) => Some(Act::Pass(time)),
            Sketch::Send(packet) => {
                let packet = packet.about(&self.now, &self.flows)?;
                Some(Act::Send(Box::new(packet)))
            }
        }
    }

    /// Before and now change places.
    fn take_back(&mut self) -> Act {
        std::mem::swap(&mut self.now, &mut self.before);
        Act::Change(Box::new(self.now.clone()))
    }
}

/// Sums of multiples of 11 seconds come near no time-out: what really passes meanwhile changes nothing.
fn times() -> BoxedStrategy<Duration> {
    const STEP: u64 = 11;
    let steps = prop_oneof![8 => 1..=6u64, 3 => 7..=25u64, 1 => 700..=760u64];
    steps
        .prop_map(|steps| Duration::from_secs(steps * STEP))
        .boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use manifest::{IpBlockMode, Protocol};
    use oracle::connection::{PacketJudgement, Tracker};
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use std::collections::BTreeMap;

    const SAGAS: usize = 250;
    const ACTS: usize = 100;

    /// How often each thing happens to connections in a fixed sequence of sagas.
    fn census() -> BTreeMap<String, usize> {
        let mut runner = TestRunner::deterministic();
        let sagas = sagas(ACTS);
        let mut census = BTreeMap::new();
        for _ in 0..SAGAS {
            let saga = sagas.new_tree(&mut runner).unwrap().current();
            for happening in happenings(saga) {
                *census.entry(happening).or_default() += 1;
            }
        }
        census
    }

    fn happenings(saga: Saga) -> Vec<String> {
        let mut tracker = Tracker::default();
        let mut cluster = saga.cluster;
        let mut now = Duration::ZERO;
        let mut happenings = Vec::new();
        for act in saga.acts {
            let (alive, opened) = (tracker.connection_count(now), tracker.opened_count());
            match act {
                Act::Change(after) => {
                    cluster = *after;
                    tracker.follow(&cluster);
                }
                Act::Pass(time) => now += time,
                Act::Send(packet) => {
                    let frame = packet.to_frame().unwrap();
                    let packet = frame.meaning().unwrap();
                    let course = tracker.judge(&cluster, IpBlockMode::Any, now, packet);
                    let opens = tracker.opened_count() > opened;
                    let protocol = packet.flow.protocol;
                    // What the last node says is what becomes of it.
                    let last = course.unwrap().judgements.pop();
                    happenings.extend(last.map(|last| said(&last.judgement, opens, protocol)));
                    continue;
                }
            }
            if tracker.connection_count(now) < alive {
                happenings.push("connections end".to_owned());
            }
        }
        happenings
    }

    fn said(judgement: &PacketJudgement, opens: bool, protocol: Protocol) -> String {
        let what = match judgement {
            PacketJudgement::Judged(judgement, _) if !judgement.is_allowed() => "is denied",
            PacketJudgement::Judged(..) if opens => "opens",
            PacketJudgement::Judged(..) => "goes on",
            PacketJudgement::Answers => "answers",
            PacketJudgement::Revoked => "is revoked",
            PacketJudgement::Related => "is related",
            PacketJudgement::Unrelated => "is unrelated",
            PacketJudgement::Stranded(_) => "is stranded",
        };
        format!("{protocol} {what}")
    }

    #[test]
    fn everything_happens_to_connections() {
        let census = census();
        let mut wanted = vec![
            ("connections end".to_owned(), SAGAS / 4),
            ("ICMP is related".to_owned(), SAGAS / 4),
            ("ICMP is unrelated".to_owned(), SAGAS / 4),
        ];
        for protocol in Protocol::ALL {
            for what in ["opens", "goes on", "answers", "is denied"] {
                wanted.push((format!("{protocol} {what}"), SAGAS / 4));
            }
            wanted.push((format!("{protocol} is revoked"), SAGAS / 20));
        }
        for (happening, least) in wanted {
            let count = census.get(&happening).copied().unwrap_or(0);
            assert!(count >= least, "{happening}: {count} of {census:#?}");
        }
    }
}
