//! Three witnesses must tell the same story: the oracle (the text of the API), the in-process program over the
//! compiled tables, and the kernel.
//!
//! Oracle ≠ simulate points at the compiler or the program, simulate ≠ kernel at the wiring or the lab. A failure
//! shrinks, its seed goes to `fixtures/regressions/three_witnesses.txt`, and the story itself to a case file beside it.

mod record;
mod records;
mod witness;

use conformance::Options;
use conformance::driver::{DriverKind, Mode, Routing, ServiceAt};
use conformance::generate::{Story, changing_stories, still_stories};
use manifest::IpBlockMode;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestError, TestRunner};

const SEEDS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../fixtures/regressions/three_witnesses.txt"
);
const IN_PROCESS: &[DriverKind] = &[DriverKind::Oracle, DriverKind::Simulate];
const ALL: &[DriverKind] = &[DriverKind::Oracle, DriverKind::Simulate, DriverKind::Kernel];

/// What is left open about a network, each of it in both ways.
const MODES: [Mode; 2] = [
    Mode {
        ip_block: IpBlockMode::Any,
        routing: Routing::Native,
        masquerade: false,
        service_at: ServiceAt::Packet,
        mtu: lab::ETHERNET_MTU,
    },
    Mode {
        ip_block: IpBlockMode::External,
        routing: Routing::Vxlan,
        masquerade: true,
        service_at: ServiceAt::Packet,
        mtu: lab::ETHERNET_MTU,
    },
];

/// The kernel needs some ten times as long for a story; that many is patience enough.
const KERNEL_SHARE: u32 = 5;

#[test]
fn oracle_and_simulate_agree() {
    hold(IN_PROCESS, 1, &still_stories());
}

#[test]
fn oracle_and_simulate_agree_after_a_live_change() {
    hold(IN_PROCESS, 1, &changing_stories());
}

/// Needs root and BPF, and fails without: nothing was shown then. Leave it out with `-- --skip kernel`.
#[test]
fn the_kernel_agrees() {
    hold(ALL, KERNEL_SHARE, &still_stories());
}

/// As [`the_kernel_agrees`].
#[test]
fn the_kernel_agrees_after_a_live_change() {
    hold(ALL, KERNEL_SHARE, &changing_stories());
}

/// What parted the witnesses once must hold ever after, in both modes; `plumb test fixtures/regressions` runs the same.
#[test]
fn regressions_hold_in_process() {
    replay(DriverKind::Oracle, None);
    replay(DriverKind::Simulate, None);
    replay(DriverKind::Simulate, Some(DriverKind::Oracle));
}

/// As [`regressions_hold_in_process`], in the kernel.
#[test]
fn regressions_hold_in_the_kernel() {
    replay(DriverKind::Kernel, None);
    replay(DriverKind::Kernel, Some(DriverKind::Oracle));
}

#[track_caller]
fn replay(driver: DriverKind, against: Option<DriverKind>) {
    for mode in MODES {
        let summary = conformance::run(&Options {
            paths: vec![record::folder()],
            driver,
            against,
            mode,
            ..Options::default()
        });
        let summary = summary.unwrap_or_else(|error| panic!("{driver}: {error}"));
        assert_eq!(summary.exit_code(), 0, "{driver}, {mode:?}: {summary:?}");
    }
}

/// Tells random stories to these witnesses, one in `share` of the usual number (`PROPTEST_CASES`).
#[track_caller]
fn hold(kinds: &[DriverKind], share: u32, stories: &BoxedStrategy<Story>) {
    if let Err(missing) = witness::summon(kinds, MODES[0]) {
        panic!("{missing}");
    }
    let usual = Config::default();
    let seeds = FileFailurePersistence::Direct(SEEDS);
    let mut runner = TestRunner::new(Config {
        cases: usual.cases.div_ceil(share),
        max_shrink_iters: 16_384 / share,
        failure_persistence: Some(Box::new(seeds)),
        ..usual
    });
    let told = runner.run(stories, |story| {
        witness::hear(kinds, &story).map_err(TestCaseError::fail)
    });
    match told {
        Ok(()) => {}
        Err(TestError::Fail(parting, story)) => {
            let file = record::write(&story, parting.message());
            panic!("{parting}\nThe story is in {}", file.display());
        }
        Err(abort @ TestError::Abort(_)) => panic!("{abort}"),
    }
}
