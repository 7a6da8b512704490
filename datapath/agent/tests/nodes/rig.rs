//! Two nodes and the link between them.
//!
//! `db` and `web` are on node 1, `far` on node 2; db lets pods like web and far in by UDP 53. Node `n` has the addresses
//! `172.18.0.n` and `fd00:172::n`.

use crate::wire;
use abi::{Address, Event, Home, Identity, Link, Mac, Node, Routing};
use agent::{Agent, Config};
use lab::{EndpointSpec, GATEWAY_MAC, Namespace};
use manifest::{Cluster, IpBlockMode, Source};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use policy::{Compiler, Desired};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

const CLUSTER: &str = "
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {addresses: [{type: InternalIP, address: 172.18.0.1}, {type: InternalIP, address: 'fd00:172::1'}]}
---
apiVersion: v1
kind: Node
metadata: {name: node-2}
status: {addresses: [{type: InternalIP, address: 172.18.0.2}, {type: InternalIP, address: 'fd00:172::2'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.1.1}, {ip: 'fd00:1::1'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {nodeName: node-1, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.1.2}, {ip: 'fd00:1::2'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: shop, labels: {app: web}}
spec: {nodeName: node-2, containers: [{name: c}]}
status: {podIPs: [{ip: 10.0.2.1}, {ip: 'fd00:2::1'}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 53, protocol: UDP}]}]
";

/// A pod's name and its address of each family.
pub(crate) type Pod = (&'static str, [&'static str; 2]);
pub(crate) const WEB: Pod = ("web", ["10.0.1.1", "fd00:1::1"]);
pub(crate) const DB: Pod = ("db", ["10.0.1.2", "fd00:1::2"]);
pub(crate) const FAR: Pod = ("far", ["10.0.2.1", "fd00:2::1"]);
/// The address of each node, by family.
pub(crate) const NODES: [[&str; 2]; 2] =
    [["172.18.0.1", "172.18.0.2"], ["fd00:172::1", "fd00:172::2"]];
pub(crate) const MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 1, 1], [2, 0, 0, 0, 1, 2]];
/// Every tunnel device has it: whoever packs a frame does not ask who will unpack it.
pub(crate) const OVERLAY_MAC: [u8; 6] = [0xee, 0xee, 0xee, 0xee, 0xee, 1];
pub(crate) const UPLINK: (u32, &str) = (1000, "eth0");
pub(crate) const OVERLAY: (u32, &str) = (1001, "vxlan0");
/// Ends the wait for what never comes, which fails the test.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// The address families, as indices of addresses.
pub(crate) const FAMILIES: [usize; 2] = [0, 1];

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn desired() -> Desired {
    let mut cluster = Cluster::default();
    cluster.apply(&[Source::text("test", CLUSTER)]).unwrap();
    Compiler::new(IpBlockMode::Any).compile(&cluster)
}

/// Who has this address.
pub(crate) fn identity(address: &str) -> Identity {
    desired().endpoints[&ip(address)].identity
}

/// The nodes as they know each other: by addresses of one family only.
pub(crate) fn nodes(underlay: usize) -> BTreeMap<Identity, Node> {
    let desired = desired();
    let mut rows = BTreeMap::new();
    for (index, node) in desired.nodes.values().enumerate() {
        let mut row = Node {
            number: node.number,
            mac: Mac(MACS[index]),
            ..Node::default()
        };
        let address = ip(NODES[underlay][index]).into();
        if underlay == 0 {
            row.v4 = address;
        } else {
            row.v6 = address;
        }
        rows.extend(node.identities.iter().map(|identity| (*identity, row)));
    }
    rows
}

pub(crate) struct Host {
    pub(crate) lab: lab::Node,
    pub(crate) agent: Agent,
}

impl Host {
    /// A node with its pods and its tables, and nothing around it.
    pub(crate) fn new(name: &str, pods: &[Pod], routing: Routing, underlay: usize) -> Self {
        let mut lab = lab::Node::new().unwrap();
        let specs = pods.iter().map(|(name, [v4, v6])| EndpointSpec {
            name: (*name).to_owned(),
            v4: Some(v4.parse().unwrap()),
            v6: Some(v6.parse().unwrap()),
        });
        lab.add(&specs.collect::<Vec<_>>()).unwrap();
        let config = Config {
            connections: 1 << 10,
            verdicts: 1 << 10,
            ..Config::default()
        };
        let mut agent = Agent::load(&config).unwrap();
        for endpoint in lab.endpoints() {
            let link = Link {
                v4: endpoint.spec().v4.unwrap().into(),
                v6: endpoint.spec().v6.unwrap().into(),
                mac: Mac(endpoint.mac()),
                reserved: [0; 2],
            };
            let (interface, ifindex) = (endpoint.ifname(), endpoint.ifindex());
            let attach = || agent.attach(&interface, ifindex, link, Mac(GATEWAY_MAC));
            lab.namespace().run(attach).unwrap().unwrap();
        }
        let desired = desired();
        let home = Home {
            number: desired.nodes[name].number,
            routing: routing as u32,
            ..Home::default()
        };
        agent.set_home(home).unwrap();
        agent.set_nodes(&nodes(underlay)).unwrap();
        agent.enforce(&desired.for_node(name)).unwrap();
        Self { lab, agent }
    }

