//! Small changes of a large cluster.

use crate::cluster::{NAMESPACE, apply, policy, relabel};
use manifest::{Cluster, ObjectName};

/// One change.
pub(crate) struct Change {
    pub(crate) what: &'static str,
    pub(crate) make: fn(&mut Cluster) -> anyhow::Result<()>,
}

/// One after the other: the rows that one leaves behind are deleted by the next.
pub(crate) const CHANGES: [Change; 6] = [
    Change {
        what: "policy added",
        make: |cluster| put_policy(cluster, 8443),
    },
    Change {
        what: "policy changed",
        make: |cluster| put_policy(cluster, 8444),
    },
    Change {
        what: "policy removed",
        make: |cluster| {
            cluster.policies.remove(&ObjectName::new(NAMESPACE, "new"));
            Ok(())
        },
    },
    Change {
        what: "pod relabelled as another workload's",
        make: |cluster| relabel(cluster, "app-5-0", "app-8"),
    },
    Change {
        what: "pod relabelled as nobody else",
        make: |cluster| relabel(cluster, "app-5-1", "alone"),
    },
    Change {
        what: "ipBlock around every pod added",
        make: |cluster| {
            let spec = "podSelector: {matchLabels: {app: app-5}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]";
            put(cluster, "wide", spec)
        },
    },
];

fn put_policy(cluster: &mut Cluster, port: u16) -> anyhow::Result<()> {
    let spec = format!(
        "podSelector: {{matchLabels: {{app: app-5}}}}, \
         ingress: [{{from: [{{podSelector: {{matchLabels: {{app: app-6}}}}}}], ports: [{{port: {port}}}]}}]"
    );
    put(cluster, "new", &spec)
}

fn put(cluster: &mut Cluster, name: &str, spec: &str) -> anyhow::Result<()> {
    let mut text = String::new();
    policy(&mut text, NAMESPACE, name, spec);
    apply(cluster, &text)
}
