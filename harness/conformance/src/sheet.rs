//! Manifests made from tables and case files, each on the line of the file it stands for.

use crate::edit::Labels;
use anyhow::anyhow;
use manifest::{Addresses, Cluster, ContainerPort, Diagnostics, ObjectName, Source};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Objects of one file, by line. Applied together, as one `List`.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Sheet {
    lines: BTreeMap<usize, Vec<Value>>,
}

/// A pod as it is written down. What it leaves out is chosen when it is applied.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct PodDraft {
    pub(crate) name: ObjectName,
    pub(crate) labels: Labels,
    pub(crate) ports: Vec<ContainerPort>,
    pub(crate) node: Option<String>,
    pub(crate) host_network: bool,
    /// Empty: the pod gets a free address of each family of its node.
    pub(crate) addresses: Addresses,
}

impl Sheet {
    /// Adds a namespace that is written on this line, from 1.
    pub(crate) fn namespace(&mut self, line: usize, name: &str, labels: &Labels) {
        let metadata = json!({"name": name, "labels": labels});
        self.put(
            line,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        );
    }

    /// Adds a node; without addresses it gets free ones.
    pub(crate) fn node(&mut self, line: usize, name: &str, labels: &Labels, addresses: Addresses) {
        let addresses: Vec<Value> = addresses
            .iter()
            .map(|address| json!({"type": "InternalIP", "address": address}))
            .collect();
        self.put(
            line,
            json!({
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": name, "labels": labels},
                "status": {"addresses": addresses},
            }),
        );
    }

    /// Adds a host outside the cluster.
    pub(crate) fn external(
        &mut self,
        line: usize,
        name: &str,
        addresses: Addresses,
        served: &[ContainerPort],
    ) {
        let addresses: Vec<_> = addresses.iter().collect();
        self.put(
            line,
            json!({
                "apiVersion": "plumbline/v1",
                "kind": "External",
                "metadata": {"name": name},
                "spec": {"addresses": addresses, "ports": ports(served)},
            }),
        );
    }

    /// Adds a pod.
    pub(crate) fn pod(&mut self, line: usize, pod: &PodDraft) {
        let addresses: Vec<Value> = pod.addresses.iter().map(|ip| json!({"ip": ip})).collect();
        let ObjectName { namespace, name } = &pod.name;
        self.put(
            line,
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"namespace": namespace, "name": name, "labels": pod.labels},
                "spec": {
                    "nodeName": pod.node,
                    "hostNetwork": pod.host_network,
                    "containers": [{"name": name, "image": name, "ports": ports(&pod.ports)}],
                },
                "status": {"podIPs": addresses},
            }),
        );
    }

    /// Adds an object.
    pub(crate) fn put(&mut self, line: usize, object: Value) {
        self.lines.entry(line).or_default().push(object);
    }

    /// Applies everything to the cluster; `file` is where it comes from.
    ///
    /// # Errors
    /// As [`Cluster::apply`]; the lines are those of the file.
    pub(crate) fn apply(&self, cluster: &mut Cluster, file: &str) -> anyhow::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let applied = cluster.apply(&[Source::text(file, self.text())]);
        applied.map_err(|diagnostics| anyhow!("{}", without_text(diagnostics)))?;
        Ok(())
    }

    /// One flow-style `List` whose items stand on their lines.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut written = 1;
        let mut opening = r#"{"apiVersion": "v1", "kind": "List", "items": ["#;
        for (&line, objects) in &self.lines {
            text.push_str(&"\n".repeat(line.saturating_sub(written)));
            written = line.max(written);
            for object in objects {
                text.push_str(opening);
                text.push_str(&object.to_string());
                opening = ", ";
            }
        }
        text + "]}\n"
    }
}

/// The diagnostics without the text they are about: the user did not write it. The lines are right, columns mean nothing.
fn without_text(diagnostics: Diagnostics) -> Diagnostics {
    let known = diagnostics.0.into_iter();
    let shown = known.map(|mut diagnostic| {
        diagnostic.snippet = None;
        diagnostic.location.column = 1;
        diagnostic
    });
    Diagnostics(shown.collect())
}

fn ports(ports: &[ContainerPort]) -> Vec<Value> {
    let port = |port: &ContainerPort| {
        let mut object = json!({"containerPort": port.port, "protocol": port.protocol.name()});
        if let Some(name) = &port.name {
            object["name"] = json!(name);
        }
        object
    };
    ports.iter().map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_know_the_line_they_stand_for() {
        let mut sheet = Sheet::default();
        sheet.namespace(7, "shop", &Labels::new());
        let name = ObjectName::new("shop", "web");
        let pod = PodDraft {
            name: name.clone(),
            labels: Labels::from([("app".to_owned(), "web".to_owned())]),
            ports: Vec::new(),
            node: None,
            host_network: false,
            addresses: Addresses::default(),
        };
        sheet.pod(9, &pod);
        let mut cluster = Cluster::default();
        sheet.apply(&mut cluster, "f.feature").unwrap();
        assert_eq!(cluster.namespaces["shop"].origin.location.line, 7);
        assert_eq!(cluster.pods[&name].origin.location.line, 9);
        assert_eq!(cluster.pods[&name].labels, pod.labels);
    }
}
