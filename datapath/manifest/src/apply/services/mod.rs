//! At which addresses and ports services are reached.
//!
//! What is written counts first, then what a service has already, then what is free: so nothing that is applied later
//! changes where another service is.

mod families;
mod free;
mod point;
mod written;

use crate::{Cluster, Diagnostic, Location, ObjectName, Service, Severity};
use families::Families;
use free::Free;
use point::{Point, points, shared};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

/// Puts `services` in the cluster, with all that they lack; returns what does not fit together.
pub(super) fn assign(
    cluster: &mut Cluster,
    services: Vec<(ObjectName, Service)>,
) -> Vec<Diagnostic> {
    if services.is_empty() {
        return vec![];
    }
    let mut diagnostics = vec![];
    let mut drafts = BTreeMap::new();
    for (name, service) in services {
        let before = cluster.services.remove(&name);
        let families = Families::of(&service, cluster, before.as_ref());
        diagnostics.extend(families.lacking(&name, &service));
        let service = written::complete(service, before.as_ref(), families);
        drafts.insert(name, (service, families));
    }
    let mut taken = Taken::by_hosts(cluster);
    for (name, service) in &cluster.services {
        diagnostics.extend(taken.claim(name, service));
    }
    for (name, (service, _)) in &drafts {
        diagnostics.extend(taken.claim(name, service));
    }
    let mut free = Free::default();
    for (name, (mut service, families)) in drafts {
        let lacking = free.assign(&mut service, families, &mut taken);
        diagnostics.extend(lacking.map(|what| exhausted(&name, &service, what)));
        cluster.services.insert(name, service);
    }
    diagnostics
}

/// Who has what services can be reached at.
struct Taken {
    holders: HashMap<Point, (String, Location)>,
    /// Addresses that services have ports of.
    shared: HashSet<IpAddr>,
    /// What was given out, after all that is written was claimed.
    given: HashSet<Point>,
}

impl Taken {
    /// The addresses of pods, nodes and hosts outside: no service can have them for itself.
    fn by_hosts(cluster: &Cluster) -> Self {
        let pods = cluster.pods.iter().filter(|(_, pod)| !pod.host_network);
        let pods = pods.map(|(name, pod)| (format!("Pod {name}"), pod.addresses, &pod.origin));
        let nodes = cluster.nodes.iter();
        let nodes =
            nodes.map(|(name, node)| (format!("Node {name}"), node.addresses, &node.origin));
        let outside = cluster.externals.iter();
        let outside =
            outside.map(|(name, host)| (format!("External {name}"), host.addresses, &host.origin));
        let mut holders = HashMap::new();
        for (holder, addresses, origin) in pods.chain(nodes).chain(outside) {
            for address in addresses.iter() {
                let place = super::claims::place(origin);
                holders.insert(Point::Address(address), (holder.clone(), place));
            }
        }
        Self {
            holders,
            shared: HashSet::new(),
            given: HashSet::new(),
        }
    }

    /// Gives `point` out, if nobody has it.
    fn give(&mut self, point: Point) -> bool {
        let is_shared = matches!(point, Point::Address(address) if self.shared.contains(&address));
        !is_shared && !self.holders.contains_key(&point) && self.given.insert(point)
    }

    /// Gives a service all that it is reached at; an error for each point that another one has.
    fn claim(&mut self, name: &ObjectName, service: &Service) -> Vec<Diagnostic> {
        let holder = format!("Service {name}");
        let mut clashes = vec![];
        self.shared
            .extend(shared(service).map(|(address, _)| address));
        for (point, field) in points(service) {
            let place = service.origin.locate(&field);
            match self.holders.get(&point) {
                Some((other, elsewhere)) if *other != holder => clashes.push(Diagnostic {
                    severity: Severity::Error,
                    location: place,
                    subject: format!("{holder}: {field}"),
                    message: format!("{point} is already {} {other} ({elsewhere})", point.role()),
                    help: Some(point.advice().to_owned()),
                    snippet: None,
                }),
                _ => _ = self.holders.insert(point, (holder.clone(), place)),
            }
        }
        clashes
    }
}

fn exhausted(name: &ObjectName, service: &Service, what: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        location: service.origin.location.clone(),
        subject: format!("Service {name}"),
        message: format!("no {what} is left to give to it"),
        help: Some("remove services that are not needed, or write one that is free".to_owned()),
        snippet: None,
    }
}
