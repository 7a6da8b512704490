//! Policies and labels change thousands of times while every processor floods packets. The events prove that each
//! packet was judged by one generation as a whole; counts prove that every packet was judged, and met its fate.
//!
//! Needs root. `PLUMB_TABLE_SWAPS=100000` goes on for longer than the usual number.

mod flood;
mod flow;
mod interleaving;
mod state;
mod witness;

use agent::{Agent, AttachPoint, Config};
use flood::Flood;
use flow::{Fate, PODS};
use lab::{EndpointSpec, GATEWAY_MAC, Node};
use manifest::IpBlockMode;
use policy::Compiler;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use state::State;
use witness::Witness;

/// Table swaps without `PLUMB_TABLE_SWAPS`.
const SWAPS: usize = 2_000;
/// Different states of the cluster; the swaps go to and fro between them.
const STATES: usize = 48;

/// The default reports no more drops than a reader can follow; here every one is evidence.
fn config() -> Config {
    Config {
        attach_point: AttachPoint::Clsact,
        drop_events: None,
        events: 1 << 25,
        ..Config::default()
    }
}

/// The pods of [`PODS`], under the programs.
fn node() -> (Node, Agent) {
    let mut lab = Node::new().unwrap();
    let specs = PODS.map(|(name, v4)| EndpointSpec {
        name: name.to_owned(),
        v4: Some(v4),
        v6: None,
    });
    lab.add(&specs).unwrap();
    let mut agent = Agent::load(&config()).unwrap();
    for endpoint in lab.endpoints() {
        let link = abi::Link {
            v4: endpoint.spec().v4.unwrap().into(),
            mac: abi::Mac(endpoint.mac()),
            ..abi::Link::default()
        };
        let attach = || {
            agent.attach(
                &endpoint.ifname(),
                endpoint.ifindex(),
                link,
                abi::Mac(GATEWAY_MAC),
            )
        };
        lab.namespace().run(attach).unwrap().unwrap();
    }
    (lab, agent)
}

fn draw<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

fn swaps() -> usize {
    std::env::var("PLUMB_TABLE_SWAPS").map_or(SWAPS, |number| number.parse().unwrap())
}

#[test]
fn every_packet_is_judged_by_one_generation_and_meets_its_fate() {
    let mut runner = TestRunner::default();
    let states: Vec<State> = (0..STATES)
        .map(|_| draw(&mut runner, &state::states()))
        .collect();
    let mut compiler = Compiler::new(IpBlockMode::Any);
    let desired: Vec<_> = states
        .iter()
        .map(|state| compiler.compile(&state.cluster()))
        .collect();

    let (lab, mut agent) = node();
    let mut witness = Witness::new(&states);
    let first = agent.enforce(&desired[0]).unwrap();
    witness.in_force(first.generation, 0);
    let floods = Flood::on_every_processor(&lab);
    for index in draw(&mut runner, &prop::collection::vec(0..STATES, swaps())) {
        let applied = agent.enforce(&desired[index]).unwrap();
        witness.in_force(applied.generation, index);
        witness.hear(&mut agent);
    }
    let sent = Flood::end(floods);
    witness.hear(&mut agent);

    assert_eq!(agent.lost_events().unwrap(), 0);
    assert_eq!(witness.contradictions(), "");
    for (flow, traffic) in &sent {
        let denied = witness.denied(*flow);
        assert_eq!(
            traffic.sent,
            traffic.arrived + denied,
            "{flow:?}: {traffic:?}"
        );
        match flow.fate {
            Fate::Allowed => assert_eq!(traffic.arrived, traffic.sent, "{flow:?}"),
            Fate::Denied => assert_eq!(traffic.arrived, 0, "{flow:?}"),
            Fate::Changes => assert!(traffic.arrived > 0 && denied > 0, "{flow:?}: {traffic:?}"),
        }
    }
    let seen = witness.generations();
    let last = agent.generation().unwrap();
    assert!(
        seen as u64 > last / 10,
        "packets of {seen} generations of {last}"
    );
    let packets: u64 = sent.values().map(|traffic| traffic.sent).sum();
    println!(
        "{packets} packets, {} events, {seen} generations of {last}",
        witness.events()
    );
}
