//! What rows show packets to services.

use abi::{BackendSet, End, Frontend, FrontendKey, Generation, Port};
use manifest::Protocol;
use policy::Rows;
use service::{Backends, Services, VirtualEnd};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Ends to look at: of services that may be there, at their other ports, and elsewhere.
const ENDS: [(&str, Protocol, u16); 8] = [
    ("10.96.0.1", Protocol::Tcp, 80),
    ("10.96.0.1", Protocol::Tcp, 443),
    ("10.96.0.1", Protocol::Udp, 80),
    ("fd00:10:96::1", Protocol::Tcp, 80),
    ("10.96.0.2", Protocol::Tcp, 80),
    ("10.96.0.2", Protocol::Udp, 80),
    ("10.96.0.2", Protocol::Sctp, 80),
    ("10.0.0.1", Protocol::Tcp, 80),
];

/// What is found at a virtual end.
#[derive(PartialEq, Debug)]
pub(crate) enum Served {
    /// The address is a service's, and there is nobody at this port.
    Nobody,
    /// A service's port: for how long its clients are affine, and its backends.
    Port {
        affinity: u32,
        inside: Set,
        outside: Set,
    },
}

/// The slots in order and the members with their states.
type Set = (Vec<End>, BTreeMap<End, u32>);

/// What the rows show a packet of `generation` to each of the ends.
pub(crate) fn look(rows: &Rows, generation: Generation) -> Vec<Option<Served>> {
    let ends = ENDS.iter().map(|(address, protocol, port)| {
        let address = address.parse::<IpAddr>().unwrap().into();
        let exact = FrontendKey::exact(address, number(*protocol), Port::new(*port));
        let row = rows.frontends.get(&exact);
        let row = row.or_else(|| rows.frontends.get(&FrontendKey::address(address)));
        let frontend = row.and_then(|row| row.at(generation));
        let frontend = frontend.filter(|frontend| frontend.is_there())?;
        Some(found(rows, frontend))
    });
    ends.collect()
}

fn found(rows: &Rows, frontend: &Frontend) -> Served {
    if frontend.number == 0 {
        return Served::Nobody;
    }
    Served::Port {
        affinity: frontend.affinity,
        inside: found_set(rows, frontend.inside),
        outside: found_set(rows, frontend.outside),
    }
}

fn found_set(rows: &Rows, set: BackendSet) -> Set {
    let slots = rows.slots.iter().filter(|(key, _)| key.set == set.id);
    let slots: Vec<End> = slots.map(|(_, backend)| *backend).collect();
    assert_eq!(slots.len(), usize::try_from(set.slots).unwrap(), "{set:?}");
    let members = rows.members.iter().filter(|(key, _)| key.set == set.id);
    let members = members.map(|(key, state)| (key.backend, *state));
    (slots, members.collect())
}

/// What packets are to see at each of the ends.
pub(crate) fn wanted(services: &Services) -> Vec<Option<Served>> {
    let ends = ENDS.iter().map(|(address, protocol, port)| {
        let end = VirtualEnd {
            address: address.parse().unwrap(),
            protocol: *protocol,
            port: *port,
        };
        let nobody = || services.addresses.contains(&end.address);
        match services.frontends.get(&end) {
            None => nobody().then_some(Served::Nobody),
            Some(frontend) => Some(Served::Port {
                affinity: frontend.affinity,
                inside: wanted_set(&frontend.inside),
                outside: wanted_set(&frontend.outside),
            }),
        }
    });
    ends.collect()
}

fn wanted_set(backends: &Backends) -> Set {
    let take_new = backends
        .take_new
        .iter()
        .map(|backend| (end(*backend), abi::MEMBER_TAKES_NEW));
    let drain = backends
        .drain
        .iter()
        .map(|backend| (end(*backend), abi::MEMBER_DRAINS));
    let slots = backends.slots().into_iter().map(end);
    (slots.collect(), take_new.chain(drain).collect())
}

fn end(backend: SocketAddr) -> End {
    End::new(backend.ip().into(), Port::new(backend.port()))
}

fn number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => abi::protocol::TCP,
        Protocol::Udp => abi::protocol::UDP,
        Protocol::Sctp => abi::protocol::SCTP,
        Protocol::Icmp => abi::protocol::ICMP,
    }
}
