//! The same proof without luck: the program in this process, over maps that change between any two of its look-ups.
//!
//! In the kernel a packet is judged within a microsecond, and it takes two table swaps within that time to show it what
//! it must not see. Here any number of writes happens wherever the test says so.

use crate::flow::{FLOWS, Flow, PODS, address};
use crate::state::{State, states};
use crate::witness::Witness;
use abi::{
    Address, Affinity, AffinityKey, ClassKey, Connection, ConnectionKey, DropReason, End, Endpoint,
    Event, EventLimit, FirstFragment, FragmentKey, Frontend, FrontendKey, Generation, Guard, Home,
    Identity, Link, LocalEndpoint, Mac, MemberKey, Node, PeerKey, PortRange, SlotKey, SourceKey,
    Translation, TranslationKey, Verdict, VerdictKey,
};
use etherparse::PacketBuilder;
use manifest::IpBlockMode;
use policy::{Compiler, Planner, Write};
use program::memory::Memory;
use program::{Full, Maps, Scratch};
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::VecDeque;

const GATEWAY: [u8; 6] = [2, 0, 0, 0, 0, 0xff];

/// One system call of an agent that brings plans into force.
enum Step {
    Write(Write),
    Activate(Generation),
}

/// Maps that an agent goes on changing while they are looked at.
struct Changing {
    /// What the agent does not change meanwhile: links, connections, events.
    rest: Memory,
    /// The policy maps.
    policy: RefCell<Memory>,
    /// What the agent is about to do.
    steps: RefCell<VecDeque<Step>>,
    /// How many steps it takes before each look-up; none when this is at its end.
    paces: RefCell<VecDeque<usize>>,
}

impl Changing {
    /// Lets the agent go on, then looks at the policy maps.
    fn look<R>(&self, at: impl FnOnce(&Memory) -> R) -> R {
        let steps = self.paces.borrow_mut().pop_front().unwrap_or(0);
        for _ in 0..steps {
            self.step();
        }
        at(&self.policy.borrow())
    }

    fn step(&self) {
        let mut memory = self.policy.borrow_mut();
        match self.steps.borrow_mut().pop_front() {
            None => {}
            Some(Step::Activate(generation)) => memory.generation = generation,
            Some(Step::Write(Write::Endpoint(key, row))) => memory.write_endpoint(key, row),
            Some(Step::Write(Write::Cidr(key, row))) => memory.write_cidr(key, row),
            Some(Step::Write(Write::Class(key, row))) => memory.write_class(key, row),
            Some(Step::Write(Write::Verdict(key, row))) => memory.write_verdict(key, row),
            Some(Step::Write(Write::Frontend(key, row))) => memory.write_frontend(key, row),
            Some(Step::Write(Write::Slot(key, row))) => memory.write_slot(key, row),
            Some(Step::Write(Write::Member(key, row))) => memory.write_member(key, row),
            Some(Step::Write(Write::Source(key, row))) => memory.write_source(key, row),
        }
    }
}

impl Maps for Changing {
    fn generation(&self) -> Generation {
        self.look(Maps::generation)
    }
    fn endpoint(&self, address: &Address, generation: Generation) -> Option<Endpoint> {
        self.look(|memory| memory.endpoint(address, generation))
    }
    fn cidr(&self, address: &Address, generation: Generation) -> Option<Identity> {
        self.look(|memory| memory.cidr(address, generation))
    }
    fn class(&self, key: &ClassKey) -> u32 {
        self.look(|memory| memory.class(key))
    }
    fn verdict(&self, key: &VerdictKey) -> Option<Verdict> {
        self.look(|memory| memory.verdict(key))
    }
    fn now(&self) -> u64 {
        self.rest.now()
    }
    fn timeout(&self, timeout: u8) -> u64 {
        self.rest.timeout(timeout)
    }
    fn link(&self, ifindex: u32) -> Option<&Link> {
        self.rest.link(ifindex)
    }
    fn local(&self, address: &Address) -> Option<&LocalEndpoint> {
        self.rest.local(address)
    }
    fn home(&self) -> Option<&Home> {
        self.rest.home()
    }
    fn guard(&self) -> Option<&Guard> {
        self.rest.guard()
    }
    fn node(&self, identity: Identity) -> Option<&Node> {
        self.rest.node(identity)
    }
    fn identities(&self, address: &Address) -> [Identity; 2] {
        self.look(|memory| memory.identities(address))
    }
    fn with_connection<R>(
        &self,
        key: &ConnectionKey,
        change: impl FnOnce(&mut Connection) -> R,
    ) -> Option<R> {
        self.rest.with_connection(key, change)
    }
    fn put_connection(&self, key: &ConnectionKey, connection: &Connection) -> Result<(), Full> {
        self.rest.put_connection(key, connection)
    }
    fn fragment(&self, key: &FragmentKey) -> Option<FirstFragment> {
        self.rest.fragment(key)
    }
    fn put_fragment(&self, key: &FragmentKey, first: &FirstFragment) -> Result<(), Full> {
        self.rest.put_fragment(key, first)
    }
    fn masquerade_ports(&self) -> PortRange {
        self.rest.masquerade_ports()
    }

