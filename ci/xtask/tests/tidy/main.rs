//! The rules of this repository that the compiler and clippy do not check: `cargo xtask tidy`.
//!
//! Each rule reports everything it finds, a line each, and has a test that it finds what it should.

mod edges;
mod names;
mod sources;
mod text;

use std::path::Path;

/// The folder of the workspace.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[track_caller]
fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
