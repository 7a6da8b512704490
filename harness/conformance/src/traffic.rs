//! Packets that scenarios send, and what became of them.

use crate::conversation::Conversation;
use crate::driver::Fate;
use crate::evidence;
use crate::packet::{Frame, Packet};
use crate::session::{Session, Unjudged};
use crate::world::World;
use abi::DropReason;
use anyhow::{Context, bail, ensure};
use manifest::{Cluster, EndpointName};
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many packets of a failed step are shown.
const SHOWN: usize = 10;

/// What the steps about packets speak of.
#[derive(Default)]
pub(crate) struct Traffic {
    /// What the last step sent.
    pub(crate) sent: Vec<Sent>,
    /// What the last step's packets were dropped for, and how many; `None` if the driver counts nothing.
    pub(crate) drops: Option<BTreeMap<DropReason, u64>>,
    /// What "it" is in steps about connections.
    pub(crate) conversation: Option<Conversation>,
}

/// A frame to be sent, as the reader of a scenario knows it.
pub(crate) struct Outgoing {
    /// In words.
    pub(crate) text: String,
    /// Who is meant; `None` if only the bytes say so.
    pub(crate) to: Option<EndpointName>,
    pub(crate) frame: Frame,
    /// The description the frame was made from.
    pub(crate) packet: Option<Packet>,
}

/// A frame that was sent.
pub(crate) struct Sent {
    pub(crate) outgoing: Outgoing,
    pub(crate) fate: Fate,
}

/// Why the oracle cannot say how many events there are.
pub(crate) const EVENTS: Unjudged = Unjudged("the oracle writes no events and counts nothing");

impl Outgoing {
    /// A packet that was described.
    pub(crate) fn packet(packet: Packet) -> anyhow::Result<Self> {
        let text = packet.to_string();
        let frame = packet.to_frame();
        Ok(Self {
            frame: frame.with_context(|| text.clone())?,
            to: Some(packet.to.clone()),
            packet: Some(packet),
            text,
        })
    }
}

impl World {
    /// Sends frames in the state of the cluster, one after the other. From now on "it" is what was sent.
    pub(crate) fn send(&mut self, frames: Vec<Outgoing>) -> anyhow::Result<()> {
        self.settle()?;
        self.forget_last();
        let before = self.session.drops()?;
        let bytes: Vec<Frame> = frames
            .iter()
            .map(|outgoing| outgoing.frame.clone())
            .collect();
        let fates = self.session.send(&bytes)?;
        let mut parted = String::new();
        for (outgoing, answer) in frames.into_iter().zip(fates) {
            let fate = answer.fate;
            if let Some(other) = answer
                .against
                .filter(|other| !fate.is_like(other, &outgoing.frame.from))
            {
                parted += &parting(&self.session, &outgoing, &fate, &other);
            }
            self.traffic.sent.push(Sent { outgoing, fate });
        }
        self.traffic.drops = subtract(self.session.drops()?, before);
        if !parted.is_empty() {
            bail!("packets whose fates differ:\n{}", parted.trim_end());
        }
        Ok(())
    }

    /// Packets of the last step, at least one.
    pub(crate) fn sent(&self) -> anyhow::Result<&[Sent]> {
        ensure!(
            !self.traffic.sent.is_empty(),
            "no packet was sent yet: the sentence is about the packets of the step before"
        );
        Ok(&self.traffic.sent)
    }

    /// Holds every packet of the last step against what is expected of it. Two drivers were compared with each other
    /// already.
    pub(crate) fn expect_each(
        &self,
        expected: &str,
        holds: impl Fn(&Sent) -> bool,
    ) -> anyhow::Result<()> {
        let sent = self.sent()?;
        if self.session.kinds().against.is_some() {
            return Ok(());
        }
        let wrong: Vec<&Sent> = sent.iter().filter(|sent| !holds(sent)).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let shown = wrong.iter().take(SHOWN).map(|sent| self.describe(sent));
        bail!(
            "expected of each packet: {expected}; {} of {} differ ({} driver):\n{}",
            wrong.len(),
            sent.len(),
            self.session.kinds().driver,
            shown.collect::<String>().trim_end()
        )
    }

