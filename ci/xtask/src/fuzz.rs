//! Fuzzing with the compiler at hand: libFuzzer needs coverage counters, which stable rustc puts in when asked.

use crate::check::{cargo, step, target_folder, workspace};
use anyhow::Context;
use std::fs;
use std::process::Command;

/// What libFuzzer needs of the compiler (`SanitizerCoverage` in the LLVM documentation).
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// Runs the fuzzer on one target. What it learns stays in the target folder; an input that breaks the property is put
/// beside the kept ones, where the tests find it.
///
/// # Errors
/// When the property was broken, or the fuzzer cannot be built: it needs a C++ compiler.
pub(crate) fn search(target: &str, seconds: u32) -> anyhow::Result<()> {
    let learned = target_folder()?.join("fuzz").join(target);
    fs::create_dir_all(&learned).with_context(|| format!("creating {}", learned.display()))?;
    let kept = workspace().join("fixtures/fuzz").join(target);
    let mut fuzzer = cargo("run --release --package fuzz --features libfuzzer --target");
    fuzzer
        .arg(host()?)
        .args([
            "--",
            "-rss_limit_mb=4096",
            "-timeout=20",
            "-print_final_stats=1",
        ])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", kept.display()))
        .args([&learned, &kept])
        .env("RUSTFLAGS", COVERAGE)
        .env("PLUMBLINE_FUZZ", target);
    step("fuzz", fuzzer)
}

/// The machine's own target triple: named, so that build scripts are left without counters.
fn host() -> anyhow::Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc -vV")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}
