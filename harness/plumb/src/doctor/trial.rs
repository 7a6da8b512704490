//! The proof: a node, BPF programs, a packet that passes and one that is denied. Made and thrown away.

use super::finding::Finding;
use agent::{Agent, Config};
use anyhow::{Context, ensure};
use conformance::driver::{self, DriverKind, Outcome, Verdict};
use lab::{EndpointSpec, Node};
use manifest::{Cluster, EndpointName, IpBlockMode, ObjectName, Protocol, Source};
use oracle::Probe;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

const LAB: &str = "lab";
const PROGRAMS: &str = "BPF programs";
const PROOF: &str = "proof";
const FIX: &str = "mend what is marked ✗ above; if nothing is, report this line and the kernel's";

/// Everybody may reach `doctor/open`, nobody `doctor/closed`.
const CLUSTER: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: doctor}
---
apiVersion: v1
kind: Pod
metadata: {name: open, namespace: doctor, labels: {ingress: open}}
spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: closed, namespace: doctor, labels: {ingress: closed}}
spec: {containers: [{name: web, ports: [{containerPort: 80}]}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: doctor}
spec: {podSelector: {matchLabels: {ingress: closed}}, policyTypes: [Ingress]}
";

/// Tries each step.
pub(super) fn run() -> Vec<Finding> {
    vec![
        attempt(LAB, "a node and a pod, IPv4 and IPv6", build_lab),
        attempt(PROGRAMS, "taken by the kernel", || {
            Agent::load(&Config::default())
                .map(drop)
                .map_err(Into::into)
        }),
        attempt(PROOF, "one packet passed, one was denied", prove),
    ]
}

/// What is said when there is no point in trying.
pub(super) fn skip() -> Vec<Finding> {
    [LAB, PROGRAMS, PROOF]
        .map(|check| Finding::skipped(check, "not tried: needs the privileges above"))
        .into()
}

fn attempt(
    check: &'static str,
    success: &str,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> Finding {
    let start = Instant::now();
    match work() {
        Ok(()) => Finding::good(check, format!("{success}, in {:.1?}", start.elapsed())),
        Err(error) => Finding::bad(check, format!("{error:#}"), FIX),
    }
}

fn build_lab() -> anyhow::Result<()> {
    let mut lab = Node::new()?;
    lab.add(&[EndpointSpec {
        name: "doctor".into(),
        v4: Some(Ipv4Addr::new(10, 0, 0, 1)),
        v6: Some(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
    }])?;
    Ok(())
}

fn prove() -> anyhow::Result<()> {
    let mut cluster = Cluster::default();
    cluster.apply(&[Source::text("doctor.yaml", CLUSTER)])?;
    let probes = [
        probe(&cluster, "closed", "open")?,
        probe(&cluster, "open", "closed")?,
    ];
    let mut driver = driver::open(DriverKind::Kernel, IpBlockMode::Any)?;
    driver.apply(&cluster)?;
    let outcomes = driver.probe(&probes)?;
    expect(&outcomes, [Verdict::Allowed, Verdict::Denied])
}

fn probe(cluster: &Cluster, from: &str, to: &str) -> anyhow::Result<Probe> {
    let [from, to] = [from, to].map(|name| ObjectName::new("doctor", name));
    let destination = cluster.pods.get(&to).and_then(|pod| pod.addresses.v4);
    let address = destination.with_context(|| format!("{to} has no IPv4 address"))?;
    Ok(Probe {
        from: EndpointName::Pod(from),
        to: EndpointName::Pod(to),
        address: IpAddr::V4(address),
        protocol: Protocol::Tcp,
        port: Some(80),
    })
}

fn expect(outcomes: &[Outcome], expected: [Verdict; 2]) -> anyhow::Result<()> {
    let found: Vec<_> = outcomes.iter().map(|outcome| outcome.verdict).collect();
    ensure!(found == expected, "expected {expected:?}, found {found:?}");
    Ok(())
}
