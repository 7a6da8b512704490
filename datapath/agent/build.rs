//! Builds the BPF object of `ebpf/program` for the agent to embed.
//!
//! Stable Rust has no `core` for BPF, so a second compiler is needed. The first of these that is there builds it:
//! 1. the distribution's: `/usr/bin/rustc` with `/usr/lib/rustlib/bpfel-unknown-none`;
//! 2. a rustup nightly with `rust-src`, which builds `core` itself.
//!
//! Both link with `bpf-linker`. `ci/setup` installs what is missing, in the same order.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const TARGET: &str = "bpfel-unknown-none";
const BINARY: &str = "plumbline";
/// `bpf-linker` expands memory copies in order unless told not to, and LLVM's BPF back end then clears every key and value
/// by a call of `memset`, a byte a turn: a quarter of the time of a packet.
const RUSTFLAGS: &str = "-C linker=bpf-linker -C debuginfo=2 -C link-arg=--btf \
    -C link-arg=--disable-expand-memcpy-in-order";

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: the BPF programs cannot be built: {problem}");
            eprintln!(
                "help: run `ci/setup`, which installs what is missing or says what to install"
            );
            ExitCode::FAILURE
        }
    }
}

/// Where `core` for BPF comes from.
enum Toolchain {
    Distribution,
    Nightly,
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?);
    let workspace = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../..");
    for input in ["ebpf/abi", "ebpf/program", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    println!("cargo::rerun-if-env-changed=PATH");
    let toolchain = find_toolchain()?;
    println!(
        "cargo::rustc-env=PLUMBLINE_BPF_TOOLCHAIN={}",
        toolchain.name()
    );
    compile(&toolchain, &workspace, &out)?;
    let object = out.join("bpf").join(TARGET).join("bpf").join(BINARY);
    println!("cargo::rustc-env=PLUMBLINE_BPF_OBJECT={}", object.display());
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn find_toolchain() -> Result<Toolchain, String> {
    if !succeeds(Command::new("bpf-linker").arg("--version")) {
        return Err("bpf-linker is not in PATH".into());
    }
    if Path::new("/usr/lib/rustlib").join(TARGET).is_dir() && Path::new("/usr/bin/rustc").exists() {
        return Ok(Toolchain::Distribution);
    }
    if nightly_has_source() {
        return Ok(Toolchain::Nightly);
    }
    Err(format!(
        "found neither /usr/lib/rustlib/{TARGET} nor a rustup nightly with rust-src"
    ))
}

fn nightly_has_source() -> bool {
    let output = Command::new("rustup")
        .args(["run", "nightly", "rustc", "--print", "sysroot"])
        .output();
    let Ok(output) = output else {
        return false;
    };
    let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success()
        && Path::new(&sysroot)
            .join("lib/rustlib/src/rust/library")
            .is_dir()
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

impl Toolchain {
    fn name(&self) -> &'static str {
        match self {
            Self::Distribution => "distribution rustc",
            Self::Nightly => "rustup nightly",
        }
    }

    fn command(&self) -> Result<Command, String> {
        Ok(match self {
            Self::Distribution => {
                let mut cargo = Command::new(variable("CARGO")?);
                cargo.arg("build");
                cargo.env("RUSTC", "/usr/bin/rustc");
                // aya-ebpf uses unstable features of `core`; a nightly has them without asking.
                cargo.env("RUSTC_BOOTSTRAP", "1");
                cargo
            }
            Self::Nightly => {
                let mut cargo = Command::new("rustup");
                cargo.args(["run", "nightly", "cargo", "build", "-Zbuild-std=core"]);
                cargo
            }
        })
    }
}

/// Variables of the outer build that must not reach the inner one.
const OUTER: [&str; 7] = [
    "RUSTC",
    "RUSTDOC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "CARGO_BUILD_TARGET",
];

fn compile(toolchain: &Toolchain, workspace: &Path, out: &Path) -> Result<(), String> {
    let mut cargo = toolchain.command()?;
    for name in OUTER {
        let kept = name == "RUSTC" && matches!(toolchain, Toolchain::Distribution);
        if !kept {
            cargo.env_remove(name);
        }
    }
    cargo
        .current_dir(workspace)
        .env("RUSTFLAGS", RUSTFLAGS)
        .args(["--locked", "--profile", "bpf", "--package", "program"])
        .args(["--features", "kernel", "--bin", BINARY, "--target", TARGET])
        .arg("--target-dir")
        .arg(out.join("bpf"));
    let status = cargo
        .status()
        .map_err(|error| format!("{cargo:?}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "{} failed ({status}); its output is above",
            toolchain.name()
        ))
    }
}
