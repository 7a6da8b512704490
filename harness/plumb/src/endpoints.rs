//! The ends of connections: which there are, which a pattern means, which a misspelt name may have meant.

use crate::exit::{Exit, Failure};
use crate::family::Family;
use anyhow::anyhow;
use manifest::{Cluster, EndpointName, Origin, ParseNameError};
use std::net::IpAddr;

/// Every end that a matrix shows: pods, the nodes that a manifest declares, hosts outside.
pub(crate) fn shown(cluster: &Cluster) -> Vec<EndpointName> {
    let is_written = |origin: &Origin| origin.location.line > 0;
    let nodes = cluster.nodes.iter();
    let nodes = nodes.filter(|(_, node)| is_written(&node.origin));
    pods(cluster)
        .chain(nodes.map(|(name, _)| EndpointName::Node(name.clone())))
        .chain(externals(cluster))
        .collect()
}

/// Every end that can open a connection, nodes that nobody declared included.
pub(crate) fn all(cluster: &Cluster) -> Vec<EndpointName> {
    let nodes = cluster.nodes.keys().cloned().map(EndpointName::Node);
    pods(cluster)
        .chain(nodes)
        .chain(externals(cluster))
        .collect()
}

fn pods(cluster: &Cluster) -> impl Iterator<Item = EndpointName> {
    cluster.pods.keys().cloned().map(EndpointName::Pod)
}

fn externals(cluster: &Cluster) -> impl Iterator<Item = EndpointName> {
    let names = cluster.externals.keys().cloned();
    names.map(EndpointName::External)
}

fn services(cluster: &Cluster) -> Vec<EndpointName> {
    let names = cluster.services.keys().cloned();
    names.map(EndpointName::Service).collect()
}

/// The end that `text` names; without a namespace, the pod of that name in `namespace`, and `svc/web` the service.
pub(crate) fn find(
    cluster: &Cluster,
    text: &str,
    namespace: Option<&str>,
) -> Result<EndpointName, Failure> {
    let name = parse(text, namespace).map_err(|error| {
        near(
            cluster,
            Failure::new(Exit::BadInput, anyhow!("{error}")),
            text,
        )
    })?;
    if cluster.addresses(&name).is_some() {
        return Ok(name);
    }
    let wanted = name.to_string();
    let failure = Failure::new(Exit::BadInput, anyhow!("the manifests have no `{wanted}`"));
    Err(near(cluster, failure, &wanted))
}

fn parse(text: &str, namespace: Option<&str>) -> Result<EndpointName, ParseNameError> {
    let parts: Vec<&str> = text.split('/').collect();
    match (namespace, parts.as_slice()) {
        (Some(namespace), [_]) => Ok(EndpointName::pod(namespace, text)),
        (Some(namespace), ["svc", name]) => format!("svc/{namespace}/{name}").parse(),
        _ => text.parse(),
    }
}

/// The ends that match any of `patterns` and can open connections, in the order of the cluster; everything shown when
/// there is no pattern.
pub(crate) fn sources(
    cluster: &Cluster,
    patterns: &[String],
) -> Result<Vec<EndpointName>, Failure> {
    match patterns.iter().find(|pattern| is_of_services(pattern)) {
        None => matching(cluster, patterns),
        Some(pattern) => {
            let error =
                anyhow!("`{pattern}` means services: they are asked, and open no connections");
            let failure = Failure::new(Exit::BadInput, error);
            Err(failure.help("name the pods behind them as sources, and services with --to"))
        }
    }
}

/// The ends that match any of `patterns`, in the order of the cluster; without a pattern everything shown. Services
/// match what begins with `svc/`, and nothing else.
pub(crate) fn matching(
    cluster: &Cluster,
    patterns: &[String],
) -> Result<Vec<EndpointName>, Failure> {
    if patterns.is_empty() {
        return Ok(shown(cluster));
    }
    let mut known = all(cluster);
    known.extend(services(cluster));
    for pattern in patterns {
        if !known.iter().any(|end| is_meant(pattern, end)) {
            let kind = if is_of_services(pattern) {
                "service"
            } else {
                "pod, node or external"
            };
            let error = anyhow!("`{pattern}` matches no {kind} of the manifests");
            return Err(near(cluster, Failure::new(Exit::BadInput, error), pattern));
        }
    }
    known.retain(|end| patterns.iter().any(|pattern| is_meant(pattern, end)));
    Ok(known)
}

/// Whether a pattern is about services, which are named by no other.
fn is_of_services(pattern: &str) -> bool {
    pattern.starts_with("svc/")
}

fn is_meant(pattern: &str, end: &EndpointName) -> bool {
    let is_service = matches!(end, EndpointName::Service(_));
    is_service == is_of_services(pattern) && is_match(pattern, &end.to_string())
}

