//! Records and flows as rows of a table, as scenarios write them.

use crate::driver::Carried;
use flow::log::{Record, Who};
use flow::{End, Flow, Party, Side};
use manifest::{Cluster, EndpointName};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// The columns of records.
pub(crate) const RECORD_COLUMNS: [&str; 10] = [
    "disposition",
    "direction",
    "from",
    "to",
    "protocol",
    "to port",
    "from port",
    "policies",
    "count",
    "node",
];
/// The columns of flows.
pub(crate) const FLOW_COLUMNS: [&str; 8] = [
    "verdict", "reason", "from", "to", "protocol", "to port", "egress", "ingress",
];

/// The columns of packets on links.
pub(crate) const CARRIED_COLUMNS: [&str; 8] = [
    "direction",
    "from",
    "to",
    "protocol",
    "from port",
    "to port",
    "tunnel",
    "identity",
];

/// All columns, as a row is told.
const ORDER: [&str; 16] = [
    "disposition",
    "verdict",
    "reason",
    "direction",
    "from",
    "to",
    "protocol",
    "from port",
    "to port",
    "policies",
    "egress",
    "ingress",
    "count",
    "node",
    "tunnel",
    "identity",
];

/// A row: what stands in each column.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Entry(BTreeMap<&'static str, String>);

impl Entry {
    /// A record of the policy log.
    pub(crate) fn of_record(record: &Record, cluster: &Cluster) -> Self {
        let connection = &record.connection;
        let word = |value: serde_json::Result<serde_json::Value>| {
            let value = value.ok();
            value
                .and_then(|value| value.as_str().map(str::to_owned))
                .unwrap_or_default()
        };
        let policies = record.policies.iter();
        let policies = policies.map(|policy| {
            let place = policy.namespace.as_ref().unwrap_or(&policy.kind);
            format!("{place}/{}", policy.name)
        });
        Self(BTreeMap::from([
            (
                "disposition",
                word(serde_json::to_value(record.disposition)),
            ),
            (
                "direction",
                word(serde_json::to_value(connection.direction)),
            ),
            ("from", who(&record.src, cluster)),
            ("to", who(&record.dest, cluster)),
            ("protocol", connection.protocol.clone()),
            ("to port", number(connection.dest_port)),
            ("from port", number(connection.src_port)),
            ("policies", sorted(&policies.collect::<Vec<_>>())),
            ("count", record.count.to_string()),
            ("node", record.node_name.clone()),
        ]))
    }

    /// A flow.
    pub(crate) fn of_flow(flow: &Flow, cluster: &Cluster) -> Self {
        let reason = flow.reason.map_or("", abi::DropReason::name);
        Self(BTreeMap::from([
            ("verdict", flow.disposition.to_string()),
            ("reason", reason.to_owned()),
            ("from", end(&flow.source, cluster)),
            ("to", end(&flow.destination, cluster)),
            ("protocol", flow::protocol_name(flow.protocol)),
            ("to port", number(flow.destination.port)),
            ("egress", side(&flow.egress)),
            ("ingress", side(&flow.ingress)),
        ]))
    }

    /// A packet on a link. `identities` says what the identities of who sends are.
    pub(crate) fn of_carried(
        carried: &Carried,
        cluster: &Cluster,
        identities: &BTreeMap<u32, String>,
    ) -> Self {
        let at = |address| at(address, cluster);
        let ports = carried.ports;
        let tunnel = carried.tunnel.as_ref();
        let ends = tunnel.map(|tunnel| format!("{} to {}", at(tunnel.from), at(tunnel.to)));
        let identity = tunnel.map(|tunnel| {
            let known = identities.get(&tunnel.identity).cloned();
            known.unwrap_or_else(|| tunnel.identity.to_string())
        });
        let direction = if carried.is_inbound { "in" } else { "out" };
        Self(BTreeMap::from([
            ("direction", direction.to_owned()),
            ("from", at(carried.source)),
            ("to", at(carried.destination)),
            ("protocol", flow::protocol_name(carried.protocol)),
            ("from port", number(ports.map(|(from, _)| from))),
            ("to port", number(ports.map(|(_, to)| to))),
            ("tunnel", ends.unwrap_or_default()),
            ("identity", identity.unwrap_or_default()),
        ]))
    }

