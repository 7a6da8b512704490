//! The node that packets and events are held against.

use abi::{Address, Link, LocalEndpoint, Mac};
use manifest::{Cluster, IpBlockMode, Source};
use policy::{Compiler, Plan, Planner, Write};
use program::memory::Memory;
use std::sync::OnceLock;

/// A node with an open pod `web` and a pod `db` that no one may reach.
const CLUSTER: &str = include_str!("node.yaml");

/// The link-layer address of the host side of every link.
pub(crate) const GATEWAY: Mac = Mac([0xee; 6]);

/// A pod of the node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pod {
    /// Index of the host side of its link.
    pub(crate) ifindex: u32,
    pub(crate) mac: Mac,
    pub(crate) v4: Address,
    pub(crate) v6: Address,
}

/// Two pods and the maps of their node.
pub(crate) struct Node {
    pub(crate) memory: Memory,
    pub(crate) web: Pod,
    pub(crate) db: Pod,
}

/// The planner that knows the node's tables, and the rows that it planned.
pub(crate) fn planned() -> &'static (Planner, Plan) {
    static PLANNED: OnceLock<(Planner, Plan)> = OnceLock::new();
    PLANNED.get_or_init(|| {
        let mut cluster = Cluster::default();
        let loaded = cluster.apply(&[Source::text("node.yaml", CLUSTER)]);
        assert!(loaded.is_ok(), "{loaded:?}");
        let mut planner = Planner::new();
        let plan = planner.plan(&Compiler::new(IpBlockMode::Any).compile(&cluster));
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
            }
        }
        memory.generation = plan.generation;
        let [web, db] = [1, 2].map(Pod::number);
        for pod in [web, db] {
            pod.plug(&mut memory);
        }
        Self { memory, web, db }
    }
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
