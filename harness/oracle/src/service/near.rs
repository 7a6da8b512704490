//! Which endpoints are near a node.

use super::endpoint::{Endpoint, zone_of};
use manifest::Cluster;

/// Of endpoints that take new connections, those that clients on `node` get by the service's `trafficDistribution`: the
/// nearest there are. What slices say about zones counts if they say it for all.
pub(super) fn near<'a>(
    cluster: &Cluster,
    distribution: Option<&str>,
    node: &str,
    ready: Vec<Endpoint<'a>>,
) -> Vec<Endpoint<'a>> {
    let zone = zone_of(cluster, node);
    let all = |is_near: &dyn Fn(&&Endpoint<'a>) -> bool| -> Vec<Endpoint<'a>> {
        ready.iter().filter(is_near).cloned().collect()
    };
    let on_node = all(&|endpoint| endpoint.node.is_some_and(|own| own == node));
    let in_zone = all(&|endpoint| zone.is_some() && endpoint.zone == zone);
    let is_hinted = ready.iter().all(|endpoint| !endpoint.hints.is_empty());
    let hinted =
        all(&|endpoint| is_hinted && zone.is_some_and(|zone| endpoint.hints.contains(&zone)));
    let preferences = match distribution {
        Some("PreferSameNode") => vec![on_node, hinted, in_zone],
        Some("PreferClose" | "PreferSameZone") => vec![hinted, in_zone],
        _ => vec![hinted],
    };
    let mut nearest = preferences.into_iter().filter(|near| !near.is_empty());
    nearest.next().unwrap_or(ready)
}
