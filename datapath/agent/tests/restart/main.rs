//! An agent dies and another takes over, while packets flow. Runs itself again as the agent to be killed. Needs root.

mod uplink;

use abi::{Address, Link, Mac};
use agent::{Agent, AgentError, AttachPoint, Config, unpin};
use lab::{Endpoint, EndpointSpec, GATEWAY_MAC, Node};
use libtest_mimic::{Arguments, Failed, Trial};
use manifest::{Cluster, IpBlockMode, Source};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use policy::{Compiler, Desired};
use std::io::{BufRead, BufReader, Write as _};
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Argument that makes this binary an agent over the pins in the folder that follows.
const BE_AN_AGENT: &str = "be-an-agent";
const WEB: [u8; 4] = [10, 0, 0, 1];
const DB: [u8; 4] = [10, 0, 0, 2];
const ALLOWED: u16 = 53;
const DENIED: u16 = 54;

const PODS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.1}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.0.2}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 53, protocol: UDP}]}]
";
/// A second policy that says the same and more: other tables, the same fate for both flows.
const MORE: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: more, namespace: shop}
spec:
  podSelector: {}
  ingress: [{ports: [{port: 50, endPort: 53, protocol: UDP}]}]
";
/// Opens the port that was denied.
const OPEN: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}
";
/// Isolates every pod.
const ISOLATED: &str = "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: isolated, namespace: shop}
spec: {podSelector: {}}
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, first, folder] = arguments.as_slice()
        && first == BE_AN_AGENT
    {
        return be_an_agent(Path::new(folder));
    }
    let test = |name: &str, run: fn(&Path)| {
        Trial::test(name, move || {
            in_a_bpf_file_system(run);
            Ok::<_, Failed>(())
        })
    };
    let tests = vec![
        test(
            "killed_agents_let_nothing_in_and_lose_nothing",
            killed_agents_let_nothing_in_and_lose_nothing,
        ),
        test(
            "connections_survive_and_departed_endpoints_do_not",
            connections_survive_and_departed_endpoints_do_not,
        ),
        test(
            "pins_of_another_layout_or_size_are_refused_untouched",
            pins_of_another_layout_or_size_are_refused_untouched,
        ),
        test(
            "uplink_and_tunnel_device_are_taken_over",
            uplink::uplink_and_tunnel_device_are_taken_over,
        ),
        test("one_agent_at_a_time", one_agent_at_a_time),
    ];
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// Mounts a BPF file system that only this thread and its children see, and that goes with them.
fn in_a_bpf_file_system(run: fn(&Path)) {
    std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let nothing = None::<&str>;
        mount(
            nothing,
            "/",
            nothing,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            nothing,
        )
        .unwrap();
        let folder = tempfile::tempdir().unwrap();
        mount(
            Some("bpf"),
            folder.path(),
            Some("bpf"),
            MsFlags::empty(),
            nothing,
        )
        .unwrap();
        run(folder.path());
        nix::mount::umount(folder.path()).unwrap();
    })
    .join()
    .unwrap();
}

fn config() -> Config {
    Config {
        connections: 1 << 12,
        verdicts: 1 << 12,
        ..Config::default()
    }
}

fn desired(texts: &[&str]) -> Desired {
    let sources: Vec<_> = texts
        .iter()
        .map(|text| Source::text("test", *text))
        .collect();
    let mut cluster = Cluster::default();
    cluster.apply(&sources).unwrap();
    Compiler::new(IpBlockMode::Any).compile(&cluster)
}

