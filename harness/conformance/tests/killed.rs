//! What a killed process leaves of a virtual cluster in BPF: nothing. Runs itself again as that process. Needs root.

use agent::BpfObjects;
use conformance::driver::{Driver, KernelDriver};
use libtest_mimic::{Arguments, Failed, Trial};
use manifest::{Cluster, IpBlockMode, Source};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Argument that makes this binary build a cluster in the kernel, say so and wait to be killed.
const HOLD_A_CLUSTER: &str = "hold-a-cluster";

const CLUSTER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 5
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}}
";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(HOLD_A_CLUSTER) {
        return hold_a_cluster();
    }
    let test = Trial::test("a_killed_process_leaves_no_program_and_no_map", || {
        a_killed_process_leaves_no_program_and_no_map();
        Ok::<_, Failed>(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit_code()
}

fn hold_a_cluster() -> ExitCode {
    let mut cluster = Cluster::default();
    cluster.apply(&[Source::text("test", CLUSTER)]).unwrap();
    let mut driver = KernelDriver::open(IpBlockMode::Any).unwrap();
    driver.apply(&cluster).unwrap();
    println!("ready");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    ExitCode::SUCCESS
}

fn a_killed_process_leaves_no_program_and_no_map() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(HOLD_A_CLUSTER);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    let held = BpfObjects::held_by(child.id()).unwrap();
    assert_eq!(held.programs.len(), 2, "{held:?}");
    assert!(held.maps.len() > 10, "{held:?}");
    assert_eq!(held.still_there(), held);
    // SIGKILL: no destructor of the child runs. The kernel frees what hung on its interfaces a moment later.
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while !held.still_there().is_empty() {
        // The bound only ends a run that has failed already.
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "{:?}",
            held.still_there()
        );
        thread::yield_now();
    }
}
