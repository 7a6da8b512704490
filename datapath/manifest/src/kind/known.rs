//! Which kinds are known, and what a document is.

use crate::Masquerade;
use crate::report::Problem;
use crate::yaml::Node;
use std::rc::Rc;

/// A kind that is read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    api_version: &'static str,
    pub(crate) namespaced: bool,
}

const fn kind(name: &'static str, api_version: &'static str) -> Kind {
    Kind {
        name,
        api_version,
        namespaced: true,
    }
}

const fn cluster_kind(name: &'static str, api_version: &'static str) -> Kind {
    Kind {
        name,
        api_version,
        namespaced: false,
    }
}

const KINDS: [Kind; 20] = [
    cluster_kind("Namespace", "v1"),
    cluster_kind("Node", "v1"),
    cluster_kind("External", "plumbline/v1"),
    cluster_kind("NetworkLogging", "networking.gke.io/v1alpha1"),
    cluster_kind("ClusterNetworkPolicy", "policy.networking.k8s.io/v1alpha2"),
    cluster_kind("AdminNetworkPolicy", "policy.networking.k8s.io/v1alpha1"),
    cluster_kind(
        "BaselineAdminNetworkPolicy",
        "policy.networking.k8s.io/v1alpha1",
    ),
    cluster_kind("CiliumClusterwideNetworkPolicy", "cilium.io/v2"),
    kind("Pod", "v1"),
    kind("Service", "v1"),
    kind("ReplicationController", "v1"),
    kind("Deployment", "apps/v1"),
    kind("StatefulSet", "apps/v1"),
    kind("DaemonSet", "apps/v1"),
    kind("ReplicaSet", "apps/v1"),
    kind("Job", "batch/v1"),
    kind("CronJob", "batch/v1"),
    kind("NetworkPolicy", "networking.k8s.io/v1"),
    kind("EndpointSlice", "discovery.k8s.io/v1"),
    kind("ConfigMap", "v1"),
];

/// The group that these kinds were in before they had their own; no API server serves it any more.
const OLD_GROUP: &str = "extensions";

/// What a document is.
pub(crate) enum Recognised<'a> {
    /// A list of objects. Those of a typed list may leave out their apiVersion and kind.
    List {
        items: &'a [Rc<Node>],
        implied: Option<(&'a str, &'a str)>,
    },
    /// An object that is read.
    Known(&'static Kind),
    /// An object of another kind.
    Skipped { kind: &'a str },
}

/// Tells what `node` is; `implied` are the apiVersion and kind it may leave out.
pub(crate) fn recognise<'a>(
    node: &'a Node,
    implied: Option<(&'a str, &'a str)>,
) -> Result<Recognised<'a>, Problem> {
    if node.entries().is_none() {
        return Err(Problem::new(
            "expected a Kubernetes object: a mapping with apiVersion, kind and metadata",
        ));
    }
    let api_version = header(
        node,
        "apiVersion",
        implied.map(|(api_version, _)| api_version),
    )?;
    let kind = header(node, "kind", implied.map(|(_, kind)| kind))?;
    if let Some(item_kind) = kind.strip_suffix("List") {
        return list(node, api_version, item_kind);
    }
    let is_it = |known: &&Kind| known.name == kind && is_read(known, node);
    let Some(known) = KINDS.iter().find(is_it) else {
        return Ok(Recognised::Skipped { kind });
    };
    if api_version == known.api_version {
        return Ok(Recognised::Known(known));
    }
    if group(api_version) == group(known.api_version) || group(api_version) == OLD_GROUP {
        return Err(
            Problem::new(format!("{api_version:?} is not a version of {kind}"))
                .path("apiVersion")
                .maybe_mark(node.get("apiVersion").map(|value| value.mark))
                .help(format!("use {}", known.api_version)),
        );
    }
    Ok(Recognised::Skipped { kind })
}

/// Whether an object of a kind is: of config maps it is but one.
fn is_read(kind: &Kind, node: &Node) -> bool {
    let metadata = |field| node.get("metadata")?.get(field)?.text();
    let name = ["namespace", "name"].map(metadata);
    kind.name != "ConfigMap" || name == Masquerade::CONFIG_MAP.map(Some)
}

fn list<'a>(
    node: &'a Node,
    api_version: &'a str,
    item_kind: &'a str,
) -> Result<Recognised<'a>, Problem> {
    let implied = (!item_kind.is_empty()).then_some((api_version, item_kind));
    match node.get("items") {
        None => Ok(Recognised::List {
            items: &[],
            implied,
        }),
        Some(items) if items.is_null() => Ok(Recognised::List {
            items: &[],
            implied,
        }),
        Some(items) => match items.items() {
            Some(items) => Ok(Recognised::List { items, implied }),
            None => Err(Problem::new("expected a list")
                .path("items")
                .mark(items.mark)),
        },
    }
}

fn header<'a>(node: &'a Node, field: &str, implied: Option<&'a str>) -> Result<&'a str, Problem> {
    let value = node.get(field).filter(|value| !value.is_null());
    match (value, implied) {
        (None, Some(implied)) => Ok(implied),
        (None, None) => Err(Problem::new("is missing")
            .path(field)
            .help("every object needs apiVersion, kind and metadata.name")),
        (Some(value), _) => value.text().ok_or_else(|| {
            Problem::new("expected a string")
                .path(field)
                .mark(value.mark)
        }),
    }
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// How diagnostics call the object at `node`, complete or not: `NetworkPolicy shop/web`.
pub(crate) fn subject(node: &Node, implied: Option<(&str, &str)>) -> String {
    let implied = implied.map(|(_, kind)| kind);
    let Some(kind) = node.get("kind").and_then(Node::text).or(implied) else {
        return String::new();
    };
    let namespaced = KINDS
        .iter()
        .find(|known| known.name == kind)
        .is_some_and(|known| known.namespaced);
    let metadata = |field| node.get("metadata")?.get(field)?.text();
    match (metadata("name"), namespaced) {
        (None, _) => format!("{kind} without a name"),
        (Some(name), false) => format!("{kind} {name}"),
        (Some(name), true) => format!(
            "{kind} {}/{name}",
            metadata("namespace").unwrap_or("default")
        ),
    }
}