/// The agent's side. Each line that is read is an order: `attach NAME INDEX A.B.C.D MAC`, `uplink NAME INDEX`,
/// `overlay NAME INDEX`, `nodes`, `enforce` one of the states, or `churn` between states that say the same, until killed.
fn be_an_agent(folder: &Path) -> ExitCode {
    let mut agent = Agent::resume(folder, &config()).unwrap();
    println!("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["attach", name, ifindex, number, mac] => {
                let mut octets = DB;
                octets[3] = number.parse().unwrap();
                let endpoint = Link {
                    v4: Address::from_v4(octets),
                    mac: Mac(parse_mac(mac)),
                    ..Link::default()
                };
                let ifindex = ifindex.parse().unwrap();
                agent
                    .attach(name, ifindex, endpoint, Mac(GATEWAY_MAC))
                    .unwrap();
            }
            ["uplink", name, ifindex] => {
                agent.attach_uplink(name, ifindex.parse().unwrap()).unwrap();
            }
            ["overlay", name, ifindex] => {
                agent
                    .attach_overlay(name, ifindex.parse().unwrap())
                    .unwrap();
            }
            ["nodes"] => {
                agent.set_home(uplink::HOME).unwrap();
                agent.set_nodes(&uplink::nodes()).unwrap();
                let masquerade = agent::Masquerade::default();
                agent.set_masquerade(Some(&masquerade)).unwrap();
            }
            ["enforce"] => drop(agent.enforce(&desired(&[PODS])).unwrap()),
            ["isolate"] => drop(agent.enforce(&desired(&[PODS, ISOLATED])).unwrap()),
            ["open"] => drop(agent.enforce(&desired(&[PODS, OPEN])).unwrap()),
            ["churn"] => {
                println!("done");
                let states = [desired(&[PODS, MORE]), desired(&[PODS])];
                for state in states.iter().cycle() {
                    agent.enforce(state).unwrap();
                }
            }
            _ => panic!("{line}"),
        }
        println!("done");
    }
    ExitCode::SUCCESS
}

fn parse_mac(text: &str) -> [u8; 6] {
    let octets: Vec<u8> = text
        .split(':')
        .map(|octet| octet.parse().unwrap())
        .collect();
    octets.try_into().unwrap()
}

/// An agent in a process of its own, inside the node's namespace.
struct AgentProcess {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl AgentProcess {
    /// Starts it and waits until it has taken over.
    fn start(lab: &Node, folder: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(BE_AN_AGENT).arg(folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = lab.namespace().run(|| command.spawn()).unwrap().unwrap();
        let mut agent = Self {
            orders: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        };
        assert_eq!(agent.answer(), "ready");
        agent
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Gives an order and waits until it is carried out.
    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
        assert_eq!(self.answer(), "done", "{order}");
    }

    fn attach(&mut self, lab: &Node) {
        for endpoint in lab.endpoints() {
            self.attach_one(endpoint);
        }
    }

    fn attach_one(&mut self, endpoint: &Endpoint) {
        let mac = endpoint.mac().map(|octet| octet.to_string()).join(":");
        let number = endpoint.spec().v4.unwrap().octets()[3];
        let (name, ifindex) = (endpoint.ifname(), endpoint.ifindex());
        self.order(&format!("attach {name} {ifindex} {number} {mac}"));
    }

    /// SIGKILL: no destructor runs.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn two_pods() -> Node {
    let mut lab = Node::new().unwrap();
    let specs = [("web", WEB), ("db", DB)].map(|(name, v4)| EndpointSpec {
        name: name.to_owned(),
        v4: Some(v4.into()),
        v6: None,
    });
    lab.add(&specs).unwrap();
    lab
}

/// A socket of an endpoint.
fn socket(lab: &Node, endpoint: &str, address: [u8; 4], port: u16) -> UdpSocket {
    let namespace = lab.endpoint(endpoint).unwrap().namespace();
    let bind = || UdpSocket::bind((std::net::Ipv4Addr::from(address), port));
    namespace.run(bind).unwrap().unwrap()
}

/// One flow that is allowed and one that is denied, without a pause.
struct Flood {
    sent: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    /// How many datagrams of each flow arrived.
    thread: JoinHandle<(u32, u32)>,
}

impl Flood {
    fn start(lab: &Node) -> Self {
        let sender = socket(lab, "web", WEB, 4000);
        let receivers = [ALLOWED, DENIED].map(|port| socket(lab, "db", DB, port));
        let sent = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counter, stopped) = (Arc::clone(&sent), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for socket in &receivers {
                socket.set_nonblocking(true).unwrap();
            }
            let mut arrived = [0, 0];
            while !stopped.load(Ordering::Relaxed) {
                for port in [DENIED, ALLOWED] {
                    sender
                        .send_to(&[0], (std::net::Ipv4Addr::from(DB), port))
                        .unwrap();
                }
                counter.fetch_add(1, Ordering::Relaxed);
                for (socket, arrived) in receivers.iter().zip(&mut arrived) {
                    *arrived += take_all(socket);
                }
            }
            // What was sent before the last allowed datagram has arrived before it, or not at all. The limit only ends
            // the wait for one that was lost, which fails the test.
            let [allowed, _] = &receivers;
            allowed.set_nonblocking(false).unwrap();
            allowed
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            while arrived[0] < counter.load(Ordering::Relaxed) && allowed.recv(&mut [0; 8]).is_ok()
            {
                arrived[0] += 1;
            }
            arrived[1] += take_all(&receivers[1]);
            (arrived[0], arrived[1])
        });
        Self { sent, stop, thread }
    }

