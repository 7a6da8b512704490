//! The oracle is a second opinion only as long as it shares nothing with the compiler: of this workspace it may depend
//! on `manifest`, directly and through others, and on nothing else.

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_oracle_depends_on_manifest_alone() {
    let metadata = metadata();
    assert_eq!(
        workspace_dependencies(&metadata, "oracle"),
        BTreeSet::from(["manifest".to_owned()])
    );
}

#[test]
fn the_check_sees_dependencies_of_dependencies() {
    let metadata = metadata();
    let found = workspace_dependencies(&metadata, "plumb");
    assert!(
        found.contains("conformance") && found.contains("abi"),
        "{found:?}"
    );
}

/// What cargo knows of the workspace on this platform: what others need may never have been fetched.
fn metadata() -> Value {
    let platform = output(Command::new("rustc").args(["--print", "host-tuple"]));
    let platform = String::from_utf8(platform).unwrap();
    let metadata = output(
        Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--offline"])
            .args(["--filter-platform", platform.trim()])
            .current_dir(env!("CARGO_MANIFEST_DIR")),
    );
    serde_json::from_slice(&metadata).unwrap()
}

fn output(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    output.stdout
}

/// The names of the workspace's crates that the crate `name` needs, at any depth.
fn workspace_dependencies(metadata: &Value, name: &str) -> BTreeSet<String> {
    let members: Vec<_> = list(&metadata["workspace_members"]).collect();
    let packages: Vec<_> = list(&metadata["packages"])
        .filter(|package| members.contains(&&package["id"]))
        .collect();
    let named = |name: &str| {
        *packages
            .iter()
            .find(|package| package["name"] == name)
            .unwrap()
    };
    let mut found = BTreeSet::new();
    let mut open = vec![named(name)];
    while let Some(package) = open.pop() {
        for dependency in list(&package["dependencies"]) {
            let is_ours = !dependency["path"].is_null();
            let name = dependency["name"].as_str().unwrap();
            if is_ours && found.insert(name.to_owned()) {
                open.push(named(name));
            }
        }
    }
    found
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