    fn service_ports(&self) -> PortRange {
        self.rest.service_ports()
    }
    fn is_unmasqueraded(&self, address: &Address) -> bool {
        self.rest.is_unmasqueraded(address)
    }
    fn translation(&self, key: &TranslationKey) -> Option<Translation> {
        self.rest.translation(key)
    }
    fn add_translation(
        &self,
        key: &TranslationKey,
        translation: &Translation,
    ) -> Result<bool, Full> {
        self.rest.add_translation(key, translation)
    }
    fn remove_translation(&self, key: &TranslationKey) {
        self.rest.remove_translation(key);
    }
    fn frontend(&self, key: &FrontendKey, generation: Generation) -> Option<&Frontend> {
        self.rest.frontend(key, generation)
    }
    fn slot(&self, key: &SlotKey) -> Option<&End> {
        self.rest.slot(key)
    }
    fn namespace(&self, cookie: u64) -> Option<u32> {
        self.rest.namespace(cookie)
    }
    fn peer(&self, key: &PeerKey) -> Option<End> {
        self.rest.peer(key)
    }
    fn put_peer(&self, key: &PeerKey, end: &End) {
        self.rest.put_peer(key, end);
    }
    fn remove_peer(&self, key: &PeerKey) {
        self.rest.remove_peer(key);
    }
    fn is_source(&self, key: &SourceKey) -> bool {
        self.rest.is_source(key)
    }
    fn member(&self, key: &MemberKey) -> Option<u32> {
        self.rest.member(key)
    }
    fn with_affinity<R>(&self, key: &AffinityKey, read: impl FnOnce(&Affinity) -> R) -> Option<R> {
        self.rest.with_affinity(key, read)
    }
    fn put_affinity(&self, key: &AffinityKey, affinity: &Affinity) {
        self.rest.put_affinity(key, affinity);
    }
    fn random(&self) -> u32 {
        self.rest.random()
    }
    fn emit(&self, event: &mut Event) {
        self.rest.emit(event);
    }
    fn event_limit(&self) -> EventLimit {
        self.rest.event_limit()
    }
    fn with_event_budget<R: Default>(&self, change: impl FnOnce(&mut u64) -> R) -> R {
        self.rest.with_event_budget(change)
    }
    fn count_suppressed(&self) {
        self.rest.count_suppressed();
    }
    fn count(&self, reason: DropReason) {
        self.rest.count(reason);
    }
}

/// The host-side interface of a pod.
fn ifindex(name: &str) -> u32 {
    u32::from(address(name).octets()[3])
}

fn mac(name: &str) -> [u8; 6] {
    [2, 0, 0, 0, 1, address(name).octets()[3]]
}

/// A node with the pods of [`PODS`].
fn node() -> Memory {
    let mut memory = Memory::default();
    for (name, v4) in PODS {
        let link = Link {
            v4: v4.into(),
            mac: Mac(mac(name)),
            ..Link::default()
        };
        memory.links.insert(ifindex(name), link);
        let local = LocalEndpoint {
            ifindex: ifindex(name),
            mac: Mac(mac(name)),
            gateway_mac: Mac(GATEWAY),
        };
        memory.locals.insert(v4.into(), local);
    }
    memory
}

/// Plans every state after the other, the first in force already.
fn changing(states: &[State], paces: Vec<usize>, witness: &mut Witness<'_>) -> (Changing, Planner) {
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let mut planner = Planner::new();
    let mut steps = VecDeque::new();
    let mut first = 0;
    for (index, state) in states.iter().enumerate() {
        let plan = planner.plan(&compiler.compile(&state.cluster()));
        witness.in_force(plan.generation, index);
        steps.extend(plan.writes.into_iter().map(Step::Write));
        steps.push_back(Step::Activate(plan.generation));
        if index == 0 {
            first = steps.len();
        }
    }
    let changing = Changing {
        rest: node(),
        policy: RefCell::default(),
        steps: RefCell::new(steps),
        paces: RefCell::new(paces.into()),
    };
    (0..first).for_each(|_| changing.step());
    (changing, planner)
}

/// Sends the first packet of a connection.
fn send(maps: &Changing, flow: &Flow, source_port: u16) {
    let [from, to] = [flow.from, flow.to].map(|name| address(name).octets());
    let builder = PacketBuilder::ethernet2(mac(flow.from), GATEWAY)
        .ipv4(from, to, 64)
        .udp(source_port, flow.port);
    let mut frame = Vec::new();
    builder.write(&mut frame, &[0]).expect("a short datagram");
    let mut scratch = Scratch::default();
    let packet = &mut frame;
    let _ = program::from_endpoint(maps, packet, &mut scratch, ifindex(flow.from));
}

/// Mostly nothing happens between two look-ups, and sometimes much.
fn paces() -> impl Strategy<Value = Vec<usize>> {
    let pace = prop_oneof![6 => Just(0), 2 => 1..8usize, 1 => 8..200usize];
    prop::collection::vec(pace, 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn no_interleaving_of_look_ups_and_writes_shows_a_mix(
        states in prop::collection::vec(states(), 2..8),
        paces in paces(),
    ) {
        let mut witness = Witness::new(&states);
        let (maps, planner) = changing(&states, paces, &mut witness);
        let mut source_port = 1024;
        while !maps.paces.borrow().is_empty() && !maps.steps.borrow().is_empty() {
            for flow in FLOWS.into_iter().flatten() {
                source_port += 1;
                let before = maps.policy.borrow().generation;
                send(&maps, flow, source_port);
                let after = maps.policy.borrow().generation;
                let events = maps.rest.take_events();
                let [event] = events.as_slice() else {
                    panic!("{events:?}");
                };
                // Four swaps under one packet are too many; then it is dropped, and says so.
                if event.reason != DropReason::GenerationRace as u8 {
                    prop_assert!((before..=after).contains(&event.generation));
                    witness.check(event, &planner);
                }
            }
        }
        prop_assert_eq!(witness.contradictions(), "");
    }
}