    /// Returns after so many more datagrams.
    fn go_on(&self, datagrams: u32) {
        let until = self.sent.load(Ordering::Relaxed) + datagrams;
        while self.sent.load(Ordering::Relaxed) < until {
            thread::yield_now();
        }
    }

    /// How many datagrams of each flow were sent, and how many arrived of the allowed and of the denied.
    fn end(self) -> (u32, u32, u32) {
        self.stop.store(true, Ordering::Relaxed);
        let (allowed, denied) = self.thread.join().unwrap();
        (self.sent.load(Ordering::Relaxed), allowed, denied)
    }
}

fn take_all(socket: &UdpSocket) -> u32 {
    let mut taken = 0;
    while socket.recv(&mut [0; 8]).is_ok() {
        taken += 1;
    }
    taken
}

fn killed_agents_let_nothing_in_and_lose_nothing(folder: &Path) {
    let lab = two_pods();
    let mut agent = AgentProcess::start(&lab, folder);
    agent.attach(&lab);
    agent.order("enforce");
    let flood = Flood::start(&lab);
    for round in 0..5 {
        agent.order("churn");
        flood.go_on(500 + 517 * round);
        agent.kill();
        flood.go_on(200);
        agent = AgentProcess::start(&lab, folder);
        flood.go_on(200);
    }
    agent.order("enforce");
    flood.go_on(200);
    let (sent, allowed, denied) = flood.end();
    assert_eq!((allowed, denied), (sent, 0));
    // Whoever has taken over is obeyed.
    agent.order("open");
    let (sender, receiver) = (
        socket(&lab, "web", WEB, 4001),
        socket(&lab, "db", DB, DENIED),
    );
    sender
        .send_to(&[7], (std::net::Ipv4Addr::from(DB), DENIED))
        .unwrap();
    assert_eq!(receiver.recv(&mut [0; 8]).unwrap(), 1);
    agent.kill();
    unpin(folder).unwrap();
    assert_eq!(layouts(folder), [""; 0]);
}

