//! Peers of a rule: which ends of a connection `from` and `to` select.

use crate::attempt::{End, Kind, PodEnd};
use crate::cidr::{Containment, locate};
use crate::selector::{SelectorMiss, select};
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use manifest::IpBlockMode;
use std::fmt;
use std::net::IpAddr;

/// How peers are read: by what policy, in what mode.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    /// The namespace of the policy: a `podSelector` alone selects in it.
    pub(crate) namespace: &'a str,
    pub(crate) mode: IpBlockMode,
}

/// Why a peer does not select an end.
pub(crate) enum PeerMiss<'a> {
    /// Selectors select pods on the pod network only.
    NoPod(&'a End<'a>),
    /// At least one of the two conditions fails.
    Selectors {
        pod: &'a PodEnd<'a>,
        namespace: Option<NamespaceMiss<'a>>,
        labels: Option<SelectorMiss<'a>>,
    },
    /// The address is not in the block; `same_family` if it could be.
    Outside {
        address: IpAddr,
        block: &'a str,
        same_family: bool,
    },
    /// The address is in the block and in an except of it.
    Excepted {
        address: IpAddr,
        block: &'a str,
        except: &'a str,
    },
    /// [`IpBlockMode::External`], and the address belongs to the cluster.
    InCluster { end: &'a End<'a>, block: &'a str },
    /// The address is in none of these; `same_family` if it could be in one.
    OutsideAll {
        address: IpAddr,
        networks: &'a [String],
        same_family: bool,
    },
    /// A selector of nodes selects nodes only.
    NoNode(&'a End<'a>),
    /// The node's labels are others.
    Node {
        node: &'a str,
        miss: SelectorMiss<'a>,
    },
    /// The end is not one of this group.
    NotAmong { end: &'a End<'a>, entity: &'a str },
    /// A peer of a kind that is not supported.
    Unsupported,
    /// A peer without any field, which an API server refuses.
    Empty,
}

/// Why the namespace of a pod is not selected.
pub(crate) enum NamespaceMiss<'a> {
    /// There is no `namespaceSelector`, and this is not the policy's own namespace.
    NotOwn {
        own: &'a str,
    },
    Labels(SelectorMiss<'a>),
}

impl<'a> Reader<'a> {
    /// For policies that have no namespace and no `ipBlock`.
    pub(crate) const NOWHERE: Self = Self {
        namespace: "",
        mode: IpBlockMode::Any,
    };

    /// For blocks of addresses outside of the cluster.
    pub(crate) const OUTSIDE: Self = Self {
        namespace: "",
        mode: IpBlockMode::External,
    };

    /// Whether `peer` selects `end`.
    pub(crate) fn select(
        self,
        peer: &'a NetworkPolicyPeer,
        end: &'a End<'a>,
    ) -> Result<(), PeerMiss<'a>> {
        if let Some(block) = &peer.ip_block {
            let except = block.except.as_deref().unwrap_or_default();
            return self.select_by_address(&block.cidr, except, end);
        }
        if peer.namespace_selector.is_none() && peer.pod_selector.is_none() {
            return Err(PeerMiss::Empty);
        }
        match &end.kind {
            Kind::Pod(pod) => self.select_by_labels(peer, pod),
            Kind::Node(_) | Kind::External => Err(PeerMiss::NoPod(end)),
        }
    }

    /// Selectors: the namespace must be selected, and in it the pod.
    fn select_by_labels(
        self,
        peer: &'a NetworkPolicyPeer,
        pod: &'a PodEnd<'a>,
    ) -> Result<(), PeerMiss<'a>> {
        let namespace = self.select_namespace(peer, pod).err();
        let labels = match &peer.pod_selector {
            Some(selector) => select(selector, &pod.pod.labels).err(),
            None => None,
        };
        if namespace.is_none() && labels.is_none() {
            return Ok(());
        }
        Err(PeerMiss::Selectors {
            pod,
            namespace,
            labels,
        })
    }

    fn select_namespace(
        self,
        peer: &'a NetworkPolicyPeer,
        pod: &'a PodEnd<'a>,
    ) -> Result<(), NamespaceMiss<'a>> {
        match &peer.namespace_selector {
            Some(selector) => select(selector, pod.namespace_labels).map_err(NamespaceMiss::Labels),
            None if pod.name.namespace == self.namespace => Ok(()),
            None => Err(NamespaceMiss::NotOwn {
                own: self.namespace,
            }),
        }
    }

    /// In the block, and in none of its excepts.
    pub(crate) fn select_by_address(
        self,
        cidr: &'a str,
        except: &'a [String],
        end: &'a End<'a>,
    ) -> Result<(), PeerMiss<'a>> {
        let address = end.address;
        let place = locate(cidr, address);
        if place != Containment::Inside {
            return Err(PeerMiss::Outside {
                address,
                block: cidr,
                same_family: place == Containment::Outside,
            });
        }
        if self.mode == IpBlockMode::External && !matches!(end.kind, Kind::External) {
            return Err(PeerMiss::InCluster { end, block: cidr });
        }
        let mut excepts = except.iter();
        match excepts.find(|except| locate(except, address) == Containment::Inside) {
            None => Ok(()),
            Some(except) => Err(PeerMiss::Excepted {
                address,
                block: cidr,
                except,
            }),
        }
    }
}

