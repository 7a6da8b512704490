//! What must hold before a change is landed.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Runs every check, quick ones first, and stops at the first that fails.
///
/// # Errors
/// The check that failed; what it has to say is printed already.
pub(crate) fn everything() -> anyhow::Result<()> {
    step("format", cargo("fmt --all --check"))?;
    step(
        "lints",
        cargo("clippy --workspace --all-targets -- --deny warnings"),
    )?;
    step("tests", cargo("test --workspace -- --quiet"))?;
    step("scenarios", scenarios()?)
}

/// Runs the tests that look at the sources.
///
/// # Errors
/// When one fails.
pub(crate) fn tidy() -> anyhow::Result<()> {
    step("tidy", cargo("test --quiet --package xtask --test tidy"))
}

/// Loads the BPF programs and compares what the verifier says with the record, or writes the record anew.
///
/// # Errors
/// When a program outgrew its record.
pub(crate) fn verify(record: bool) -> anyhow::Result<()> {
    let mut test = cargo("test --quiet --package agent --test verifier");
    if record {
        test.env("PLUMBLINE_RECORD", "1");
    }
    step("verify", test)
}

/// The benches: package, name, arguments, and under which name `ci/bench` has what they measured last.
const BENCHES: [(&str, &str, &str, &str); 6] = [
    ("agent", "packet", "", "packet"),
    ("agent", "path", "", "path"),
    ("agent", "path", "--ways services", "services"),
    ("agent", "install", "", "install"),
    ("conformance", "goals", "", "goals"),
    ("conformance", "logging", "", "logging"),
];

/// Runs every bench in a release build, and records the results.
///
/// # Errors
/// When the machine cannot run the kernel driver.
pub(crate) fn bench(rounds: u32, corpus: Option<&Path>) -> anyhow::Result<()> {
    for (package, name, arguments, record) in BENCHES {
        let mut bench = cargo(&format!(
            "bench --quiet --package {package} --bench {name} --"
        ));
        bench.args(arguments.split_whitespace());
        bench.args(["--rounds", &rounds.to_string()]);
        let record = workspace().join(format!("ci/bench/{record}.json"));
        bench.arg("--record").arg(record);
        if let (Some(corpus), "goals") = (corpus, name) {
            bench.arg("--corpus").arg(std::path::absolute(corpus)?);
        }
        step(&format!("bench {name} {arguments}"), bench)?;
    }
    Ok(())
}

/// The program that the tests have built: building it alone would choose other features and compile much again.
fn scenarios() -> anyhow::Result<Command> {
    let mut plumb = Command::new(target_folder()?.join("debug/plumb"));
    plumb.args(["test", "features"]);
    Ok(plumb)
}

pub(crate) fn target_folder() -> anyhow::Result<PathBuf> {
    let output = cargo("metadata --format-version 1 --no-deps").output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let folder = metadata["target_directory"].as_str();
    Ok(folder.context("cargo metadata: no target folder")?.into())
}

pub(crate) fn cargo(arguments: &str) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments.split(' '));
    cargo
}

pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn step(name: &str, mut command: Command) -> anyhow::Result<()> {
    eprintln!("xtask: {name}");
    let start = Instant::now();
    let status = command
        .current_dir(workspace())
        .status()
        .with_context(|| format!("{name}: {command:?}"))?;
    ensure!(status.success(), "{name} failed: {command:?}");
    eprintln!("xtask: {name} passed in {:.1?}", start.elapsed());
    Ok(())
}
