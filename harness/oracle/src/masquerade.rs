//! Whom a host outside the cluster sees: the ip-masq-agent's documentation as code.

use crate::cidr::{Containment, locate};
use manifest::{Cluster, EndpointName, Masquerade};
use std::net::IpAddr;

/// The source address with which the first packet of a connection from `from` reaches `destination`; `source` is the
/// address that it has where it is sent. Only pods are masqueraded, and only towards who is outside the cluster.
///
/// ```
/// use manifest::{Cluster, EndpointName, Masquerade, Source};
///
/// let mut cluster = Cluster::default();
/// cluster.apply(&[Source::text("pod.yaml", "{apiVersion: v1, kind: Pod, metadata: {name: web}}")])?;
/// let web = EndpointName::pod("default", "web");
/// let own = cluster.addresses(&web).unwrap().v4.unwrap().into();
/// let seen = |destination: &str| {
///     let masquerade = Masquerade::default();
///     oracle::seen_from(&cluster, Some(&masquerade), &web, own, destination.parse().unwrap())
/// };
/// assert_eq!(seen("192.168.0.9"), own);
/// assert_eq!(seen("203.0.113.9"), cluster.nodes["node-1"].addresses.v4.unwrap());
/// # Ok::<(), manifest::Diagnostics>(())
/// ```
#[must_use]
pub fn seen_from(
    cluster: &Cluster,
    masquerade: Option<&Masquerade>,
    from: &EndpointName,
    source: IpAddr,
    destination: IpAddr,
) -> IpAddr {
    let own_node = || {
        let EndpointName::Pod(name) = from else {
            return None;
        };
        let pod = cluster.pods.get(name).filter(|pod| !pod.host_network)?;
        let node = cluster.nodes.get(&pod.node)?;
        node.addresses
            .iter()
            .find(|address| address.is_ipv4() == source.is_ipv4())
    };
    match masquerade {
        Some(masquerade) if applies(cluster, masquerade, destination) => {
            own_node().unwrap_or(source)
        }
        _ => source,
    }
}

/// Whether pods are masqueraded towards this address.
pub(crate) fn applies(cluster: &Cluster, masquerade: &Masquerade, destination: IpAddr) -> bool {
    let pods = cluster.pods.values().map(|pod| pod.addresses);
    let mut own = pods.chain(cluster.nodes.values().map(|node| node.addresses));
    let is_in = |block: &str| locate(block, destination) == Containment::Inside;
    let mut listed = masquerade.non_masquerade_cidrs.iter();
    let is_excepted = listed.any(|cidr| is_in(&cidr.to_string()))
        || (!masquerade.link_local && is_in("169.254.0.0/16"))
        || (!masquerade.link_local_v6 && is_in("fe80::/10"));
    !is_excepted && !own.any(|addresses| addresses.contains(destination))
}
