//! Sockets of pods that talk to services.

use crate::world::{self, DB, WEB, address};
use abi::{
    BackendSet, End, FRONTEND_IS_THERE, Frontend, FrontendKey, FrontendRows, MEMBER_TAKES_NEW,
    MemberKey, Port, SlotKey, protocol,
};
use program::memory::Memory;
use program::{Maps, Socket, connect, known_as, send};

const FAMILIES: [usize; 2] = [0, 1];
const VIRTUAL: [&str; 2] = ["10.96.0.10", "fd00:10:96::10"];
const NAMESPACE: u64 = 77;

fn virtual_end(family: usize) -> End {
    End::new(address(VIRTUAL[family]), Port::new(80))
}

fn backend(family: usize) -> End {
    End::new(address([DB.v4, DB.v6][family]), Port::new(5432))
}

fn socket(cookie: u64, protocol: u8) -> Socket {
    Socket {
        cookie,
        namespace: NAMESPACE,
        protocol,
        port: Port::NONE,
    }
}

/// A node that knows the namespace of `WEB`, with a service in front of `DB`, or of nobody.
fn node(family: usize, is_served: bool) -> Memory {
    let mut memory = world::node();
    memory.namespaces.insert(NAMESPACE, WEB.ifindex);
    serve(&mut memory, family, 7, is_served);
    memory
}

fn serve(memory: &mut Memory, family: usize, set: u32, is_served: bool) {
    let backend = backend(family);
    if is_served {
        memory.write_slot(SlotKey { set, slot: 0 }, Some(backend));
        memory.write_member(MemberKey { set, backend }, Some(MEMBER_TAKES_NEW));
    }
    let frontend = Frontend {
        number: 1,
        flags: FRONTEND_IS_THERE,
        inside: BackendSet {
            id: set,
            slots: u32::from(is_served),
        },
        ..Frontend::default()
    };
    let end = virtual_end(family);
    for number in [protocol::TCP, protocol::UDP, protocol::SCTP] {
        let key = FrontendKey::exact(end.address, number, end.port);
        let rows = FrontendRows::default().with(memory.generation(), frontend);
        memory.write_frontend(key, Some(rows));
    }
}

#[test]
fn a_socket_is_connected_to_a_backend_and_knows_it_as_the_service() {
    for family in FAMILIES {
        for number in [protocol::TCP, protocol::UDP] {
            let memory = node(family, true);
            let socket = socket(1, number);
            let asked = virtual_end(family);
            assert_eq!(connect(&memory, &socket, &asked), Some(backend(family)));
            assert_eq!(known_as(&memory, 1, &backend(family)), Some(asked));
            assert_eq!(
                known_as(&memory, 2, &backend(family)),
                None,
                "another socket"
            );
        }
    }
}

#[test]
fn a_socket_that_is_connected_to_the_backend_itself_knows_it_by_its_name() {
    for family in FAMILIES {
        let memory = node(family, true);
        let socket = socket(1, protocol::UDP);
        let _ = connect(&memory, &socket, &virtual_end(family));
        assert_eq!(connect(&memory, &socket, &backend(family)), None);
        assert_eq!(known_as(&memory, 1, &backend(family)), None);
    }
}

#[test]
fn datagrams_of_a_socket_stay_with_a_backend_as_long_as_it_is_one() {
    for family in FAMILIES {
        let mut memory = node(family, true);
        let socket = socket(1, protocol::UDP);
        let asked = virtual_end(family);
        for _ in 0..3 {
            assert_eq!(send(&memory, &socket, &asked), Some(backend(family)));
        }
        assert_eq!(known_as(&memory, 1, &backend(family)), Some(asked));
        serve(&mut memory, family, 8, false);
        assert_eq!(send(&memory, &socket, &asked), None, "packets are told");
    }
}

#[test]
fn what_is_no_pod_s_or_no_service_s_is_left_as_it_is() {
    for family in FAMILIES {
        let memory = node(family, true);
        let asked = virtual_end(family);
        let stranger = Socket {
            namespace: 78,
            ..socket(1, protocol::TCP)
        };
        assert_eq!(connect(&memory, &stranger, &asked), None);
        let crafted = socket(1, protocol::SCTP);
        assert_eq!(connect(&memory, &crafted, &asked), None);
        let other = End::new(asked.address, Port::new(81));
        assert_eq!(connect(&memory, &socket(1, protocol::TCP), &other), None);
        let nobody = node(family, false);
        assert_eq!(connect(&nobody, &socket(1, protocol::TCP), &asked), None);
        assert_eq!(memory.take_events(), []);
    }
}
