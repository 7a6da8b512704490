//! What is left of a lab: nothing, also when its process is killed. Runs itself again as the process to be killed.

mod witness;

use lab::{Census, EndpointSpec, Lab, LabError, NodeSpec, Routing, Scope};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use witness::Witness;

/// Argument that makes this binary build a lab, say so and wait to be killed.
const HOLD_A_LAB: &str = "hold-a-lab";
const ENDPOINTS: u8 = 20;
const NODES: u8 = 3;
/// Those of the nodes, of the network between them and of a host outside.
const OTHERS: usize = NODES as usize + 2;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(HOLD_A_LAB) {
        return hold_a_lab();
    }
    let tests = vec![
        Trial::test("a_dropped_lab_leaves_nothing", || {
            a_dropped_lab_leaves_nothing();
            Ok::<_, Failed>(())
        }),
        Trial::test("a_killed_process_leaves_nothing", || {
            a_killed_process_leaves_nothing();
            Ok(())
        }),
        Trial::test("without_privileges_the_error_says_what_is_missing", || {
            without_privileges_the_error_says_what_is_missing();
            Ok(())
        }),
    ];
    let mut arguments = Arguments::from_args();
    // A census of one test must not count the labs of another.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Nodes with tunnels, endpoints that are dealt to them, and a host outside.
fn build_a_lab() -> Result<Lab, LabError> {
    let mut lab = Lab::new(Routing::Vxlan);
    let node = |number| NodeSpec {
        name: format!("node-{number}"),
        v4: Some(Ipv4Addr::new(192, 168, 0, number)),
        v6: None,
        prefixes: Vec::new(),
    };
    let nodes: Vec<NodeSpec> = (0..NODES).map(node).collect();
    lab.set_nodes(&nodes)?;
    for number in 1..=ENDPOINTS {
        let pod = endpoint(format!("pod-{number}"), Ipv4Addr::new(10, 0, 0, number));
        lab.add(&format!("node-{}", number % NODES), &[pod])?;
    }
    let host = endpoint("host".to_owned(), Ipv4Addr::new(198, 51, 100, 7));
    lab.add_hosts(&[host])?;
    Ok(lab)
}

fn endpoint(name: String, v4: Ipv4Addr) -> EndpointSpec {
    EndpointSpec {
        name,
        v4: Some(v4),
        v6: None,
    }
}

fn hold_a_lab() -> ExitCode {
    match build_a_lab() {
        Ok(_lab) => {
            println!("ready");
            let mut line = String::new();
            let _ = std::io::stdin().read_line(&mut line);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn a_dropped_lab_leaves_nothing() {
    let before = Census::take(Scope::Process).unwrap();
    let mut witness = Witness::new();
    let with_witness = Census::take(Scope::Process).unwrap();
    let mut lab = build_a_lab().unwrap();
    lab.remove(&["pod-3"]).unwrap();
    lab.cut_off("node-1").unwrap();
    let during = Census::take(Scope::Process).unwrap();
    let held = during.since(&with_witness);
    let namespaces = usize::from(ENDPOINTS) - 1 + OTHERS;
    assert_eq!(held.namespaces.len(), namespaces, "{held}");
    assert!(held.links.is_empty(), "{held}");
    for (_, node) in lab.nodes() {
        witness.watch(node.namespace());
    }
    witness.watch(lab.fabric().unwrap().namespace());
    for endpoint in lab.endpoints() {
        witness.watch(endpoint.namespace());
    }
    drop(lab);
    witness.wait_until_all_are_gone();
    drop(witness);
    let left = Census::take(Scope::Process).unwrap().since(&before);
    assert!(left.is_empty(), "{left}");
}

fn a_killed_process_leaves_nothing() {
    let before = Census::take(Scope::Process).unwrap();
    let mut child = spawn(&std::env::current_exe().unwrap(), |_| {});
    assert_eq!(first_line(&mut child), "ready");
    let mut witness = Witness::new();
    let held = namespaces_held_by(&child);
    assert_eq!(held.len(), usize::from(ENDPOINTS) + OTHERS);
    for namespace in &held {
        witness.watch(namespace);
    }
    drop(held);
    // SIGKILL: no destructor of the child runs.
    child.kill().unwrap();
    child.wait().unwrap();
    witness.wait_until_all_are_gone();
    drop(witness);
    let left = Census::take(Scope::Process).unwrap().since(&before);
    assert!(left.is_empty(), "{left}");
}

fn without_privileges_the_error_says_what_is_missing() {
    const NOBODY: u32 = 65534;
    // The build directory may be closed to others.
    let folder = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let copy = folder.path().join("lab");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut child = spawn(&copy, |command| {
        command.uid(NOBODY).gid(NOBODY);
    });
    assert_eq!(
        first_line(&mut child),
        "creating a network namespace: permission denied: a lab needs CAP_SYS_ADMIN and CAP_NET_ADMIN; \
         run as root, or in a container with both"
    );
    assert!(!child.wait().unwrap().success());
}

fn spawn(program: &std::path::Path, change: impl FnOnce(&mut Command)) -> Child {
    let mut command = Command::new(program);
    command.arg(HOLD_A_LAB);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    change(&mut command);
    command.spawn().unwrap()
}

fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Opens the network namespaces that the child holds by descriptor.
fn namespaces_held_by(child: &Child) -> Vec<File> {
    let folder = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
    let paths = folder.map(|entry| entry.unwrap().path());
    let namespaces = paths.filter(|path| {
        let target = fs::read_link(path).unwrap();
        target.to_string_lossy().starts_with("net:[")
    });
    namespaces.map(|path| File::open(path).unwrap()).collect()
}
