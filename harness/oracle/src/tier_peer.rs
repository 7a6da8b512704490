//! Subjects and peers of policies for the whole cluster, as the text of `policy.networking.k8s.io` reads.

use crate::attempt::{End, Kind, NodeEnd, PodEnd};
use crate::cidr::{Containment, locate};
use crate::peer::{NamespaceMiss, PeerMiss};
use crate::selector::select;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use manifest::network_policy_api::{EgressPeer, IngressPeer, NamespacedPod, Subject};

/// A peer of a kind that is supported.
pub(crate) enum TierPeer<'a> {
    Namespaces(&'a LabelSelector),
    Pods(&'a NamespacedPod),
    Nodes(&'a LabelSelector),
    Networks(&'a [String]),
}

/// Whether the policy applies to `pod`.
pub(crate) fn is_subject(subject: &Subject, pod: &PodEnd) -> bool {
    let by_namespace = subject.namespaces.as_ref();
    let by_pod = subject.pods.as_ref();
    by_namespace.is_some_and(|selector| select(selector, pod.namespace_labels).is_ok())
        || by_pod.is_some_and(|pods| select_pod(pods, pod).is_ok())
}

impl<'a> TierPeer<'a> {
    /// Reads who sends; `None` if it is of another kind.
    pub(crate) fn source(peer: &'a IngressPeer) -> Option<Self> {
        let namespaces = peer.namespaces.as_ref().map(Self::Namespaces);
        namespaces.or_else(|| peer.pods.as_ref().map(Self::Pods))
    }

    /// Reads to whom; `None` if it is of another kind, such as a domain name.
    pub(crate) fn destination(peer: &'a EgressPeer) -> Option<Self> {
        let namespaces = peer.namespaces.as_ref().map(Self::Namespaces);
        namespaces
            .or_else(|| peer.pods.as_ref().map(Self::Pods))
            .or_else(|| peer.nodes.as_ref().map(Self::Nodes))
            .or_else(|| peer.networks.as_deref().map(Self::Networks))
    }

    /// Whether the peer selects `end`.
    pub(crate) fn select(&self, end: &'a End<'a>) -> Result<(), PeerMiss<'a>> {
        match (self, &end.kind) {
            (Self::Namespaces(selector), Kind::Pod(pod)) => select(selector, pod.namespace_labels)
                .map_err(|miss| PeerMiss::Selectors {
                    pod,
                    namespace: Some(NamespaceMiss::Labels(miss)),
                    labels: None,
                }),
            (Self::Pods(pods), Kind::Pod(pod)) => select_pod(pods, pod),
            (Self::Nodes(selector), Kind::Node(node)) => select_node(selector, node),
            (Self::Networks(networks), _) => select_address(networks, end),
            (Self::Namespaces(_) | Self::Pods(_), _) => Err(PeerMiss::NoPod(end)),
            (Self::Nodes(_), _) => Err(PeerMiss::NoNode(end)),
        }
    }
}

/// The namespace must be selected, and in it the pod. An absent selector is an empty one, which selects all.
fn select_pod<'a>(pods: &'a NamespacedPod, pod: &'a PodEnd<'a>) -> Result<(), PeerMiss<'a>> {
    let namespace = pods.namespace_selector.as_ref();
    let namespace = namespace.and_then(|selector| select(selector, pod.namespace_labels).err());
    let labels = pods.pod_selector.as_ref();
    let labels = labels.and_then(|selector| select(selector, &pod.pod.labels).err());
    if namespace.is_none() && labels.is_none() {
        return Ok(());
    }
    Err(PeerMiss::Selectors {
        pod,
        namespace: namespace.map(NamespaceMiss::Labels),
        labels,
    })
}

/// Whether the selector selects the node.
pub(crate) fn select_node<'a>(
    selector: &'a LabelSelector,
    node: &'a NodeEnd<'a>,
) -> Result<(), PeerMiss<'a>> {
    select(selector, node.labels).map_err(|miss| PeerMiss::Node {
        node: node.name,
        miss,
    })
}

/// One of the networks has to hold the address, whoever has it.
fn select_address<'a>(networks: &'a [String], end: &'a End<'a>) -> Result<(), PeerMiss<'a>> {
    let address = end.address;
    let mut same_family = false;
    for network in networks {
        match locate(network, address) {
            Containment::Inside => return Ok(()),
            Containment::Outside => same_family = true,
            Containment::OtherFamily => {}
        }
    }
    Err(PeerMiss::OutsideAll {
        address,
        networks,
        same_family,
    })
}
