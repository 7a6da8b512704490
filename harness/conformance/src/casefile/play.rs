//! Plays the steps of a case.

use super::{Case, Step, expect};
use crate::judge::Expectation;
use crate::target::{self, Service, Way};
use crate::world::World;
use manifest::{Cluster, EndpointName, IpBlockMode};
use std::collections::BTreeMap;

type Connection = (EndpointName, EndpointName, Service);

/// The steps of a case in words, with their lines.
pub(crate) fn lines(case: &Case) -> impl Iterator<Item = (usize, String)> {
    case.steps.iter().enumerate().map(|(index, step)| {
        let actions: Vec<String> = step.actions.iter().map(ToString::to_string).collect();
        let what = if actions.is_empty() {
            "probe".to_owned()
        } else {
            actions.join(", ")
        };
        (step.line, format!("step {}: {what}", index + 1))
    })
}

/// Plays one step, from 0: every action is in force before the next, then all is probed.
///
/// # Errors
/// With every connection that is not as the case expects.
pub(crate) fn play(
    case: &Case,
    world: &mut World,
    index: usize,
    mode: IpBlockMode,
    nodes: u16,
) -> anyhow::Result<()> {
    if index == 0 {
        world.cluster = case.cluster(nodes)?;
    }
    world.settle()?;
    let step = &case.steps[index];
    for action in &step.actions {
        action.apply(&mut world.cluster, &case.file, &case.policies)?;
        world.settle()?;
    }
    let expectations = expectations(case, step, index + 1, &world.cluster, mode)?;
    if expectations.is_empty() {
        return Ok(());
    }
    world.expect(&expectations)
}

/// What must become of every pair of pods, and of what else is listed.
fn expectations(
    case: &Case,
    step: &Step,
    number: usize,
    cluster: &Cluster,
    mode: IpBlockMode,
) -> anyhow::Result<Vec<Expectation>> {
    let mut listed: BTreeMap<Connection, &expect::Expect> = case
        .expect
        .iter()
        .filter(|expect| expect.step == number)
        .map(|expect| (expect.connection(), expect))
        .collect();
    let mut expectations = Vec::new();
    for connection in pairs(step, cluster) {
        let expect = listed.remove(&connection);
        let (from, to, service) = connection;
        for probe in target::shared_probes(cluster, &from, &to, service, Way::Every)? {
            expectations.push(match expect {
                Some(expect) => expect.expectation(probe, mode),
                None => expect::unlisted(probe, case.default),
            });
        }
    }
    for ((from, to, service), expect) in listed {
        let probes = target::probes(cluster, &from, &to, service, Way::Every)?;
        let probes = probes.into_iter();
        expectations.extend(probes.map(|probe| expect.expectation(probe, mode)));
    }
    Ok(expectations)
}

/// Every ordered pair of pods with every probe of the step, a pod with itself left out.
fn pairs(step: &Step, cluster: &Cluster) -> Vec<Connection> {
    let pods: Vec<EndpointName> = cluster
        .pods
        .keys()
        .cloned()
        .map(EndpointName::Pod)
        .collect();
    let mut pairs = Vec::new();
    for from in &pods {
        for to in &pods {
            if !target::is_same_address(cluster, from, to) {
                let services = step.probes.iter();
                pairs.extend(services.map(|&service| (from.clone(), to.clone(), service)));
            }
        }
    }
    pairs
}
