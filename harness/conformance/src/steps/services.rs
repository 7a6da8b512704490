//! Steps about services: what there is, in which state their pods are, and who answers for them.

use super::{Arguments, Step};
use crate::driver::{DriverKind, Verdict, backends};
use crate::edit;
use crate::judge::{Expectation, Expected, list};
use crate::session::Answer;
use crate::target;
use crate::world::World;
use anyhow::{bail, ensure};
use oracle::Probe;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// How many connections show who answers: that one of eight backends is left out by chance happens once in 5,000 runs,
/// and one of four once in 100 million.
const CONNECTIONS: usize = 64;

/// The steps of this file.
pub(super) const STEPS: &[Step] = &[
    Step {
        expression: "the services:",
        meaning: "Services and EndpointSlices as they are written for `kubectl apply`.",
        example: r#"Given the services:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: web, namespace: shop}
      spec: {selector: {app: web}, ports: [{port: 80}]}
      """"#,
        run: from_doc_string,
    },
    Step {
        expression: "the service {object} is deleted",
        meaning: "Deletes a service; its EndpointSlices stay.",
        example: "When the service shop/web is deleted",
        run: delete,
    },
    Step {
        expression: "the pod {object} is ready",
        meaning: "From now on the pod says that it can serve, as its readiness probe would.",
        example: "When the pod shop/web is ready",
        run: ready,
    },
    Step {
        expression: "the pod {object} is not ready",
        meaning: "From now on the pod says that it cannot serve. It runs all the same.",
        example: "When the pod shop/web is not ready",
        run: not_ready,
    },
    Step {
        expression: "the pod {object} is terminating",
        meaning: "The pod is about to be deleted, and serves until then.",
        example: "When the pod shop/web is terminating",
        run: terminating,
    },
    Step {
        expression: "connections from {endpoint} to {endpoint} on {service}{way} are answered by {endpoints}",
        meaning: "Of 64 connections to a service each is answered by one of these pods, and each of these answers one.",
        example: "Then connections from shop/client to svc/shop/web on TCP 80 are answered by shop/web-1, shop/web-2",
        run: answered_by,
    },
    Step {
        expression: "connections from {endpoint} to {endpoint} on {service}{way} are answered by one backend",
        meaning: "Of 64 connections to a service all are answered by the same pod, whichever it is.",
        example: "Then connections from shop/client to svc/shop/web on TCP 80 are answered by one backend",
        run: answered_by_one,
    },
];

fn from_doc_string(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let applied = arguments.apply_doc_string(&mut world.cluster)?;
    let kinds = applied.objects.iter().map(|object| object.kind.as_str());
    let mut kinds = kinds.chain(applied.skipped.keys().map(String::as_str));
    match kinds.find(|kind| !["Service", "EndpointSlice"].contains(kind)) {
        Some(kind) => bail!("this is a {kind}: the step takes Services and EndpointSlices"),
        None => Ok(()),
    }
}

fn delete(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::delete_service(&mut world.cluster, &arguments.object(0)?)
}

fn ready(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::pod(&mut world.cluster, &arguments.object(0)?)?.ready = true;
    Ok(())
}

fn not_ready(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::pod(&mut world.cluster, &arguments.object(0)?)?.ready = false;
    Ok(())
}

fn terminating(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    edit::pod(&mut world.cluster, &arguments.object(0)?)?.terminating = true;
    Ok(())
}

fn answered_by(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    let expected = arguments.endpoints(4)?;
    let mut wanted = BTreeSet::new();
    for end in &expected {
        wanted.extend(target::addresses(&world.cluster, end)?.iter());
    }
    for probe in probes(world, arguments)? {
        let seen = answers(world, &probe)?;
        let seen: BTreeSet<_> = seen.iter().map(SocketAddr::ip).collect();
        let of_family = wanted.iter().copied();
        let of_family = of_family.filter(|address| address.is_ipv4() == probe.address.is_ipv4());
        let wanted: BTreeSet<_> = of_family.collect();
        ensure!(
            seen == wanted,
            "expected answers of {}, at {}: they came from {}",
            list(&expected),
            list(&wanted.into_iter().collect::<Vec<_>>()),
            list(&seen.into_iter().collect::<Vec<_>>())
        );
    }
    Ok(())
}

fn answered_by_one(world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
    for probe in probes(world, arguments)? {
        let seen = answers(world, &probe)?;
        let is_one = seen.len() == 1 || world.session.kinds().driver == DriverKind::Oracle;
        let seen: Vec<_> = seen.into_iter().collect();
        ensure!(
            is_one,
            "expected answers of one backend: they came from {}",
            list(&seen)
        );
    }
    Ok(())
}

fn probes(world: &World, arguments: &Arguments<'_>) -> anyhow::Result<Vec<Probe>> {
    let (from, to) = (arguments.endpoint(0)?, arguments.endpoint(1)?);
    let (service, way) = (arguments.service(2)?, arguments.way(3)?);
    target::probes(&world.cluster, &from, &to, service, way)
}

/// Who answers: of the oracle, all who may.
fn answers(world: &mut World, probe: &Probe) -> anyhow::Result<BTreeSet<SocketAddr>> {
    let expectations = vec![Expectation::verdict(probe.clone(), Expected::Allowed); CONNECTIONS];
    let answers = world.ask(&expectations)?;
    let drivers = world.session.kinds();
    if drivers.driver == DriverKind::Oracle {
        return Ok(backends(&world.cluster, probe));
    }
    let of = |answer: &Answer| {
        let outcome = &answer.outcome;
        ensure!(
            outcome.verdict == Verdict::Allowed,
            "a connection to {} was {}",
            probe.to,
            outcome.verdict
        );
        Ok(outcome.backend)
    };
    let chosen: anyhow::Result<Vec<_>> = answers.iter().map(of).collect();
    Ok(chosen?.into_iter().flatten().collect())
}
