//! The node that packets and events are held against.

use abi::{Address, Home, Identity, Link, LocalEndpoint, Mac, PortRange, Routing};
use manifest::{Cluster, IpBlockMode, Source};
use policy::{Compiler, Desired, Plan, Planner, Write};
use program::memory::Memory;
use std::sync::OnceLock;

/// A node with an open pod `web` and a pod `db` that no one may reach, and another node with a pod `far`.
const CLUSTER: &str = include_str!("node.yaml");

/// The names of the nodes.
const NODES: [&str; 2] = ["node-1", "node-2"];
/// The ports of connections that are masqueraded.
const PORTS: PortRange = PortRange {
    first: 61_000,
    last: 61_003,
};

/// The link-layer address of the host side of every link.
pub(crate) const GATEWAY: Mac = Mac([0xee; 6]);

/// A pod.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pod {
    /// Index of the host side of its link, if it is on the node.
    pub(crate) ifindex: u32,
    pub(crate) mac: Mac,
    pub(crate) v4: Address,
    pub(crate) v6: Address,
}

/// Two pods and the maps of their node, and a pod of another node.
pub(crate) struct Node {
    pub(crate) memory: Memory,
    pub(crate) web: Pod,
    pub(crate) db: Pod,
    /// Its link-layer address is that of its node.
    pub(crate) far: Pod,
    /// What a tunnel's key must say of `far`.
    pub(crate) far_identity: Identity,
}

/// The tables that everything is judged by, and whose part of them the node has.
fn desired() -> Desired {
    let mut cluster = Cluster::default();
    let loaded = cluster.apply(&[Source::text("node.yaml", CLUSTER)]);
    assert!(loaded.is_ok(), "{loaded:?}");
    Compiler::new(IpBlockMode::Any).compile(&cluster)
}

/// The planner that knows the node's tables, and the rows that it planned.
pub(crate) fn planned() -> &'static (Planner, Plan) {
    static PLANNED: OnceLock<(Planner, Plan)> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let mut planner = Planner::new();
        let plan = planner.plan(&desired().for_node(NODES[0]));
        (planner, plan)
    })
}

impl Node {
    /// The node with its policies in force.
    pub(crate) fn new() -> Self {
        let (_, plan) = planned();
        let mut memory = Memory::default();
        for write in &plan.writes {
            match *write {
                Write::Endpoint(address, rows) => memory.write_endpoint(address, rows),
                Write::Cidr(key, rows) => memory.write_cidr(key, rows),
                Write::Class(key, class) => memory.write_class(key, class),
                Write::Verdict(key, verdict) => memory.write_verdict(key, verdict),
                Write::Frontend(key, rows) => memory.write_frontend(key, rows),
                Write::Slot(key, backend) => memory.write_slot(key, backend),
                Write::Member(key, state) => memory.write_member(key, state),
                Write::Source(key, row) => memory.write_source(key, row),
            }
        }
        memory.generation = plan.generation;
        memory.set_masquerade(PORTS, []);
        let desired = desired();
        know(&mut memory, &desired);
        let [web, db, far] = [1, 2, 3].map(Pod::number);
        for pod in [web, db] {
            pod.plug(&mut memory);
        }
        Self {
            memory,
            web,
            db,
            far,
            far_identity: desired.endpoints[&far.v4.to_ip()].identity,
        }
    }
}

/// Says who the nodes are. The other has the link-layer address of its pod.
fn know(memory: &mut Memory, desired: &Desired) {
    for (name, mac) in NODES.into_iter().zip([0, 3]) {
        let node = &desired.nodes[name];
        let row = abi::Node {
            number: node.number,
            v4: node.addresses.v4.map_or(Address::NONE, Address::from),
            v6: node.addresses.v6.map_or(Address::NONE, Address::from),
            mac: Pod::number(mac).mac,
            ..abi::Node::default()
        };
        let rows = node.identities.iter().map(|identity| (*identity, row));
        memory.nodes.extend(rows);
    }
    memory.home = Home {
        number: desired.nodes[NODES[0]].number,
        routing: Routing::Native as u32,
        ..Home::default()
    };
}

impl Pod {
    /// The pod whose addresses in `node.yaml` end in `number`.
    fn number(number: u8) -> Self {
        let mut v6 = [0; 16];
        v6[0] = 0xfd;
        v6[15] = number;
        Self {
            ifindex: number.into(),
            mac: Mac([2, 0, 0, 0, 0, number]),
            v4: Address::from_v4([10, 0, 0, number]),
            v6: Address::from_v6(v6),
        }
    }

    fn plug(self, memory: &mut Memory) {
        let link = Link {
            v4: self.v4,
            v6: self.v6,
            mac: self.mac,
            ..Link::default()
        };
        memory.links.insert(self.ifindex, link);
        for address in [self.v4, self.v6] {
            let local = LocalEndpoint {
                ifindex: self.ifindex,
                mac: self.mac,
                gateway_mac: GATEWAY,
            };
            memory.locals.insert(address, local);
        }
    }
}
