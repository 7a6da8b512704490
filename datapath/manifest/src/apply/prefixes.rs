//! Whether the prefixes of nodes and the addresses of nodes and pods fit together: the way to each must be clear.

use super::claims;
use crate::{Addresses, Cluster, Diagnostic, Location, Node, ObjectName, Pod, Severity};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a node has a prefix for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Purpose {
    /// Its pods. The number is the place among its pod CIDRs.
    Pods(usize),
    /// Itself: the prefix is one address.
    Itself,
}

/// A prefix of a node.
struct Prefix<'a> {
    net: IpNet,
    purpose: Purpose,
    name: &'a str,
    node: &'a Node,
    is_applied: bool,
}

/// An error for each pod CIDR of an `applied` node that overlaps with another node's, and for each node address in one.
pub(super) fn clashes(cluster: &Cluster, applied: &BTreeSet<String>) -> Vec<Diagnostic> {
    let nodes = cluster.nodes.iter();
    let prefixes = nodes.flat_map(|(name, node)| prefixes(name, node, applied.contains(name)));
    let mut prefixes: Vec<_> = prefixes.collect();
    prefixes.sort_by_key(|prefix| (prefix.net, prefix.purpose));
    let mut around: Vec<&Prefix<'_>> = vec![];
    let mut diagnostics = vec![];
    for inner in &prefixes {
        around.retain(|outer| outer.net.contains(&inner.net));
        let mut nearest = around.iter().rev();
        if let Some(outer) = nearest.find(|outer| outer.excludes(inner)) {
            diagnostics.extend(clash(outer, inner));
        }
        if inner.purpose != Purpose::Itself {
            around.push(inner);
        }
    }
    diagnostics
}

/// The pod CIDRs and the addresses of a node.
fn prefixes<'a>(
    name: &'a str,
    node: &'a Node,
    is_applied: bool,
) -> impl Iterator<Item = Prefix<'a>> {
    let cidrs = node.pod_cidrs.iter().enumerate();
    let pods = cidrs.map(|(index, cidr)| (cidr.trunc(), Purpose::Pods(index)));
    let own = node.addresses.iter();
    let own = own.map(|address| (IpNet::from(address), Purpose::Itself));
    pods.chain(own).map(move |(net, purpose)| Prefix {
        net,
        purpose,
        name,
        node,
        is_applied,
    })
}

impl Prefix<'_> {
    /// Whether `inner`, which lies in this pod CIDR, may not.
    fn excludes(&self, inner: &Self) -> bool {
        inner.purpose == Purpose::Itself || inner.name != self.name
    }

    /// The field that it is written in, or would be.
    fn field(&self) -> String {
        match self.purpose {
            Purpose::Itself => "status.addresses".to_owned(),
            Purpose::Pods(index) => {
                let field = format!("spec.podCIDRs[{index}]");
                let is_written = self.node.origin.fields.contains_key(&field);
                if is_written {
                    field
                } else {
                    "spec.podCIDR".to_owned()
                }
            }
        }
    }

    fn place(&self) -> Location {
        self.node.origin.locate(&self.field())
    }

    /// For example `10.0.1.0/24, a pod CIDR of Node n1 (nodes.yaml:4:16)`.
    fn described(&self) -> String {
        let (name, place) = (self.name, self.place());
        match self.purpose {
            Purpose::Itself => format!("{}, an address of Node {name} ({place})", self.net.addr()),
            Purpose::Pods(_) => format!("{}, a pod CIDR of Node {name} ({place})", self.net),
        }
    }
}

/// The error about `inner` in `outer`: at the one that is applied, or is written later. None if neither is applied.
fn clash(outer: &Prefix<'_>, inner: &Prefix<'_>) -> Option<Diagnostic> {
    let inner_is_later = (inner.is_applied, inner.place()) >= (outer.is_applied, outer.place());
    let (here, there) = if inner_is_later {
        (inner, outer)
    } else {
        (outer, inner)
    };
    let message = match (here.purpose, there.purpose) {
        (Purpose::Itself, _) => format!("{} lies in {}", here.net.addr(), there.described()),
        (_, Purpose::Itself) => format!("{} contains {}", here.net, there.described()),
        _ => format!("{} overlaps with {}", here.net, there.described()),
    };
    here.is_applied.then(|| Diagnostic {
        severity: Severity::Error,
        location: here.place(),
        subject: format!("Node {}: {}", here.name, here.field()),
        message,
        help: Some(
            "every node needs pod CIDRs of its own, and addresses outside all of them".to_owned(),
        ),
        snippet: None,
    })
}

/// A warning for each node that has `applied` pods with addresses outside the pod CIDRs that its manifest gives.
pub(super) fn strays(cluster: &Cluster, applied: &[ObjectName]) -> Vec<Diagnostic> {
    let mut strays: BTreeMap<&str, Vec<Diagnostic>> = BTreeMap::new();
    for name in applied {
        if let Some(pod) = cluster.pods.get(name)
            && let Some(node) = cluster.nodes.get(&pod.node)
            && let Some(address) = outside(pod, node)
        {
            let warning = stray(name, pod, node, address);
            strays.entry(&pod.node).or_default().push(warning);
        }
    }
    strays.into_values().filter_map(first_of).collect()
}

/// The first address of the pod that is in none of the written pod CIDRs of its node.
fn outside(pod: &Pod, node: &Node) -> Option<IpAddr> {
    let is_judged = !pod.host_network && has_written_cidrs(node);
    let own = if is_judged {
        pod.addresses
    } else {
        Addresses::default()
    };
    let is_inside = |address: &IpAddr| node.pod_cidrs.iter().any(|cidr| cidr.contains(address));
    own.iter().find(|address| !is_inside(address))
}

/// Whether the manifest of the node gives its pod CIDRs.
pub(super) fn has_written_cidrs(node: &Node) -> bool {
    let fields = &node.origin.fields;
    ["spec.podCIDR", "spec.podCIDRs[0]"]
        .iter()
        .any(|field| fields.contains_key(*field))
}

fn stray(name: &ObjectName, pod: &Pod, node: &Node, address: IpAddr) -> Diagnostic {
    let cidrs: Vec<_> = node.pod_cidrs.iter().map(ToString::to_string).collect();
    let place = node.origin.locate("spec.podCIDR");
    Diagnostic {
        severity: Severity::Warning,
        location: claims::place(&pod.origin),
        subject: format!("Pod {name}"),
        message: format!(
            "{address} is outside the pod CIDRs of Node {}, {} ({place})",
            pod.node,
            cidrs.join(", ")
        ),
        help: Some("packets reach it by a route of its own; if that is not meant, correct the address or the node's spec.podCIDR".to_owned()),
        snippet: None,
    }
}

/// The first of `warnings` that are alike, with the number of the others.
pub(super) fn first_of(warnings: Vec<Diagnostic>) -> Option<Diagnostic> {
    let others = match warnings.len().saturating_sub(1) {
        0 => String::new(),
        1 => ", and 1 other pod like it".to_owned(),
        others => format!(", and {others} other pods like it"),
    };
    let first = warnings.into_iter().next()?;
    let message = first.message + &others;
    Some(Diagnostic { message, ..first })
}
