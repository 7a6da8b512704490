//! Replicas of one workload that reach, and are reached by, the same ends: they share a row and a column.

use crate::text::Text;
use manifest::{Cluster, EndpointName};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The cells of a table, by source and destination.
pub(super) type Cells<'a> = BTreeMap<(&'a EndpointName, &'a EndpointName), Text>;

/// An end, or replicas that are all alike.
pub(super) struct Group<'a> {
    /// The replica that stands for all.
    pub(super) first: &'a EndpointName,
    /// Another one, to show what replicas are to each other.
    second: Option<&'a EndpointName>,
    /// The namespace, `node` or `external`; of a service `svc/` and its namespace.
    pub(super) kind: Cow<'a, str>,
    /// The name of the end, or of the workload and how many replicas it has.
    pub(super) name: String,
}

impl<'a> Group<'a> {
    fn new(cluster: &'a Cluster, ends: &[&'a EndpointName]) -> Self {
        let first = ends[0];
        let (kind, name) = match first {
            EndpointName::Pod(pod) => (pod.namespace.as_str().into(), &pod.name),
            EndpointName::Node(name) => ("node".into(), name),
            EndpointName::External(name) => ("external".into(), name),
            EndpointName::Service(name) => (format!("svc/{}", name.namespace).into(), &name.name),
        };
        let name = match workload(cluster, first) {
            Some((_, _, workload)) if ends.len() > 1 => format!("{workload} ×{}", ends.len()),
            _ => name.clone(),
        };
        Self {
            first,
            second: ends.get(1).copied(),
            kind,
            name,
        }
    }

    /// The cell from this group to `to`; from replicas to themselves, what one is to another.
    pub(super) fn cell<'c>(&self, cells: &'c Cells<'a>, to: &Self) -> Option<&'c Text> {
        let other = self.second.filter(|_| self.first == to.first);
        cells.get(&(self.first, other.unwrap_or(to.first)))
    }
}

/// The ends of `cells` in their order; replicas that are all alike are one group.
pub(super) fn gather<'a>(cluster: &'a Cluster, cells: &Cells<'a>) -> Vec<Group<'a>> {
    let ends: BTreeSet<_> = cells.keys().flat_map(|(from, to)| [*from, *to]).collect();
    let mut replicas = BTreeMap::<_, Vec<&EndpointName>>::new();
    for end in &ends {
        if let Some(workload) = workload(cluster, end) {
            replicas.entry(workload).or_default().push(end);
        }
    }
    replicas.retain(|_, pods| {
        let (first, others) = pods.split_first().expect("a workload has a replica");
        others.iter().all(|pod| are_alike(cells, &ends, first, pod))
    });
    let group = |end: &&'a EndpointName| {
        let pods = workload(cluster, end).and_then(|workload| replicas.get(&workload));
        match pods {
            Some(pods) if pods[0] != *end => None,
            Some(pods) => Some(Group::new(cluster, pods)),
            None => Some(Group::new(cluster, &[end])),
        }
    };
    ends.iter().filter_map(group).collect()
}

/// Namespace, kind and name of the workload that a pod is a replica of.
fn workload<'a>(
    cluster: &'a Cluster,
    end: &'a EndpointName,
) -> Option<(&'a str, &'a str, &'a str)> {
    let EndpointName::Pod(name) = end else {
        return None;
    };
    let workload = cluster.pods.get(name)?.workload.as_ref()?;
    Some((&name.namespace, &workload.kind, &workload.name))
}

/// Whether the two can stand for each other in every cell.
fn are_alike<'a>(
    cells: &Cells<'a>,
    ends: &BTreeSet<&'a EndpointName>,
    one: &'a EndpointName,
    other: &'a EndpointName,
) -> bool {
    let same = |a: (&'a EndpointName, &'a EndpointName), b| cells.get(&a) == cells.get(&b);
    let mut third = ends.iter().filter(|end| **end != one && **end != other);
    same((one, one), (other, other))
        && same((one, other), (other, one))
        && third.all(|end| same((one, end), (other, end)) && same((end, one), (end, other)))
}
