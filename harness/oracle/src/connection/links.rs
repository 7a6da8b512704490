//! Links between ends, and what is wrong with them.

use super::packet::Packet;
use manifest::{Addresses, Cluster, EndpointName, ObjectName};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

/// The links that are not as they should be. All others carry everything.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Links {
    /// Nodes without a way to others.
    cut_off: BTreeSet<String>,
    /// Nodes on whose way to others packets get lost.
    lossy: BTreeMap<String, Losses>,
    /// Pods without a way to their nodes, and what they were then.
    unplugged: BTreeMap<ObjectName, (String, Addresses)>,
}

/// How many packets there were in each direction, of which every so manieth is lost.
#[derive(Clone, PartialEq, Debug)]
struct Losses {
    every: NonZeroU32,
    out: u32,
    into: u32,
}

impl Links {
    /// From now on nothing gets from this node to others and back, or it does again.
    pub(super) fn cut_off(&mut self, node: &str, is_cut_off: bool) {
        if is_cut_off {
            self.cut_off.insert(node.to_owned());
        } else {
            self.cut_off.remove(node);
        }
    }

    /// From now on every so manieth packet of each direction is lost between this node and others, or none.
    pub(super) fn lose(&mut self, node: &str, every: Option<NonZeroU32>) {
        self.lossy.remove(node);
        if let Some(every) = every {
            let (out, into) = (0, 0);
            self.lossy
                .insert(node.to_owned(), Losses { every, out, into });
        }
    }

    /// From now on nothing gets from this pod to its node and back.
    pub(super) fn unplug(&mut self, name: &ObjectName, cluster: &Cluster) {
        if let Some(pod) = cluster.pods.get(name) {
            let is = (pod.node.clone(), pod.addresses);
            self.unplugged.insert(name.clone(), is);
        }
    }

    /// It does again.
    pub(super) fn plug(&mut self, name: &ObjectName) {
        self.unplugged.remove(name);
    }

    /// A node or a pod that comes, or is made anew, has a link that is whole.
    pub(super) fn forget_departed(&mut self, cluster: &Cluster) {
        self.cut_off.retain(|node| cluster.nodes.contains_key(node));
        self.lossy
            .retain(|node, _| cluster.nodes.contains_key(node));
        self.unplugged.retain(|name, (node, addresses)| {
            let pod = cluster.pods.get(name);
            pod.is_some_and(|pod| pod.node == *node && pod.addresses == *addresses)
        });
    }

    /// Whether nothing gets to this end or from it.
    pub(super) fn is_unplugged(&self, end: &EndpointName) -> bool {
        matches!(end, EndpointName::Pod(name) if self.unplugged.contains_key(name))
    }

    /// Whether the packet gets from the node of its source to that of its destination.
    pub(super) fn carry(&mut self, cluster: &Cluster, packet: &Packet) -> bool {
        let [from, to] = [&packet.from, &packet.to].map(|end| node_of(cluster, end));
        from == to || (self.carry_out(from) && self.carry_in(to))
    }

    fn carry_out(&mut self, node: Option<&str>) -> bool {
        self.carry_past(node, |losses| &mut losses.out)
    }

    fn carry_in(&mut self, node: Option<&str>) -> bool {
        self.carry_past(node, |losses| &mut losses.into)
    }

    fn carry_past(&mut self, node: Option<&str>, count: impl Fn(&mut Losses) -> &mut u32) -> bool {
        let Some(node) = node else {
            return true;
        };
        if self.cut_off.contains(node) {
            return false;
        }
        self.lossy.get_mut(node).is_none_or(|losses| {
            let every = losses.every.get();
            let count = count(losses);
            *count += 1;
            !count.is_multiple_of(every)
        })
    }
}

/// The node that an end is on; `None` for outside hosts.
pub(super) fn node_of<'a>(cluster: &'a Cluster, end: &'a EndpointName) -> Option<&'a str> {
    match end {
        EndpointName::Pod(name) => cluster.pods.get(name).map(|pod| pod.node.as_str()),
        EndpointName::Node(name) => Some(name),
        EndpointName::External(_) | EndpointName::Service(_) => None,
    }
}
