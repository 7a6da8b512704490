//! A rule of a policy: it matches a connection if its peers and its ports both match.

use crate::Action;
use crate::attempt::{Attempt, End};
use crate::host_peer::HostPeers;
use crate::isolation::Direction;
use crate::peer::{PeerMiss, Reader};
use crate::port::{PortItem, PortMiss, open};
use crate::tier_peer::TierPeer;
use k8s_openapi::api::networking::v1::{NetworkPolicyPeer, NetworkPolicySpec};

/// A rule of either direction and any kind of policy.
pub(crate) struct Rule<'a> {
    /// The field of the policy that it is in: `spec`, or one of `specs`.
    pub(crate) part: String,
    pub(crate) direction: Direction,
    /// Its position among the rules of its direction.
    pub(crate) index: usize,
    /// What it does with what it matches.
    pub(crate) action: Action,
    /// `from` or `to`.
    pub(crate) peers: Peers<'a>,
    pub(crate) ports: Vec<PortItem<'a>>,
}

/// The other ends that a rule is about.
pub(crate) enum Peers<'a> {
    /// Of a `NetworkPolicy`. None at all is everyone.
    NetworkPolicy(&'a [NetworkPolicyPeer]),
    /// Of a policy for the whole cluster.
    Tier(Vec<TierPeer<'a>>),
    /// Of a host policy.
    Host(HostPeers<'a>),
    /// A rule with a peer of a kind that is not supported. It fails closed: to allow, it matches nothing; otherwise it
    /// denies everything.
    Unsupported { index: usize },
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
    /// The rules of one direction of a `NetworkPolicy`. In both parts of a rule, absent and empty are the same.
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
            part: "spec".to_owned(),
            direction,
            index,
            action: Action::Allow,
            peers: Peers::NetworkPolicy(peers.unwrap_or_default()),
            ports: ports.into_iter().flatten().map(PortItem::from).collect(),
        })
    }

    /// Where the rule is in its policy.
    pub(crate) fn path(&self) -> String {
        let direction = match self.direction {
            Direction::Egress => "egress",
            Direction::Ingress => "ingress",
        };
        format!("{}.{direction}[{}]", self.part, self.index)
    }

    /// What it does with what it matches.
    pub(crate) fn effect(&self) -> Action {
        match (&self.peers, self.action) {
            (Peers::Unsupported { .. }, Action::Deny | Action::Pass) => Action::Deny,
            (_, action) => action,
        }
    }

    /// Holds the rule against a connection whose far end, seen from the policy, is `other`.
    pub(crate) fn check(
        &'a self,
        reader: Reader<'a>,
        other: &'a End<'a>,
        attempt: &'a Attempt<'a>,
    ) -> RuleMatch<'a> {
        let denies_everything =
            matches!(self.peers, Peers::Unsupported { .. }) && self.effect() == Action::Deny;
        RuleMatch {
            peers: self.check_peers(reader, other),
            ports: if denies_everything {
                Ok(())
            } else {
                open(&self.ports, attempt)
            },
        }
    }

    fn check_peers(
        &'a self,
        reader: Reader<'a>,
        other: &'a End<'a>,
    ) -> Result<(), NearestPeer<'a>> {
        match &self.peers {
            Peers::NetworkPolicy([]) | Peers::Host(HostPeers::Everyone) => Ok(()),
            Peers::NetworkPolicy(peers) => {
                nearest(peers.iter().map(|peer| reader.select(peer, other)))
            }
            Peers::Tier(peers) => nearest(peers.iter().map(|peer| peer.select(other))),
            Peers::Host(HostPeers::These(peers)) => {
                nearest(peers.iter().map(|peer| peer.select(other)))
            }
            Peers::Unsupported { .. } if self.effect() == Action::Deny => Ok(()),
            Peers::Unsupported { index } => Err(NearestPeer {
                index: *index,
                miss: PeerMiss::Unsupported,
            }),
        }
    }

    fn peer_count(&self) -> usize {
        match &self.peers {
            Peers::NetworkPolicy(peers) => peers.len(),
            Peers::Tier(peers) => peers.len(),
            Peers::Host(HostPeers::These(peers)) => peers.len(),
            Peers::Host(HostPeers::Everyone) | Peers::Unsupported { .. } => 1,
        }
    }

    /// Where a peer is in the rule.
    fn peer_path(&self, index: usize) -> String {
        if let Peers::Host(HostPeers::These(peers)) = &self.peers
            && let Some(peer) = peers.get(index)
        {
            return peer.path.clone();
        }
        match self.direction {
            Direction::Egress => format!("to[{index}]"),
            Direction::Ingress => format!("from[{index}]"),
        }
    }
}

/// One of the peers has to match; otherwise the nearest, the first of equals.
fn nearest<'a>(
    selected: impl Iterator<Item = Result<(), PeerMiss<'a>>>,
) -> Result<(), NearestPeer<'a>> {
    let mut nearest: Option<NearestPeer> = None;
    for (index, selected) in selected.enumerate() {
        let Err(miss) = selected else {
            return Ok(());
        };
        let is_nearer = |best: &NearestPeer| miss.nearness() > best.miss.nearness();
        if nearest.as_ref().is_none_or(is_nearer) {
            nearest = Some(NearestPeer { index, miss });
        }
    }
    // A list without entries, which an API server refuses, names nobody.
    Err(nearest.unwrap_or(NearestPeer {
        index: 0,
        miss: PeerMiss::Empty,
    }))
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

    /// Why the rule does not match the connection, in words.
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
        let others = match rule.peer_count() {
            0 => return "a rule without peers and ports is about nobody".to_owned(),
            1 => String::new(),
            count => format!(" (the nearest of {count} peers)"),
        };
        format!("{}: {}{others}", rule.peer_path(self.index), self.miss)
    }
}
