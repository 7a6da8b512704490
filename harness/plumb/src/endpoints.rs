//! The ends of connections: which there are, which a pattern means, which a misspelt name may have meant.

use crate::exit::{Exit, Failure};
use crate::family::Family;
use anyhow::anyhow;
use manifest::{Cluster, EndpointName, Origin};
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

/// Every end that can be named, nodes that nobody declared included.
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

/// The end that `text` names; without a `/`, the pod of that name in `namespace`.
pub(crate) fn find(
    cluster: &Cluster,
    text: &str,
    namespace: Option<&str>,
) -> Result<EndpointName, Failure> {
    let name = match namespace {
        Some(namespace) if !text.contains('/') => EndpointName::pod(namespace, text),
        _ => text.parse().map_err(|error| {
            near(
                cluster,
                Failure::new(Exit::BadInput, anyhow!("{error}")),
                text,
            )
        })?,
    };
    if cluster.addresses(&name).is_some() {
        return Ok(name);
    }
    let wanted = name.to_string();
    let failure = Failure::new(Exit::BadInput, anyhow!("the manifests have no `{wanted}`"));
    Err(near(cluster, failure, &wanted))
}

/// The ends that match any of `patterns`, in the order of the cluster; everything shown when there is no pattern.
pub(crate) fn matching(
    cluster: &Cluster,
    patterns: &[String],
) -> Result<Vec<EndpointName>, Failure> {
    if patterns.is_empty() {
        return Ok(shown(cluster));
    }
    let all = all(cluster);
    for pattern in patterns {
        if !all.iter().any(|end| is_match(pattern, &end.to_string())) {
            let failure = Failure::new(
                Exit::BadInput,
                anyhow!("`{pattern}` matches no pod, node or external of the manifests"),
            );
            return Err(near(cluster, failure, pattern));
        }
    }
    let is_meant = |end: &EndpointName| {
        let name = end.to_string();
        patterns.iter().any(|pattern| is_match(pattern, &name))
    };
    Ok(all.into_iter().filter(is_meant).collect())
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
    let mut names: Vec<String> = all(cluster).iter().map(ToString::to_string).collect();
    if wanted.contains('*') {
        let groups = names.iter().filter_map(|name| name.split_once('/'));
        names = groups.map(|(group, _)| format!("{group}/*")).collect();
        names.dedup();
    }
    match nearest(wanted, &names).as_slice() {
        [] if names.len() > 8 => failure.help("`plumb matrix` shows all there are"),
        [] => failure.help(format!("there are {}", names.join(", "))),
        [name] => failure.help(format!("did you mean `{name}`?")),
        several => failure.help(format!("did you mean one of {}?", several.join(", "))),
    }
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
    }
}