fn connections_survive_and_departed_endpoints_do_not(folder: &Path) {
    let mut lab = two_pods();
    let mut agent = AgentProcess::start(&lab, folder);
    agent.attach(&lab);
    agent.order("isolate");
    let (web, db) = (
        socket(&lab, "web", WEB, 4000),
        socket(&lab, "db", DB, ALLOWED),
    );
    web.send_to(&[1], (std::net::Ipv4Addr::from(DB), ALLOWED))
        .unwrap();
    let (_, client) = db.recv_from(&mut [0; 8]).unwrap();
    agent.kill();
    let agent = AgentProcess::start(&lab, folder);
    // web is isolated: only the answer of a connection that is remembered comes in.
    db.send_to(&[2], client).unwrap();
    assert_eq!(web.recv(&mut [0; 8]).unwrap(), 1);
    agent.kill();

    let departures = lab.namespace().run(watch_links).unwrap();
    let gone = lab.endpoint("web").unwrap().ifindex();
    drop(web);
    lab.remove(["web"]).unwrap();
    wait_for_departure(&departures, gone);
    let agent = lab
        .namespace()
        .run(|| Agent::resume(folder, &config()))
        .unwrap()
        .unwrap();
    let left: Vec<u32> = agent.attached().unwrap().into_keys().collect();
    assert_eq!(left, [lab.endpoint("db").unwrap().ifindex()]);
    let pressure = agent.pressure().unwrap();
    let connections = pressure.iter().find(|table| table.table == "CONNECTIONS");
    assert_eq!(connections.unwrap().entries, Some(0));
    drop(agent);
    unpin(folder).unwrap();
}

/// A socket on which the kernel reports every link of the calling thread's namespace that changes or goes.
fn watch_links() -> Socket {
    const RTMGRP_LINK: u32 = 1;
    let mut socket = Socket::new(NETLINK_ROUTE).unwrap();
    socket.bind(&SocketAddr::new(0, RTMGRP_LINK)).unwrap();
    socket
}

fn wait_for_departure(socket: &Socket, ifindex: u32) {
    const RTM_DELLINK: u16 = 17;
    loop {
        let (message, _) = socket.recv_from_full().unwrap();
        let kind = u16::from_ne_bytes([message[4], message[5]]);
        let index = u32::from_ne_bytes(message[20..24].try_into().unwrap());
        if (kind, index) == (RTM_DELLINK, ifindex) {
            return;
        }
    }
}

/// The folders of pins; the kernel has files of its own beside them.
fn layouts(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("layout-")).collect()
}

fn pins_of_another_layout_or_size_are_refused_untouched(folder: &Path) {
    let refusal =
        |folder: &Path, config: &Config| Agent::resume(folder, config).err().unwrap().to_string();
    std::fs::create_dir(folder.join("layout-0")).unwrap();
    let error = refusal(folder, &config());
    assert!(
        error.contains("layout-0") && error.contains("layout-2"),
        "{error}"
    );
    assert_eq!(layouts(folder), ["layout-0"]);
    std::fs::remove_dir(folder.join("layout-0")).unwrap();

    let mut agent = Agent::resume(folder, &config()).unwrap();
    agent.enforce(&desired(&[PODS])).unwrap();
    drop(agent);
    let larger = Config {
        connections: 1 << 13,
        ..config()
    };
    let error = refusal(folder, &larger);
    assert!(
        error.contains("CONNECTIONS") && error.contains("4096") && error.contains("8192"),
        "{error}"
    );
    let agent = Agent::resume(folder, &config()).unwrap();
    assert_eq!(agent.generation().unwrap(), 1);
    assert_eq!(agent.rows().unwrap(), agent.planner().expected());
    drop(agent);

    let elsewhere = tempfile::tempdir().unwrap();
    let error = refusal(elsewhere.path(), &config());
    assert!(error.contains("mount -t bpf"), "{error}");
    let clsact = Config {
        attach_point: AttachPoint::Clsact,
        ..config()
    };
    let error = Agent::resume(folder, &clsact).err().unwrap();
    assert!(matches!(error, AgentError::PinsNeedTcx), "{error}");
    unpin(folder).unwrap();
}

fn one_agent_at_a_time(folder: &Path) {
    let first = Agent::resume(folder, &config()).unwrap();
    let error = Agent::resume(folder, &config()).err().unwrap();
    assert!(matches!(error, AgentError::InUse { .. }), "{error}");
    drop(first);
    drop(Agent::resume(folder, &config()).unwrap());
    unpin(folder).unwrap();
}
