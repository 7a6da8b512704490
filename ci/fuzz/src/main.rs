//! The fuzzer. `PLUMBLINE_FUZZ` names the target; the arguments are libFuzzer's own. Run it with `cargo xtask fuzz`.
#![no_main]

use fuzz::{TARGETS, Target, target};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(
    init: choose(),
    |input: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(input);
        }
    }
);

fn choose() {
    let name = std::env::var("PLUMBLINE_FUZZ").unwrap_or_default();
    match target(&name) {
        Some(target) => TARGET.get_or_init(|| target),
        None => panic!("PLUMBLINE_FUZZ={name}: no such target; there are {TARGETS:?}"),
    };
}
