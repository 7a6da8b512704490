//! Steps that say what the cluster is.

use super::rows::Row;
use super::{Arguments, Step};
use crate::sheet::{PodDraft, Sheet};
use crate::world::World;
use anyhow::{Context, ensure};
use manifest::Cluster;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the cluster of the command line",
        meaning: "Everything in the manifests given with `-f`.",
        example: "Given the cluster of the command line",
        run: from_command_line,
    },
    Step {
        expression: "the cluster in {file}",
        meaning: "Everything in a manifest file, or in all manifests of a folder.",
        example: r#"Given the cluster in "../scenarios/shop""#,
        run: from_file,
    },
    Step {
        expression: "a cluster:",
        meaning: "Everything in the manifests of the doc string, of any kind that `-f` takes.",
        example: r#"Given a cluster:
      """
      apiVersion: v1
      kind: Pod
      metadata: {name: web, namespace: shop}
      spec: {containers: [{name: web, image: web}]}
      """"#,
        run: from_doc_string,
    },
    Step {
        expression: "the namespaces:",
        meaning: "Namespaces with labels. Those of pods and policies need not be listed.",
        example: "Given the namespaces:
      | namespace | labels    |
      | shop      | team=shop |",
        run: namespaces,
    },
    Step {
        expression: "the nodes:",
        meaning: "Nodes with labels and addresses; without an address a node gets one of each family.",
        example: "Given the nodes:
      | node | labels | address                  |
      | n1   |        | 172.18.0.2, fd00:172::2  |",
        run: nodes,
    },
    Step {
        expression: "the pods:",
        meaning: "Pods. Only the column `pod` is needed. `ports` are `[name=]number[/protocol]`, all of them served; \
                  without an `address` a pod gets one of each family; `network` is empty or `host`.",
        example: "Given the pods:
      | pod      | labels         | ports              | node | address    | network |
      | shop/web | app=web        | 80, metrics=9090   | n1   |            |         |
      | shop/dns | app=dns        | dns=53/UDP         |      | 10.244.0.9 |         |",
        run: pods,
    },
    Step {
        expression: "the outside hosts:",
        meaning: "Hosts outside the cluster and the ports they serve, written `external/NAME` elsewhere.",
        example: "Given the outside hosts:
      | host   | address       | ports |
      | office | 198.51.100.7  | 443   |",
        run: outside_hosts,
    },
];

fn from_command_line(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let manifests = arguments.manifests;
    let manifests = manifests.context("no manifests were given: add -f FILE to the command")?;
    ensure!(
        world.cluster == Cluster::spread(world.cluster.nodes_to_come),
        "the cluster of the command line comes first: there is a cluster already"
    );
    world.cluster = manifests.clone();
    Ok(())
}

fn from_file(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    arguments.apply_file(0, &mut world.cluster)?;
    Ok(())
}

/// Also the step that applies manifests later.
pub(super) fn from_doc_string(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    arguments.apply_doc_string(&mut world.cluster)?;
    Ok(())
}

fn namespaces(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let mut sheet = Sheet::default();
    for row in arguments.rows(&["namespace", "labels"])? {
        sheet.namespace(row.line, row.required("namespace")?, &row.labels("labels")?);
    }
    sheet.apply(&mut world.cluster, &arguments.source.name())
}

fn nodes(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let mut sheet = Sheet::default();
    for row in arguments.rows(&["node", "labels", "address"])? {
        let (name, labels) = (row.required("node")?, row.labels("labels")?);
        sheet.node(row.line, name, &labels, row.addresses("address")?);
    }
    sheet.apply(&mut world.cluster, &arguments.source.name())
}

/// Also the step that creates pods later.
pub(super) fn pods(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let mut sheet = Sheet::default();
    let columns = ["pod", "labels", "ports", "node", "address", "network"];
    for row in arguments.rows(&columns)? {
        let draft = draft(&row)?;
        ensure!(
            !world.cluster.pods.contains_key(&draft.name),
            "there is a pod {} already",
            draft.name
        );
        sheet.pod(row.line, &draft);
    }
    sheet.apply(&mut world.cluster, &arguments.source.name())
}

fn draft(row: &Row<'_>) -> anyhow::Result<PodDraft> {
    let node = Some(row.cell("node")).filter(|node| !node.is_empty());
    Ok(PodDraft {
        name: row.object("pod")?,
        labels: row.labels("labels")?,
        ports: row.ports("ports")?,
        node: node.map(str::to_owned),
        host_network: row.host_network("network")?,
        addresses: row.addresses("address")?,
    })
}

fn outside_hosts(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let mut sheet = Sheet::default();
    for row in arguments.rows(&["host", "address", "ports"])? {
        let (name, addresses) = (row.required("host")?, row.addresses("address")?);
        sheet.external(row.line, name, addresses, &row.ports("ports")?);
    }
    sheet.apply(&mut world.cluster, &arguments.source.name())
}