impl PeerMiss<'_> {
    /// How near the peer came: 0 it could not match this kind of end, 1 it could, 2 one condition of two was met.
    pub(crate) fn nearness(&self) -> u32 {
        match self {
            Self::NoPod(_) | Self::NoNode(_) | Self::Unsupported | Self::Empty => 0,
            Self::Outside { same_family, .. } | Self::OutsideAll { same_family, .. } => {
                u32::from(*same_family)
            }
            Self::Node { .. } | Self::NotAmong { .. } => 1,
            Self::Selectors {
                namespace, labels, ..
            } => u32::from(namespace.is_none() || labels.is_none()) + 1,
            Self::Excepted { .. } | Self::InCluster { .. } => 2,
        }
    }
}

impl fmt::Display for PeerMiss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPod(end) => write!(f, "selectors select pods only, {end} is none"),
            Self::Selectors {
                pod,
                namespace,
                labels,
            } => {
                let conditions = [
                    namespace
                        .as_ref()
                        .map(|miss| format!("namespace {} {miss}", pod.name.namespace)),
                    labels
                        .as_ref()
                        .map(|miss| format!("pod {} {miss}", pod.name)),
                ];
                let conditions: Vec<_> = conditions.into_iter().flatten().collect();
                f.write_str(&conditions.join("; "))
            }
            Self::Outside { address, block, .. } => write!(f, "{address} is not in {block}"),
            Self::Excepted {
                address,
                block,
                except,
            } => write!(
                f,
                "{address} is in {block} and in {except}, which is excepted"
            ),
            Self::InCluster { end, block } => write!(
                f,
                "{block} selects outside addresses only, {} is of {end}",
                end.address
            ),
            Self::OutsideAll {
                address, networks, ..
            } => write!(f, "{address} is not in {}", networks.join(" or ")),
            Self::NoNode(end) => write!(f, "the peer is nodes, {end} is none"),
            Self::Node { node, miss } => write!(f, "node {node} {miss}"),
            Self::NotAmong { end, entity } => write!(f, "{end} is not of {entity}"),
            Self::Unsupported => {
                f.write_str("domain names are not supported, and the rule fails closed")
            }
            Self::Empty => f.write_str("a peer without any field selects nothing"),
        }
    }
}

impl fmt::Display for NamespaceMiss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOwn { own } => write!(f, "is not {own}, the policy's own"),
            Self::Labels(miss) => miss.fmt(f),
        }
    }
}

/// For people: what the end is to policies.
impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Pod(pod) => write!(f, "pod {}", pod.name),
            Kind::Node(node) if matches!(self.name, manifest::EndpointName::Pod(_)) => {
                write!(f, "{} (on the network of node/{})", self.name, node.name)
            }
            Kind::Node(_) | Kind::External => self.name.fmt(f),
        }
    }
}
