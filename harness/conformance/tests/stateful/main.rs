//! Packets, policy changes, relabelling, pods that come and go, and time, in any order: after each of them the datapath
//! must say what the oracle says. The oracle's `connection::Tracker` is the model.
//!
//! The usual run is short. `PLUMB_TRANSITIONS=100000 cargo test -p conformance --test stateful in_process` plays until
//! so many transitions are done, and says how many that were with `-- --nocapture`. A failure shrinks, its seed goes to
//! `fixtures/regressions/stateful.txt`, and the saga itself to a feature file beside it that `plumb test` runs.

mod model;
mod objects;
mod play;
mod record;

use conformance::driver::{DriverKind, Mode, Routing, ServiceAt};
use conformance::generate::{Saga, sagas};
use conformance::{Options, Summary};
use manifest::IpBlockMode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};
use std::cell::Cell;
use std::env;
use std::fs;

const SEEDS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/regressions/stateful.txt"
);
const ANY_NATIVE: Mode = Mode {
    ip_block: IpBlockMode::Any,
    routing: Routing::Native,
    masquerade: false,
    service_at: ServiceAt::Packet,
    mtu: lab::ETHERNET_MTU,
};
const EXTERNAL_VXLAN: Mode = Mode {
    ip_block: IpBlockMode::External,
    routing: Routing::Vxlan,
    masquerade: true,
    service_at: ServiceAt::Packet,
    mtu: lab::ETHERNET_MTU,
};
/// Acts of the longest saga.
const ACTS: usize = 100;
/// Sagas that are played at once, between looks at how many transitions there were.
const ROUND: u32 = 8;
/// Sagas that are written down and played again.
const WRITTEN: usize = 20;
/// Transitions of a usual run.
const IN_PROCESS: usize = 7_000;
const IN_KERNEL: usize = 800;

#[test]
fn oracle_and_simulate_agree_in_process() {
    hold(DriverKind::Simulate, transitions(IN_PROCESS), ANY_NATIVE);
}

#[test]
fn oracle_and_simulate_agree_in_process_about_external_blocks_and_tunnels() {
    hold(
        DriverKind::Simulate,
        transitions(IN_PROCESS / 4),
        EXTERNAL_VXLAN,
    );
}

/// Needs root and BPF, and fails without: nothing was shown then. Leave it out with `-- --skip kernel`.
#[test]
fn oracle_and_kernel_agree() {
    hold(DriverKind::Kernel, transitions(IN_KERNEL / 2), ANY_NATIVE);
}

/// As [`oracle_and_kernel_agree`].
#[test]
fn oracle_and_kernel_agree_about_external_blocks_and_tunnels() {
    hold(
        DriverKind::Kernel,
        transitions(IN_KERNEL / 2),
        EXTERNAL_VXLAN,
    );
}

/// How many transitions the environment asks for.
fn transitions(usual: usize) -> usize {
    let asked = env::var("PLUMB_TRANSITIONS").ok();
    asked.map_or(usual, |asked| {
        asked.parse().expect("PLUMB_TRANSITIONS is a number")
    })
}

/// Plays random sagas until there were so many transitions.
#[track_caller]
fn hold(driver: DriverKind, transitions: usize, mode: Mode) {
    let mut played = 0;
    while played < transitions {
        played += play_round(driver, mode);
    }
    eprintln!("{driver}: {played} transitions without a difference");
}

/// Where pods are masqueraded, nodes take everything: which port of a node an outside host answers to is the datapath's
/// choice, so the model cannot say what a host policy would make of it.
fn sagas_for(mode: Mode) -> BoxedStrategy<Saga> {
    if mode.masquerade {
        sagas(ACTS).prop_map(Saga::without_host_policies).boxed()
    } else {
        sagas(ACTS)
    }
}

/// Plays some sagas and counts their transitions.
#[track_caller]
fn play_round(driver: DriverKind, mode: Mode) -> usize {
    let played = Cell::new(0);
    let seeds = FileFailurePersistence::Direct(SEEDS);
    let mut runner = TestRunner::new(Config {
        cases: ROUND,
        max_shrink_iters: 8_192,
        failure_persistence: Some(Box::new(seeds)),
        ..Config::default()
    });
    let told = runner.run(&sagas_for(mode), |saga| {
        let result = play::play(driver, mode, &saga).map_err(TestCaseError::fail);
        played.set(played.get() + saga.acts.len());
        result
    });
    match told {
        Ok(()) => played.get(),
        Err(TestError::Fail(parting, saga)) => {
            let file = record::write(mode, &saga, parting.message());
            panic!("{parting}\nThe saga is in {}", file.display());
        }
        Err(abort @ TestError::Abort(_)) => panic!("{abort}"),
    }
}

/// What a failure leaves behind can pass.
#[test]
fn written_sagas_hold_in_process() {
    let summary = replay(WRITTEN, str::to_owned);
    assert_eq!((summary.passed, summary.failed), (WRITTEN, 0));
}

/// And can fail.
#[test]
fn written_sagas_that_expect_something_else_fail_in_process() {
    let summary = replay(3, |text| {
        text.replace("Then it arrives", "Then it is dropped: malformed")
    });
    assert!(summary.failed > 0, "{summary:?}");
}

/// Writes sagas, always the same, and plays what was written.
fn replay(count: usize, edit: impl Fn(&str) -> String) -> Summary {
    let folder = tempfile::tempdir().unwrap();
    let mut runner = TestRunner::deterministic();
    for number in 0..count {
        let saga = sagas(ACTS).new_tree(&mut runner).unwrap().current();
        let text = record::feature(ANY_NATIVE, &saga, "what was said\nin two lines");
        let file = folder.path().join(format!("saga-{number}.feature"));
        fs::write(file, edit(&text)).unwrap();
    }
    let summary = conformance::run(&Options {
        paths: vec![folder.path().to_owned()],
        driver: DriverKind::Simulate,
        ..Options::default()
    });
    summary.unwrap_or_else(|error| panic!("{error}"))
}
