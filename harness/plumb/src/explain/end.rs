//! Who the two ends are.

use crate::answer::Judge;
use crate::style::{FAINT, STRONG};
use manifest::{Cluster, EndpointName, Origin};
use oracle::Probe;
use policy::{Compiler, Desired};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;

/// Writes a line for each end: name, addresses, identity, node, place in the input, labels.
pub(super) fn write_both(
    out: &mut dyn Write,
    cluster: &Cluster,
    judge: Judge,
    probe: &Probe,
) -> io::Result<()> {
    let desired = Compiler::new(judge.ip_block).compile(cluster);
    let ends = [("from", &probe.from), ("to", &probe.to)];
    let widest = ends.map(|(_, name)| name.to_string().len());
    let widest = widest.into_iter().max().unwrap_or(0);
    for (word, name) in ends {
        let facts = facts(cluster, &desired, name);
        writeln!(
            out,
            "  {FAINT}{word:<4}{FAINT:#}  {STRONG}{name:<widest$}{STRONG:#}  {}",
            facts.join("  ")
        )?;
    }
    Ok(())
}

fn facts(cluster: &Cluster, desired: &Desired, name: &EndpointName) -> Vec<String> {
    let addresses: Vec<IpAddr> = cluster.addresses(name).unwrap_or_default().iter().collect();
    let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let mut facts = vec![shown.join(" ")];
    let own = addresses.first().filter(|_| !is_virtual(name));
    facts.extend(own.and_then(|address| identity(desired, *address)));
    let origin = match name {
        EndpointName::Pod(pod) => cluster.pods.get(pod).map(|pod| {
            let network = if pod.host_network {
                "on the network of"
            } else {
                "on"
            };
            facts.push(format!("{network} node/{}", pod.node));
            facts.extend(labels(&pod.labels));
            &pod.origin
        }),
        EndpointName::Node(node) => cluster.nodes.get(node).map(|node| &node.origin),
        EndpointName::External(host) => cluster.externals.get(host).map(|host| &host.origin),
        EndpointName::Service(name) => cluster.services.get(name).map(|it| &it.origin),
    };
    facts.extend(origin.and_then(written));
    facts
}

/// Whether nobody has its address, so that policies do not know it.
const fn is_virtual(name: &EndpointName) -> bool {
    matches!(name, EndpointName::Service(_))
}

/// The identity of the address in the compiled tables.
fn identity(desired: &Desired, address: IpAddr) -> Option<String> {
    let own = desired.endpoints.get(&address).map(|row| row.identity);
    let longest = || {
        let holding = desired
            .cidrs
            .iter()
            .filter(|(cidr, _)| cidr.contains(&address));
        let longest = holding.max_by_key(|(cidr, _)| cidr.prefix_len());
        longest.map(|(_, identity)| *identity)
    };
    let identity = own.or_else(longest)?;
    Some(format!("identity {}", identity.0))
}

fn labels(labels: &BTreeMap<String, String>) -> Option<String> {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

fn written(origin: &Origin) -> Option<String> {
    (origin.location.line > 0).then(|| origin.location.to_string())
}
