//! Services, as many as wanted: pod b is behind the first, and addresses outside behind the others.

use crate::traffic::PORT;
use manifest::{Cluster, Source};
use std::fmt::Write as _;
use std::net::Ipv4Addr;

/// Where pod b is asked for.
pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 0);

/// The other services: an address each, and who stands behind it.
pub(crate) fn others(services: u32) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
    let backends = u32::from(Ipv4Addr::new(198, 18, 0, 0));
    let addresses = u32::from(ADDRESS);
    (1..services).map(move |number| ((addresses + number).into(), (backends + number).into()))
}

/// Adds the services to the cluster.
pub(crate) fn add(cluster: &mut Cluster, services: u32) -> anyhow::Result<()> {
    if services == 0 {
        return Ok(());
    }
    let ports =
        format!("[{{name: tcp, port: {PORT}}}, {{name: udp, port: {PORT}, protocol: UDP}}]");
    let mut text = String::new();
    let mut service = |name: &str, address: Ipv4Addr, selector: &str| {
        let _ = writeln!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{clusterIP: {address}, {selector}ports: {ports}}}"
        );
    };
    service("b", ADDRESS, "selector: {app: b}, ");
    for (address, _) in others(services) {
        service(&name(address), address, "");
    }
    for (address, backend) in others(services) {
        let name = name(address);
        let _ = writeln!(
            text,
            "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata: {{name: {name}, namespace: shop, labels: {{kubernetes.io/service-name: {name}}}}}\n\
             addressType: IPv4\nports: {ports}\nendpoints: [{{addresses: [{backend}]}}]"
        );
    }
    let applied = cluster.apply(&[Source::text("services", text)]);
    applied.map_err(|problems| anyhow::anyhow!("{problems}"))?;
    Ok(())
}

fn name(address: Ipv4Addr) -> String {
    format!("s{}", u32::from(address))
}
