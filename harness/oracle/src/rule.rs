//! A rule of a policy: it allows a connection if its peers and its ports both match.

use crate::attempt::{Attempt, End};
use crate::isolation::Direction;
use crate::peer::{PeerMiss, Reader};
use crate::port::{PortMiss, open};
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};

/// A rule of either direction.
pub(crate) struct Rule<'a> {
    direction: Direction,
    index: usize,
    /// `from` or `to`.
    peers: &'a [NetworkPolicyPeer],
    ports: &'a [NetworkPolicyPort],
}

/// What became of a rule.
pub(crate) struct RuleMatch<'a> {
    peers: Result<(), NearestPeer<'a>>,
    ports: Result<(), PortMiss<'a>>,
}

/// The peer that came nearest, of those that a rule names.
struct NearestPeer<'a> {
    index: usize,
    miss: PeerMiss<'a>,
}

impl<'a> Rule<'a> {
    /// The rules of one direction. In both parts of a rule, absent and empty are the same.
    pub(crate) fn of(
        spec: &'a NetworkPolicySpec,
        direction: Direction,
    ) -> impl Iterator<Item = Self> {
        let egress = spec.egress.iter().flatten();
        let egress = egress.map(|rule| (rule.to.as_deref(), rule.ports.as_deref()));
        let ingress = spec.ingress.iter().flatten();
        let ingress = ingress.map(|rule| (rule.from.as_deref(), rule.ports.as_deref()));
        let rules: Vec<_> = match direction {
            Direction::Egress => egress.collect(),
            Direction::Ingress => ingress.collect(),
        };
        let rules = rules.into_iter().enumerate();
        rules.map(move |(index, (peers, ports))| Self {
            direction,
            index,
            peers: peers.unwrap_or_default(),
            ports: ports.unwrap_or_default(),
        })
    }

    /// Where the rule is in its policy.
    pub(crate) fn path(&self) -> String {
        match self.direction {
            Direction::Egress => format!("spec.egress[{}]", self.index),
            Direction::Ingress => format!("spec.ingress[{}]", self.index),
        }
    }

    /// Holds the rule against a connection whose far end, seen from the policy, is `other`.
    pub(crate) fn check(
        &self,
        reader: Reader<'a>,
        other: &'a End<'a>,
        attempt: &'a Attempt<'a>,
    ) -> RuleMatch<'a> {
        RuleMatch {
            peers: self.check_peers(reader, other),
            ports: open(self.ports, attempt),
        }
    }

    /// No peers: every end matches, outside hosts and nodes too. Otherwise one of them has to.
    fn check_peers(&self, reader: Reader<'a>, other: &'a End<'a>) -> Result<(), NearestPeer<'a>> {
        let mut nearest: Option<NearestPeer> = None;
        for (index, peer) in self.peers.iter().enumerate() {
            let Err(miss) = reader.select(peer, other) else {
                return Ok(());
            };
            let is_nearer = |best: &NearestPeer| miss.nearness() > best.miss.nearness();
            if nearest.as_ref().is_none_or(is_nearer) {
                nearest = Some(NearestPeer { index, miss });
            }
        }
        nearest.map_or(Ok(()), Err)
    }
}

impl RuleMatch<'_> {
    pub(crate) fn is_ok(&self) -> bool {
        self.peers.is_ok() && self.ports.is_ok()
    }

    /// The tens tell how near the peers came (3: matched), the ones how near the ports did (2: matched).
    pub(crate) fn nearness(&self) -> u32 {
        let peers = self
            .peers
            .as_ref()
            .map_or_else(|near| near.miss.nearness(), |()| 3);
        let ports = self.ports.as_ref().map_or_else(PortMiss::nearness, |()| 2);
        10 * peers + ports
    }

    /// Why the rule does not allow the connection, in words.
    pub(crate) fn explain(&self, rule: &Rule) -> Result<(), String> {
        let peers = self.peers.as_ref().err().map(|near| near.explain(rule));
        let ports = self.ports.as_ref().err().map(PortMiss::to_string);
        let reasons: Vec<_> = peers.into_iter().chain(ports).collect();
        if reasons.is_empty() {
            return Ok(());
        }
        Err(reasons.join("; "))
    }
}

impl NearestPeer<'_> {
    fn explain(&self, rule: &Rule) -> String {
        let field = match rule.direction {
            Direction::Egress => "to",
            Direction::Ingress => "from",
        };
        let others = match rule.peers.len() {
            1 => String::new(),
            count => format!(" (the nearest of {count} peers)"),
        };
        format!("{field}[{}]: {}{others}", self.index, self.miss)
    }
}