    /// Puts the uplink, and a new tunnel device, under the programs.
    pub(crate) fn join(&mut self, routing: Routing) {
        let agent = &mut self.agent;
        let join = || {
            agent.attach_uplink(UPLINK.1, UPLINK.0).unwrap();
            if routing == Routing::Vxlan {
                wire::add_vxlan(OVERLAY, OVERLAY_MAC);
                agent.attach_overlay(OVERLAY.1, OVERLAY.0).unwrap();
                wire::set_up(OVERLAY.0);
            }
        };
        self.lab.namespace().run(join).unwrap();
    }

    /// Sends what is for a pod of the other node to it.
    pub(crate) fn route(&self, pod: Pod, routing: Routing, other: usize) {
        let (link, mac) = match routing {
            Routing::Native => (UPLINK, MACS[other]),
            Routing::Vxlan => (OVERLAY, OVERLAY_MAC),
        };
        let route = || {
            pod.1
                .map(|address| wire::add_route(link.0, ip(address), mac))
        };
        self.lab.namespace().run(route).unwrap();
    }

    /// A socket of a pod.
    pub(crate) fn socket(&self, pod: Pod, family: usize, port: u16) -> UdpSocket {
        socket(self.pod(pod), pod.1[family], port)
    }

    /// The namespace of a pod.
    pub(crate) fn pod(&self, (name, _): Pod) -> &Namespace {
        self.lab.endpoint(name).unwrap().namespace()
    }

    /// Waits for the event that `is` describes.
    pub(crate) fn event(&mut self, is: impl Fn(&Event) -> bool) -> Event {
        let mut found = None;
        loop {
            self.agent.events(|event| {
                if is(event) {
                    found = Some(*event);
                }
            });
            if let Some(event) = found {
                return event;
            }
            let descriptor = PollFd::new(self.agent.events_descriptor(), PollFlags::POLLIN);
            let limit = PollTimeout::try_from(LIMIT).unwrap();
            let ready = poll(&mut [descriptor], limit).unwrap();
            assert_ne!(ready, 0, "no such event; {:?}", self.agent.drops());
        }
    }
}

/// A socket with this address.
pub(crate) fn socket(namespace: &Namespace, address: &str, port: u16) -> UdpSocket {
    let bind = || UdpSocket::bind(SocketAddr::new(ip(address), port));
    let socket = namespace.run(bind).unwrap().unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket
}

/// Two namespaces with an uplink to each other: node 1 and node 2.
pub(crate) fn connect(nodes: [&Namespace; 2]) {
    let [first, second] = nodes;
    let add = || wire::add_veth(UPLINK, MACS, second.as_fd());
    first.run(add).unwrap();
    for (index, node) in nodes.into_iter().enumerate() {
        let set_up = || {
            wire::set_up(UPLINK.0);
            for addresses in NODES {
                wire::add_address(UPLINK.0, ip(addresses[index]));
                let other = 1 - index;
                wire::add_neighbour(UPLINK.0, ip(addresses[other]), MACS[other]);
            }
        };
        node.run(set_up).unwrap();
    }
    for node in nodes {
        node.run(|| wire::await_carrier(UPLINK.0)).unwrap();
    }
}

/// Both nodes, connected and joined.
pub(crate) fn pair(routing: Routing, underlay: usize) -> [Host; 2] {
    let mut hosts = [("node-1", &[WEB, DB][..]), ("node-2", &[FAR])]
        .map(|(name, pods)| Host::new(name, pods, routing, underlay));
    let [first, second] = &mut hosts;
    connect([first.lab.namespace(), second.lab.namespace()]);
    first.join(routing);
    second.join(routing);
    first.route(FAR, routing, 1);
    second.route(WEB, routing, 0);
    second.route(DB, routing, 0);
    hosts
}

/// Node 1 with a tunnel, and the bare namespace of what it takes for node 2.
pub(crate) fn beside_a_bare_peer(underlay: usize) -> (Host, Namespace) {
    let mut host = Host::new("node-1", &[WEB, DB], Routing::Vxlan, underlay);
    let peer = Namespace::new().unwrap();
    connect([host.lab.namespace(), &peer]);
    host.join(Routing::Vxlan);
    host.route(FAR, Routing::Vxlan, 1);
    (host, peer)
}

/// Whether an event is about a packet between these addresses and ports.
pub(crate) fn is_about(
    event: &Event,
    (source, source_port): (&str, u16),
    (destination, destination_port): (&str, u16),
) -> bool {
    event.source == Address::from(ip(source))
        && event.destination == Address::from(ip(destination))
        && event.source_port.number() == source_port
        && event.destination_port.number() == destination_port
}
