//! Pods that talk to services.

use crate::craft::{self, Ends};
use crate::hostile::every_byte_changed;
use crate::world::{self, DB, Pod, WEB, address, assert_drop, delivered, only_event};
use abi::{
    BackendSet, Disposition, DropReason, End, FRONTEND_HASHES, FRONTEND_IS_THERE, Frontend,
    FrontendKey, FrontendRows, MEMBER_DRAINS, MEMBER_TAKES_NEW, MemberKey, Port, SlotKey, protocol,
};
use program::memory::Memory;
use program::{Action, Scratch};
use std::collections::BTreeMap;

const VIRTUAL: [&str; 2] = ["10.96.0.10", "fd00:10:96::10"];
const FAMILIES: [usize; 2] = [0, 1];
const PROTOCOLS: [u8; 3] = [protocol::TCP, protocol::UDP, protocol::SCTP];
const SECOND: u64 = 1_000_000_000;
/// The service's port and its backends'.
const PORT: u16 = 80;
const TARGET: u16 = 5432;

fn own(pod: &Pod, family: usize) -> &'static str {
    [pod.v4, pod.v6][family]
}

fn backend(pod: &Pod, family: usize) -> End {
    End::new(address(own(pod, family)), Port::new(TARGET))
}

/// What a virtual end leads to from this generation on.
#[derive(Clone, Default)]
struct Service {
    number: u32,
    slots: Vec<End>,
    drains: Vec<End>,
    affinity: u32,
    hashes: bool,
}

