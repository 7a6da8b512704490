//! Every input worth keeping, held against its target's property.

use fuzz::TARGETS;
use std::fs;
use std::path::{Path, PathBuf};

/// The inputs of a target, in a stable order.
fn inputs(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/fuzz")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn every_kept_input_holds() {
    for target in TARGETS {
        let inputs = inputs(target.name);
        assert!(!inputs.is_empty(), "{}: no inputs", target.name);
        for path in inputs {
            let input = fs::read(&path).unwrap();
            let held = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(held.is_ok(), "{}: see above", path.display());
        }
    }
}
