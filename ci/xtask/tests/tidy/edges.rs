//! Which crate may use which: the map of `ARCHITECTURE.md`, from what enters to what comes out.

use crate::{assert_none, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Each crate with all that it may use, of ours and of what talks to BPF. Tests may use more of ours.
const MAP: [(&str, &[&str]); 14] = [
    ("abi", &[]),
    ("program", &["abi", "aya-ebpf"]),
    ("manifest", &[]),
    ("service", &["manifest"]),
    ("policy", &["abi", "manifest", "service"]),
    ("flow", &["abi", "manifest", "policy"]),
    ("agent", &["abi", "aya", "policy"]),
    ("oracle", &["manifest"]),
    ("lab", &[]),
    (
        "conformance",
        &[
            "abi", "agent", "flow", "lab", "manifest", "oracle", "policy", "program",
        ],
    ),
    (
        "plumb",
        &[
            "agent",
            "conformance",
            "flow",
            "lab",
            "manifest",
            "oracle",
            "policy",
        ],
    ),
    ("fuzz", &["abi", "manifest", "policy", "program"]),
    ("bench", &[]),
    ("xtask", &[]),
];

/// The crates that talk to BPF: user space does it in `agent` alone.
const BPF: [&str; 4] = ["aya", "aya-ebpf", "aya-obj", "libbpf-sys"];

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"].as_array().expect("a list").clone()
}

/// What the package uses of our crates and of those that talk to BPF, tests left out.
fn used(package: &Value) -> BTreeSet<&str> {
    package["dependencies"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| {
            let name = dependency["name"].as_str()?;
            (dependency["path"].is_string() || BPF.contains(&name)).then_some(name)
        })
        .collect()
}

fn check(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = MAP.iter().find(|(known, _)| *known == name) else {
        return vec![format!("`{name}` is not on the map")];
    };
    used(package)
        .into_iter()
        .filter(|other| !allowed.contains(other))
        .map(|other| format!("`{name}` may not use `{other}`"))
        .collect()
}

#[test]
fn crates_use_what_the_map_allows() {
    let findings: Vec<_> = packages().iter().flat_map(check).collect();
    assert_none(&findings);
}

#[test]
fn every_crate_on_the_map_exists() {
    let packages = packages();
    let found: BTreeSet<_> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mapped = BTreeSet::from(MAP.map(|(name, _)| name));
    assert_eq!(found, mapped);
}

#[test]
fn every_edge_on_the_map_points_back() {
    for (index, (name, allowed)) in MAP.iter().enumerate() {
        let before: Vec<_> = MAP[..index].iter().map(|(name, _)| *name).collect();
        for other in *allowed {
            assert!(
                before.contains(other) || BPF.contains(other),
                "`{name}` uses `{other}`, which comes after it"
            );
        }
    }
}

#[test]
fn a_forbidden_edge_is_found() {
    let package = serde_json::json!({
        "name": "lab",
        "dependencies": [
            {"name": "manifest", "kind": null, "path": "/datapath/manifest"},
            {"name": "aya", "kind": null},
            {"name": "agent", "kind": "dev", "path": "/datapath/agent"},
            {"name": "nix", "kind": null},
        ],
    });
    assert_eq!(
        check(&package),
        ["`lab` may not use `aya`", "`lab` may not use `manifest`"]
    );
    assert_eq!(
        check(&serde_json::json!({"name": "misc"})),
        ["`misc` is not on the map"]
    );
}
