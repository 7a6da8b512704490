//! A node with two pods. `web` (`10.0.0.1`, `fd00::1`, interface 11) is open; `db` (`10.0.0.2`, `fd00::2`, interface 12)
//! is isolated for ingress: identity 300 may reach TCP and SCTP 5432 and every port of UDP.

use abi::{
    Address, ClassKey, Disposition, DropReason, Endpoint, EndpointRows, Event, Identity, Link,
    LocalEndpoint, Mac, Port, RuleSet, TableId, Verdict, VerdictKey, protocol,
};
use program::memory::Memory;
use program::{Action, Scratch};
use std::net::IpAddr;

pub(crate) const WEB: Pod = Pod {
    ifindex: 11,
    v4: "10.0.0.1",
    v6: "fd00::1",
    mac: [2, 0, 0, 0, 0, 1],
    identity: Identity(300),
};
pub(crate) const DB: Pod = Pod {
    ifindex: 12,
    v4: "10.0.0.2",
    v6: "fd00::2",
    mac: [2, 0, 0, 0, 0, 2],
    identity: Identity(301),
};
pub(crate) const NODE: Identity = Identity(256);
pub(crate) const NODE_ADDRESS: &str = "172.18.0.1";
pub(crate) const GATEWAY: Mac = Mac([2, 0, 0, 0, 0, 0xff]);
pub(crate) const DB_INGRESS: TableId = TableId(7);
pub(crate) const RULE: RuleSet = RuleSet(1);

pub(crate) struct Pod {
    pub(crate) ifindex: u32,
    pub(crate) v4: &'static str,
    pub(crate) v6: &'static str,
    pub(crate) mac: [u8; 6],
    pub(crate) identity: Identity,
}

pub(crate) fn address(text: &str) -> Address {
    text.parse::<IpAddr>().unwrap().into()
}

/// The node of the module's first line, with generation 1 in force.
pub(crate) fn node() -> Memory {
    let mut memory = Memory::default();
    memory.generation = 1;
    memory.now = 1_000_000_000;
    plug(&mut memory, &WEB, TableId::OPEN);
    plug(&mut memory, &DB, DB_INGRESS);
    let row = Endpoint {
        identity: NODE,
        node: NODE,
        ..Endpoint::default()
    };
    memory.write_endpoint(
        address(NODE_ADDRESS),
        Some(EndpointRows::default().with(1, row)),
    );
    allow(&mut memory, WEB.identity);
    memory
}

fn plug(memory: &mut Memory, pod: &Pod, ingress: TableId) {
    let link = Link {
        v4: address(pod.v4),
        v6: address(pod.v6),
        mac: Mac(pod.mac),
        reserved: [0; 2],
    };
    memory.links.insert(pod.ifindex, link);
    let row = Endpoint {
        identity: pod.identity,
        node: NODE,
        egress: TableId::OPEN,
        ingress,
    };
    for text in [pod.v4, pod.v6] {
        let local = LocalEndpoint {
            ifindex: pod.ifindex,
            mac: Mac(pod.mac),
            gateway_mac: GATEWAY,
        };
        memory.locals.insert(address(text), local);
        memory.write_endpoint(address(text), Some(EndpointRows::default().with(1, row)));
    }
}

/// Lets `identity` reach db on TCP and SCTP 5432 and on UDP.
fn allow(memory: &mut Memory, identity: Identity) {
    let class = ClassKey {
        table: DB_INGRESS,
        identity,
    };
    memory.write_class(class, Some(1));
    for (number, port, length) in [
        (protocol::TCP, 5432, VerdictKey::EXACT),
        (protocol::SCTP, 5432, VerdictKey::EXACT),
        (protocol::UDP, 0, VerdictKey::ANY_PORT),
    ] {
        let key = VerdictKey::prefix(DB_INGRESS, 1, number, Port::new(port), length);
        memory.write_verdict(key, Some(Verdict::allow(RULE)));
    }
}

/// Takes the allow away under the next generation, with db's ingress in a new and empty table.
pub(crate) fn revoke(memory: &mut Memory) {
    memory.generation += 1;
    let since = memory.generation;
    for text in [DB.v4, DB.v6] {
        let rows = memory.endpoints[&address(text)];
        let row = Endpoint {
            identity: DB.identity,
            node: NODE,
            egress: TableId::OPEN,
            ingress: TableId(8),
        };
        memory.write_endpoint(address(text), Some(rows.with(since, row)));
    }
}

pub(crate) fn send(memory: &Memory, from: &Pod, mut frame: Vec<u8>) -> Action {
    let mut scratch = Scratch::default();
    program::from_endpoint(memory, &mut frame, &mut scratch, from.ifindex)
}

pub(crate) fn receive(memory: &Memory, to: &Pod, mut frame: Vec<u8>) -> Action {
    let mut scratch = Scratch::default();
    program::to_endpoint(memory, &mut frame, &mut scratch, to.ifindex)
}

/// The packet is delivered into this pod.
pub(crate) fn delivered(to: &Pod) -> Action {
    Action::Redirect {
        ifindex: to.ifindex,
    }
}

/// Exactly one event was written since the last look.
pub(crate) fn only_event(memory: &Memory) -> Event {
    let events = memory.take_events();
    assert_eq!(events.len(), 1, "{events:?}");
    events[0]
}

/// A drop has its reason, its counter and its event.
pub(crate) fn assert_drop(memory: &Memory, action: Action, reason: DropReason) {
    assert_eq!(action, Action::Drop(reason));
    let event = only_event(memory);
    assert_eq!(DropReason::from_number(event.reason), Some(reason));
    assert_ne!(event.disposition, Disposition::Allowed as u8);
    assert!(memory.drops()[&reason] > 0);
}