/// The addresses of `to` that `from` can send to: it has one of the same family.
pub(crate) fn reachable(
    cluster: &Cluster,
    from: &EndpointName,
    to: &EndpointName,
    family: Family,
) -> Vec<IpAddr> {
    let addresses = |end| cluster.addresses(end).unwrap_or_default();
    let source = addresses(from);
    let is_reachable = |address: &IpAddr| {
        let mut own = source.iter();
        family.holds(*address) && own.any(|own| own.is_ipv4() == address.is_ipv4())
    };
    addresses(to).iter().filter(is_reachable).collect()
}

/// Whether `pattern`, in which `*` stands for any text, is the whole of `text`.
fn is_match(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => text.strip_prefix(before).is_some_and(|text| {
            let starts = text.char_indices().map(|(start, _)| start);
            let mut starts = starts.chain([text.len()]);
            starts.any(|start| is_match(rest, &text[start..]))
        }),
    }
}

/// Adds to `failure` the names that come nearest to `wanted`; to a pattern, the nearest patterns of a whole group.
fn near(cluster: &Cluster, failure: Failure, wanted: &str) -> Failure {
    let known = if is_of_services(wanted) {
        services(cluster)
    } else {
        all(cluster)
    };
    let mut names: Vec<String> = known.iter().map(ToString::to_string).collect();
    if wanted.contains('*') {
        let groups = names.iter().filter_map(|name| name.rsplit_once('/'));
        names = groups.map(|(group, _)| format!("{group}/*")).collect();
        names.dedup();
    }
    let service = namesake(cluster, wanted);
    match nearest(wanted, &names).as_slice() {
        _ if let Some(service) = service => failure.help(format!("did you mean `{service}`?")),
        [] if names.is_empty() && is_of_services(wanted) => {
            failure.help("the manifests have no services")
        }
        [] if names.len() > 8 && is_of_services(wanted) => {
            failure.help("`plumb matrix --services` shows all there are")
        }
        [] if names.len() > 8 => failure.help("`plumb matrix` shows all there are"),
        [] => failure.help(format!("there are {}", names.join(", "))),
        [name] => failure.help(format!("did you mean `{name}`?")),
        several => failure.help(format!("did you mean one of {}?", several.join(", "))),
    }
}

/// The service that has this name, where none was asked for, or without its namespace.
fn namesake(cluster: &Cluster, wanted: &str) -> Option<EndpointName> {
    let (group, name) = wanted.split_once('/')?;
    services(cluster).into_iter().find(|service| {
        let EndpointName::Service(own) = service else {
            return false;
        };
        own.name == name && (own.namespace == group || group == "svc")
    })
}

/// At most three of `names`, the most similar first.
fn nearest<'a>(wanted: &str, names: &'a [String]) -> Vec<&'a str> {
    /// From 0 to 1; below, two names have little in common.
    const SIMILAR: f64 = 0.6;
    let mut scored: Vec<(f64, &str)> = names
        .iter()
        .map(|name| (similarity(wanted, name), &**name))
        .filter(|(score, _)| *score >= SIMILAR)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// From 0 to 1. What stands before the slash, where both have one, counts for less than what follows it.
fn similarity(wanted: &str, name: &str) -> f64 {
    let compare = strsim::normalized_damerau_levenshtein;
    if let (Some(wanted), Some(name)) = (wanted.strip_prefix("svc/"), name.strip_prefix("svc/")) {
        return similarity(wanted, name);
    }
    match (wanted.split_once('/'), name.split_once('/')) {
        (Some((group, "*")), Some((own_group, "*"))) => compare(group, own_group),
        (Some((group, wanted)), Some((own_group, own))) => {
            (compare(group, own_group) + 2.0 * compare(wanted, own)) / 3.0
        }
        (None, Some((_, own))) => compare(wanted, own),
        _ => compare(wanted, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("shop/web", "shop/web", true),
            ("shop/web", "shop/web-1", false),
            ("shop/*", "shop/web", true),
            ("*/web", "shop/web", true),
            ("*/web", "shop/web-1", false),
            ("*", "node/a", true),
            ("s*/w*b", "shop/web", true),
            ("shop/web*", "shop/web", true),
        ] {
            assert_eq!(is_match(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn similar_names_come_first() {
        let names = ["shop/db", "shop/web", "shop/web-admin", "other/cache"].map(String::from);
        assert_eq!(nearest("shop/wbe", &names), ["shop/web"]);
        assert_eq!(nearest("shpo/db", &names), ["shop/db"]);
        assert_eq!(nearest("cache", &names), ["other/cache"]);
        assert!(nearest("zzz", &names).is_empty());
        let names = ["svc/shop/db", "svc/shop/web"].map(String::from);
        assert_eq!(nearest("svc/shop/wbe", &names), ["svc/shop/web"]);
        assert_eq!(nearest("svc/shpo/db", &names), ["svc/shop/db"]);
    }
}