    /// Holds a number about all packets of the last step against what is expected.
    pub(crate) fn expect_count(&self, what: &str, expected: u64, seen: u64) -> anyhow::Result<()> {
        let sent = self.sent()?;
        if expected == seen || self.session.kinds().against.is_some() {
            return Ok(());
        }
        let shown = sent.iter().take(SHOWN).map(|sent| self.describe(sent));
        bail!(
            "expected {expected} {what}, saw {seen} ({} driver):\n{}",
            self.session.kinds().driver,
            shown.collect::<String>().trim_end()
        )
    }

    fn describe(&self, sent: &Sent) -> String {
        let mut text = format!("  {}\n", sent.outgoing.text);
        text += &describe_fate(Some(&self.cluster), &sent.fate);
        text
    }
}

impl Sent {
    /// Whether it arrived where it was meant to, once and nowhere else.
    pub(crate) fn has_arrived(&self, cluster: &Cluster) -> bool {
        let [arrival] = self.fate.arrivals.as_slice() else {
            return false;
        };
        let meant = self.outgoing.to.as_ref().map(|to| network_of(cluster, to));
        meant.is_none_or(|meant| meant == arrival.at)
    }
}

/// Who gets what is sent to this end: a pod on its node's network is that node.
pub(crate) fn network_of(cluster: &Cluster, end: &EndpointName) -> EndpointName {
    if let EndpointName::Pod(name) = end
        && let Some(pod) = cluster.pods.get(name)
        && pod.host_network
    {
        return EndpointName::Node(pod.node.clone());
    }
    end.clone()
}

fn parting(session: &Session, outgoing: &Outgoing, fate: &Fate, other: &Fate) -> String {
    let kinds = session.kinds();
    let names = [Some(kinds.driver), kinds.against].into_iter().flatten();
    let mut text = format!("  {}\n", outgoing.text);
    for (name, fate) in names.zip([fate, other]) {
        let _ = writeln!(text, "    {name}:");
        text += &describe_fate(None, fate);
    }
    text
}

/// Where it arrived and what was said of it; indented, ends with a newline.
fn describe_fate(cluster: Option<&Cluster>, fate: &Fate) -> String {
    let arrivals = fate.arrivals.iter();
    let places: Vec<String> = arrivals
        .map(|arrival| {
            let source = arrival.source;
            let from = source.map_or(String::new(), |source| format!(" from {source}"));
            format!("at {}{from} ({} bytes)", arrival.at, arrival.frame.len())
        })
        .collect();
    let mut text = match places.as_slice() {
        [] => "      arrived nowhere\n".to_owned(),
        places => format!("      arrived {}\n", places.join(", ")),
    };
    if fate.events.is_empty() {
        text += "      no event\n";
    }
    for event in &fate.events {
        let reason = event
            .reason
            .map_or(String::new(), |reason| format!(": {reason}"));
        let _ = writeln!(
            text,
            "      {}{reason}, generation {}",
            event.disposition, event.generation
        );
        for (name, side) in [("egress", &event.egress), ("ingress", &event.ingress)] {
            if let Some(side) = side {
                let _ = writeln!(text, "        {name}: {}", evidence::side(cluster, side));
            }
        }
    }
    text
}

fn subtract(
    after: Option<BTreeMap<DropReason, u64>>,
    before: Option<BTreeMap<DropReason, u64>>,
) -> Option<BTreeMap<DropReason, u64>> {
    let before = before?;
    let since = |(reason, count): (DropReason, u64)| {
        (reason, count - before.get(&reason).copied().unwrap_or(0))
    };
    Some(after?.into_iter().map(since).collect())
}
