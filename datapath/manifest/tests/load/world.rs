//! Short ways to load manifests and look at what came of them.

use manifest::{Applied, Cluster, Diagnostics, Source};
use std::fmt::Write;

/// The text as the only source, called `cluster.yaml`.
pub(crate) fn source(text: &str) -> [Source; 1] {
    [Source::text("cluster.yaml", text)]
}

/// The cluster that `text` describes.
pub(crate) fn load(text: &str) -> Cluster {
    let mut cluster = Cluster::default();
    apply(&mut cluster, text);
    cluster
}

/// Applies `text`, which must be right.
pub(crate) fn apply(cluster: &mut Cluster, text: &str) -> Applied {
    cluster
        .apply(&source(text))
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// What is wrong with `text`.
pub(crate) fn refuse(text: &str) -> Diagnostics {
    let mut cluster = Cluster::default();
    let errors = cluster
        .apply(&source(text))
        .expect_err("this should not load");
    assert_eq!(cluster, Cluster::default(), "an error must change nothing");
    errors
}

/// The pods of a cluster, one a line: name, node, addresses, owner.
pub(crate) fn pods(cluster: &Cluster) -> String {
    let mut lines = String::new();
    for (name, pod) in &cluster.pods {
        let addresses: Vec<_> = pod
            .addresses
            .iter()
            .map(|address| address.to_string())
            .collect();
        write!(lines, "{name} on {} {}", pod.node, addresses.join(" ")).unwrap();
        if let Some(owner) = &pod.workload {
            write!(lines, " of {} {}", owner.kind, owner.name).unwrap();
        }
        lines.push('\n');
    }
    lines
}

/// The nodes of a cluster, one a line: name, addresses, pod CIDRs.
pub(crate) fn nodes(cluster: &Cluster) -> String {
    let mut lines = String::new();
    for (name, node) in &cluster.nodes {
        let addresses: Vec<_> = node
            .addresses
            .iter()
            .map(|address| address.to_string())
            .collect();
        let cidrs: Vec<_> = node
            .pod_cidrs
            .iter()
            .map(std::string::ToString::to_string)
            .collect();
        writeln!(
            lines,
            "{name} {} pods {}",
            addresses.join(" "),
            cidrs.join(" ")
        )
        .unwrap();
    }
    lines
}