    /// What a row of a scenario wants: the columns that it has.
    pub(crate) fn wanted<'a>(cells: impl Iterator<Item = (&'static str, &'a str)>) -> Self {
        let cells = cells.map(|(column, cell)| match column {
            "policies" => (
                column,
                sorted(&cell.split(',').map(str::to_owned).collect::<Vec<_>>()),
            ),
            _ => (column, cell.to_owned()),
        });
        Self(cells.collect())
    }

    /// The same, whatever port it came from.
    pub(crate) fn without_source_port(mut self) -> Self {
        self.0.remove("from port");
        self
    }

    /// The columns in which `other` is not as this one wants, with what it has and what is wanted.
    fn differences<'a>(&'a self, other: &'a Self) -> Vec<(&'static str, &'a str, &'a str)> {
        let wanted = self.0.iter();
        let pairs = wanted.map(|(column, wanted)| {
            let has = other.0.get(column).map_or("", String::as_str);
            (*column, has, wanted.as_str())
        });
        pairs.filter(|(_, has, wanted)| has != wanted).collect()
    }

    /// Whether `other` is as this one wants.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.differences(other).is_empty()
    }

    /// Which of `others` comes nearest, and what is wrong with it.
    pub(crate) fn nearest(&self, others: &[Self]) -> Option<String> {
        let nearest = others
            .iter()
            .min_by_key(|other| self.differences(other).len())?;
        let differences = self.differences(nearest).into_iter();
        let differences: Vec<String> = differences
            .map(|(column, has, wanted)| format!("{column} is `{has}`, not `{wanted}`"))
            .collect();
        Some(format!("{nearest}: {}", differences.join(", ")))
    }
}

/// `disposition deny, from shop/web`: what is not empty.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = ORDER.iter().filter_map(|column| {
            let cell = self.0.get(column).filter(|cell| !cell.is_empty())?;
            Some(format!("{column} {cell}"))
        });
        f.write_str(&cells.collect::<Vec<_>>().join(", "))
    }
}

fn who(who: &Who, cluster: &Cluster) -> String {
    match who {
        Who::Pod {
            pod_name,
            namespace,
            ..
        } => format!("{namespace}/{pod_name}"),
        Who::Node { node_name, .. } => format!("node/{node_name}"),
        Who::Instance { instance } => outside(*instance, cluster),
    }
}

fn end(end: &End, cluster: &Cluster) -> String {
    match &end.party {
        Party::World => outside(end.address, cluster),
        party => party.to_string(),
    }
}

/// Who has this address in the cluster, or the address. A pod on its node's network is that node.
fn at(address: IpAddr, cluster: &Cluster) -> String {
    let mut nodes = cluster.nodes.iter();
    let node = nodes.find(|(_, node)| node.addresses.contains(address));
    let mut pods = cluster.pods.iter();
    let pod = pods.find(|(_, pod)| pod.addresses.contains(address));
    match (node, pod) {
        (Some((name, _)), _) => EndpointName::Node(name.clone()).to_string(),
        (_, Some((name, _))) => name.to_string(),
        _ => outside(address, cluster),
    }
}

/// The outside host with this address, or the address.
fn outside(address: IpAddr, cluster: &Cluster) -> String {
    let mut hosts = cluster.externals.iter();
    let host = hosts.find(|(_, host)| host.addresses.contains(address));
    host.map_or_else(
        || address.to_string(),
        |(name, _)| EndpointName::External(name.clone()).to_string(),
    )
}

/// Whether a side was not asked or has no policy is all the same to who reads.
fn side(side: &Side) -> String {
    match side {
        Side::NotAsked => Side::NoPolicy.to_string(),
        side => side.to_string(),
    }
}

fn number(number: Option<u16>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}

fn sorted(names: &[String]) -> String {
    let mut names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
    names.sort_unstable();
    names.join(", ")
}