impl Service {
    fn of(slots: impl IntoIterator<Item = End>) -> Self {
        Self {
            number: 1,
            slots: slots.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// Brings the service of this family into force, with the next generation.
fn serve(memory: &mut Memory, family: usize, service: &Service) {
    let generation = memory.generation + 1;
    let set = u32::try_from(generation).unwrap() * 2 + u32::try_from(family).unwrap();
    for (slot, backend) in (0..).zip(&service.slots) {
        memory.write_slot(SlotKey { set, slot }, Some(*backend));
    }
    let active = service.slots.iter().map(|end| (end, MEMBER_TAKES_NEW));
    let drains = service.drains.iter().map(|end| (end, MEMBER_DRAINS));
    for (backend, state) in active.chain(drains) {
        let backend = *backend;
        memory.write_member(MemberKey { set, backend }, Some(state));
    }
    let slots = u32::try_from(service.slots.len()).unwrap();
    let frontend = Frontend {
        number: service.number,
        flags: FRONTEND_IS_THERE | if service.hashes { FRONTEND_HASHES } else { 0 },
        inside: BackendSet { id: set, slots },
        affinity: service.affinity,
        ..Frontend::default()
    };
    for number in PROTOCOLS {
        let key = FrontendKey::exact(address(VIRTUAL[family]), number, Port::new(PORT));
        write(memory, key, generation, frontend);
    }
    let address_alone = Frontend {
        flags: FRONTEND_IS_THERE,
        ..Frontend::default()
    };
    write(
        memory,
        FrontendKey::address(address(VIRTUAL[family])),
        generation,
        address_alone,
    );
    memory.generation = generation;
}

fn write(memory: &mut Memory, key: FrontendKey, since: u64, frontend: Frontend) {
    let rows = memory.frontends.get(key.data()).copied();
    let is_own = rows.filter(|_| key.prefix_length == FrontendKey::EXACT);
    let rows: FrontendRows = is_own.unwrap_or_default();
    memory.write_frontend(key, Some(rows.with(since, frontend)));
}

fn node(service: &Service) -> [Memory; 2] {
    FAMILIES.map(|family| {
        let mut memory = world::node();
        serve(&mut memory, family, service);
        memory
    })
}

/// One pod behind the service, of both families.
fn node_with(backends: &[&Pod]) -> [Memory; 2] {
    FAMILIES.map(|family| {
        let mut memory = world::node();
        let backends = backends.iter().map(|pod| backend(pod, family));
        serve(&mut memory, family, &Service::of(backends));
        memory
    })
}

fn to_service(from: &Pod, family: usize, port: u16) -> Ends<'static> {
    Ends {
        from: (own(from, family), port),
        to: (VIRTUAL[family], PORT),
    }
}

fn to_pod(from: &Pod, to: &Pod, family: usize, port: u16) -> Ends<'static> {
    Ends {
        from: (own(from, family), port),
        to: (own(to, family), TARGET),
    }
}

fn send(memory: &Memory, from: &Pod, mut frame: Vec<u8>) -> (Action, Vec<u8>) {
    let action = program::from_endpoint(memory, &mut frame, &mut Scratch::default(), from.ifindex);
    (action, frame)
}

/// The packet in a frame, without the frame's own header.
fn packet(frame: &[u8]) -> &[u8] {
    &frame[14..]
}

fn kinds(pod: &Pod, ends: Ends<'_>) -> [Vec<u8>; 4] {
    [
        craft::tcp(pod, ends, "S"),
        craft::udp(pod, ends, b"question"),
        craft::udp(pod, ends, b"odd"),
        craft::sctp(pod, ends, 1),
    ]
}

fn answers(pod: &Pod, ends: Ends<'_>) -> [Vec<u8>; 4] {
    [
        craft::tcp(pod, ends, "S."),
        craft::udp(pod, ends, b"answer"),
        craft::udp(pod, ends, b"no"),
        craft::sctp(pod, ends, 2),
    ]
}

#[test]
fn what_is_sent_to_a_service_goes_to_its_backend_and_the_answer_comes_from_the_service() {
    for family in FAMILIES {
        for kind in 0..4 {
            let memory = &node_with(&[&DB])[family];
            let virtual_ends = to_service(&WEB, family, 40_000);
            let real_ends = to_pod(&WEB, &DB, family, 40_000);
            for _ in 0..2 {
                let (action, frame) = send(memory, &WEB, kinds(&WEB, virtual_ends)[kind].clone());
                assert_eq!(action, delivered(&DB));
                assert_eq!(packet(&frame), packet(&kinds(&WEB, real_ends)[kind]));
                let answer = answers(&DB, real_ends.back())[kind].clone();
                let (action, frame) = send(memory, &DB, answer);
                assert_eq!(action, delivered(&WEB));
                let expected = answers(&DB, virtual_ends.back())[kind].clone();
                assert_eq!(packet(&frame), packet(&expected), "{family} {kind}");
            }
            let event = only_event(memory);
            assert_eq!(event.disposition, Disposition::Allowed as u8);
            assert_eq!(event.destination, address(own(&DB, family)));
            assert_eq!(event.destination_port, Port::new(TARGET));
            let frontend = End::new(address(VIRTUAL[family]), Port::new(PORT));
            assert_eq!(event.frontend, frontend);
        }
    }
}

#[test]
fn policies_judge_the_backend() {
    for family in FAMILIES {
        let mut memory = world::node();
        let denied = End::new(address(own(&DB, family)), Port::new(5433));
        serve(&mut memory, family, &Service::of([denied]));
        let syn = craft::tcp(&WEB, to_service(&WEB, family, 40_000), "S");
        let (action, _) = send(&memory, &WEB, syn);
        assert_eq!(action, Action::Drop(DropReason::PolicyDeniedIngress));
        let event = only_event(&memory);
        assert_eq!(event.destination_port, Port::new(5433));
        assert_eq!(event.frontend.port, Port::new(PORT));
        assert!(memory.connections().is_empty());
    }
}

#[test]
fn a_pod_may_be_its_own_backend() {
    for family in FAMILIES {
        for kind in 0..3 {
            let memory = &node_with(&[&DB])[family];
            let virtual_ends = to_service(&DB, family, 40_000);
            let (action, frame) = send(memory, &DB, kinds(&DB, virtual_ends)[kind].clone());
            assert_eq!(action, delivered(&DB));
            let loopback = ["169.254.42.1", "fd00:169:254:42::1"][family];
            let seen = Ends {
                from: (loopback, 40_000),
                to: (own(&DB, family), TARGET),
            };
            assert_eq!(packet(&frame), packet(&kinds(&DB, seen)[kind]));
            let event = only_event(memory);
            assert_eq!((event.source, event.destination), {
                let itself = address(own(&DB, family));
                (itself, itself)
            });
            let (action, frame) = send(memory, &DB, answers(&DB, seen.back())[kind].clone());
            assert_eq!(action, delivered(&DB));
            let expected = answers(&DB, virtual_ends.back())[kind].clone();
            assert_eq!(packet(&frame), packet(&expected));
            let unasked = Ends {
                from: (own(&DB, family), TARGET),
                to: (loopback, 40_001),
            };
            let (action, _) = send(memory, &DB, answers(&DB, unasked)[kind].clone());
            assert_drop(memory, action, DropReason::NoTranslation);
        }
    }
}

/// A TCP segment that a refusal is the answer to, and the flags and numbers of that.
fn check_reset(flags: &str, expected_flags: u8, sequence: u32, acknowledged: u32) {
    for family in FAMILIES {
        let memory = &node(&Service::of([]))[family];
        let ends = to_service(&WEB, family, 40_000);
        let (action, frame) = send(memory, &WEB, craft::tcp(&WEB, ends, flags));
        let reason = DropReason::NoServiceBackend;
        let ifindex = WEB.ifindex;
        assert_eq!(action, Action::Refuse { reason, ifindex });
        assert_eq!(only_event(memory).reason, reason as u8);
        let gateway = Pod {
            mac: world::GATEWAY.0,
            ..WEB
        };
        let sliced = etherparse::SlicedPacket::from_ethernet(&frame).unwrap();
        let Some(etherparse::TransportSlice::Tcp(tcp)) = &sliced.transport else {
            panic!("no TCP: {frame:?}");
        };
        assert_eq!(frame[..6], WEB.mac);
        assert_eq!(frame[6..12], gateway.mac);
        assert_eq!(tcp.sequence_number(), sequence);
        assert_eq!(tcp.acknowledgment_number(), acknowledged);
        assert_eq!(tcp.slice()[13], expected_flags);
        assert_eq!((tcp.source_port(), tcp.destination_port()), (PORT, 40_000));
        let expected = match sliced.net.unwrap() {
            etherparse::NetSlice::Ipv4(ip) => {
                let header = ip.header().to_header();
                assert_eq!(header.header_checksum, header.calc_header_checksum());
                tcp.calc_checksum_ipv4(header.source, header.destination)
            }
            etherparse::NetSlice::Ipv6(ip) => {
                let header = ip.header().to_header();
                tcp.calc_checksum_ipv6(header.source, header.destination)
            }
            etherparse::NetSlice::Arp(_) => panic!("ARP"),
        };
        assert_eq!(tcp.checksum(), expected.unwrap());
    }
}

#[test]
fn a_service_without_backends_refuses_tcp_with_a_reset() {
    // craft's sequence number is 1, and it acknowledges 1.
    check_reset("S", 0x14, 0, 2);
    check_reset(".", 0x04, 1, 0);
    check_reset("F.", 0x04, 1, 0);
    check_reset("F", 0x14, 0, 2);
}

#[test]
fn a_reset_is_not_answered() {
    for family in FAMILIES {
        let memory = &node(&Service::of([]))[family];
        let reset = craft::tcp(&WEB, to_service(&WEB, family, 40_000), "R");
        let (action, _) = send(memory, &WEB, reset);
        assert_drop(memory, action, DropReason::NoServiceBackend);
    }
}

#[test]
fn others_are_refused_with_an_icmp_error() {
    for family in FAMILIES {
        let memory = &node(&Service::of([]))[family];
        let ends = to_service(&WEB, family, 40_000);
        let to_nobody = Ends {
            to: (VIRTUAL[family], 81),
            ..ends
        };
        let backend = DropReason::NoServiceBackend;
        let port = DropReason::NoServicePort;
        for (sent, reason) in [
            (craft::udp(&WEB, ends, b"question"), backend),
            (craft::udp(&WEB, ends, b""), backend),
            (craft::udp(&WEB, to_nobody, b"question"), port),
            (craft::echo(&WEB, ends, true), port),
        ] {
            let (action, frame) = send(memory, &WEB, sent.clone());
            let ifindex = WEB.ifindex;
            assert_eq!(action, Action::Refuse { reason, ifindex });
            let quoted = [34, 54][family] + 8;
            let gateway = Pod {
                mac: WEB.mac,
                ..WEB
            };
            let mut expected =
                craft::summed(craft::unreachable(&gateway, ends.back(), &sent[..quoted]));
            expected[..6].copy_from_slice(&WEB.mac);
            expected[6..12].copy_from_slice(&world::GATEWAY.0);
            if family == 0 {
                // The builder asks for fragments if need be; an answer does not.
                assert_eq!(frame[20], 0x40);
            }
            assert_eq!(
                &packet(&frame)[[20, 40][family]..],
                &packet(&expected)[[20, 40][family]..]
            );
            assert_eq!(only_event(memory).reason, reason as u8);
        }
    }
}

#[test]
fn associations_are_refused_with_an_abort() {
    const INIT: u8 = 1;
    const DATA: u8 = 0;
    const ABORT: u8 = 6;
    let other = [1, 2, 3, 4];
    for family in FAMILIES {
        let memory = &node(&Service::of([]))[family];
        let ends = to_service(&WEB, family, 40_000);
        for (sent, expected) in [
            (
                craft::sctp(&WEB, ends, INIT),
                Some(([ABORT, 0], craft::TAG)),
            ),
            (
                craft::sctp_empty(&WEB, ends, [DATA, 0], other),
                Some(([ABORT, 1], other)),
            ),
            (craft::sctp_empty(&WEB, ends, [ABORT, 0], other), None),
        ] {
            let (action, frame) = send(memory, &WEB, sent);
            let reason = DropReason::NoServiceBackend;
            let Some((chunk, tag)) = expected else {
                assert_eq!(action, Action::Drop(reason));
                continue;
            };
            let ifindex = WEB.ifindex;
            assert_eq!(action, Action::Refuse { reason, ifindex });
            let expected = craft::sctp_empty(&WEB, ends.back(), chunk, tag);
            let transport = [20, 40][family];
            assert_eq!(packet(&frame)[transport..], packet(&expected)[transport..]);
        }
    }
}

#[test]
fn later_fragments_follow_the_first_to_the_backend() {
    for family in FAMILIES {
        let memory = &node_with(&[&DB])[family];
        let payload = [7; 64];
        let sent = craft::fragments(&WEB, to_service(&WEB, family, 40_000), &payload);
        let expected = craft::fragments(&WEB, to_pod(&WEB, &DB, family, 40_000), &payload);
        for (sent, expected) in sent.into_iter().zip(expected) {
            let (action, frame) = send(memory, &WEB, sent);
            assert_eq!(action, delivered(&DB));
            assert_eq!(packet(&frame), packet(&expected));
        }
    }
}

/// Opens a connection; the pod that it goes to.
fn open(memory: &Memory, family: usize, port: u16) -> [u8; 6] {
    let syn = craft::tcp(&WEB, to_service(&WEB, family, port), "S");
    let (action, frame) = send(memory, &WEB, syn);
    assert!(matches!(action, Action::Redirect { .. }), "{action:?}");
    frame[..6].try_into().unwrap()
}

/// Two backends: db, and web itself.
fn both(family: usize) -> Service {
    Service::of([backend(&DB, family), backend(&WEB, family)])
}

#[test]
fn backends_are_chosen_at_random_or_by_the_client() {
    for family in FAMILIES {
        let chosen = |service: &Service| {
            let mut memory = world::node();
            serve(&mut memory, family, service);
            (0..400)
                .map(|index| open(&memory, family, 30_000 + index))
                .collect::<Vec<_>>()
        };
        let count = |chosen: &[[u8; 6]]| {
            let mut counts = BTreeMap::new();
            for mac in chosen {
                *counts.entry(*mac).or_insert(0) += 1;
            }
            counts.into_values().collect::<Vec<u32>>()
        };
        let hashed = Service {
            hashes: true,
            ..both(family)
        };
        for service in [&both(family), &hashed] {
            let counts = count(&chosen(service));
            // Six standard deviations of a fair coin.
            assert_eq!(counts.len(), 2);
            assert!(
                counts.iter().all(|count| (140..=260).contains(count)),
                "{counts:?}"
            );
        }
        assert_eq!(chosen(&hashed), chosen(&hashed));
    }
}

#[test]
fn a_client_stays_with_its_backend_for_a_while() {
    for family in FAMILIES {
        let mut memory = world::node();
        let affine = Service {
            affinity: 10,
            ..both(family)
        };
        serve(&mut memory, family, &affine);
        let first = open(&memory, family, 30_000);
        for port in 30_001..30_040 {
            memory.now += 9 * SECOND;
            assert_eq!(open(&memory, family, port), first);
        }
        // Whoever has gone is no longer chosen, and the client stays with the other one.
        let gone = affine.slots.iter().position(|end| {
            let pod = if first == DB.mac { &DB } else { &WEB };
            *end == backend(pod, family)
        });
        let mut left = affine.clone();
        left.slots.remove(gone.unwrap());
        serve(&mut memory, family, &left);
        let second = open(&memory, family, 31_000);
        assert_ne!(second, first);
        serve(&mut memory, family, &affine);
        for port in 31_001..31_040 {
            assert_eq!(open(&memory, family, port), second);
        }
        // Forty times alike by chance is once in 10¹².
        let apart = (32_000..32_040).any(|port| {
            memory.now += 11 * SECOND;
            open(&memory, family, port) != second
        });
        assert!(apart);
    }
}

#[test]
fn a_backend_that_drains_keeps_its_connections_and_gets_no_new_ones() {
    for family in FAMILIES {
        let mut memory = world::node();
        serve(&mut memory, family, &Service::of([backend(&DB, family)]));
        let virtual_ends = to_service(&WEB, family, 40_000);
        let real_ends = to_pod(&WEB, &DB, family, 40_000);
        assert_eq!(open(&memory, family, 40_000), DB.mac);
        let _ = send(&memory, &DB, craft::tcp(&DB, real_ends.back(), "S."));
        let drains = Service {
            drains: vec![backend(&DB, family)],
            ..Service::of([backend(&WEB, family)])
        };
        serve(&mut memory, family, &drains);
        let data = craft::tcp(&WEB, virtual_ends, ".");
        assert_eq!(send(&memory, &WEB, data).0, delivered(&DB));
        assert_eq!(open(&memory, family, 40_001), WEB.mac);
        // The same port again, for a new connection.
        assert_eq!(open(&memory, family, 40_000), WEB.mac);
    }
}

#[test]
fn a_backend_that_has_gone_resets_streams_and_others_move_on() {
    for family in FAMILIES {
        let mut memory = world::node();
        serve(&mut memory, family, &Service::of([backend(&DB, family)]));
        let ends = to_service(&WEB, family, 40_000);
        assert_eq!(open(&memory, family, 40_000), DB.mac);
        let question = || craft::udp(&WEB, ends, b"question");
        assert_eq!(send(&memory, &WEB, question()).0, delivered(&DB));
        serve(&mut memory, family, &Service::of([backend(&WEB, family)]));
        let reason = DropReason::ServiceBackendGone;
        let ifindex = WEB.ifindex;
        for _ in 0..2 {
            let (action, _) = send(&memory, &WEB, craft::tcp(&WEB, ends, "."));
            assert_eq!(action, Action::Refuse { reason, ifindex });
        }
        let (action, _) = send(&memory, &WEB, question());
        assert_eq!(action, delivered(&WEB));
        serve(&mut memory, family, &Service::of([]));
        let reason = DropReason::NoServiceBackend;
        assert_eq!(
            send(&memory, &WEB, question()).0,
            Action::Refuse { reason, ifindex }
        );
    }
}

#[test]
fn a_connection_of_the_client_s_own_to_the_backend_is_another() {
    for family in FAMILIES {
        let memory = &node_with(&[&DB])[family];
        let real_ends = to_pod(&WEB, &DB, family, 40_000);
        let syn = |ends| craft::tcp(&WEB, ends, "S");
        assert_eq!(send(memory, &WEB, syn(real_ends)).0, delivered(&DB));
        let (action, _) = send(memory, &WEB, syn(to_service(&WEB, family, 40_000)));
        memory.take_events();
        assert_eq!(action, Action::Drop(DropReason::NoTranslation));
        assert_eq!(open(memory, family, 40_001), DB.mac);
        memory.take_events();
        let direct = syn(to_pod(&WEB, &DB, family, 40_001));
        assert_drop(
            memory,
            send(memory, &WEB, direct).0,
            DropReason::NoTranslation,
        );
    }
}

#[test]
fn nobody_answers_in_a_service_s_name() {
    for family in FAMILIES {
        let memory = &node_with(&[&DB])[family];
        assert_eq!(open(memory, family, 40_000), DB.mac);
        memory.take_events();
        let forged = craft::tcp(&DB, to_service(&WEB, family, 40_000).back(), "S.");
        let action = world::receive(memory, &WEB, forged);
        assert_drop(memory, action, DropReason::NoTranslation);
    }
}

#[test]
fn icmp_errors_are_about_the_service_to_the_client_and_about_the_client_to_the_backend() {
    for family in FAMILIES {
        let memory = &node_with(&[&DB])[family];
        let virtual_ends = to_service(&WEB, family, 40_000);
        let real_ends = to_pod(&WEB, &DB, family, 40_000);
        let question = |ends| craft::udp(&WEB, ends, b"question");
        let answer = |ends| craft::udp(&DB, ends, b"answer");
        let _ = send(memory, &WEB, question(virtual_ends));
        let _ = send(memory, &DB, answer(real_ends.back()));
        let error =
            |pod, ends: Ends<'_>, about: &[u8]| craft::summed(craft::unreachable(pod, ends, about));
        let of_db = error(&DB, real_ends.back(), &question(real_ends));
        let (action, frame) = send(memory, &DB, of_db);
        assert_eq!(action, delivered(&WEB));
        let expected = error(&DB, virtual_ends.back(), &question(virtual_ends));
        assert_eq!(packet(&frame), packet(&expected));
        let of_web = error(&WEB, virtual_ends, &answer(virtual_ends.back()));
        let (action, frame) = send(memory, &WEB, of_web);
        assert_eq!(action, delivered(&DB));
        let expected = error(&WEB, real_ends, &answer(real_ends.back()));
        assert_eq!(packet(&frame), packet(&expected));
    }
}

#[test]
fn whatever_is_wrong_with_a_packet_to_a_service_it_ends() {
    for family in FAMILIES {
        for memory in [&node_with(&[&DB])[family], &node(&Service::of([]))[family]] {
            for frame in kinds(&WEB, to_service(&WEB, family, 40_000)) {
                every_byte_changed(&frame, |changed| {
                    let _ = send(memory, &WEB, changed);
                    memory.take_events();
                });
            }
        }
    }
}
