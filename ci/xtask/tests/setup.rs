//! `ci/setup` on machines that lack something, with every tool it calls replaced.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

const RUST: &str = "echo 'rustc 1.95.0 (59807616e 2026-04-14)'";
const LINKER: &str = "echo 'bpf-linker 0.13.0'";
/// Records the call; a `bpf-linker` is there afterwards.
const CARGO: &str = r#"echo "cargo $*" >>"$CALLS"
printf '#!/bin/sh\necho bpf-linker 0.13.0\n' >"$TOOLS/bpf-linker"
/bin/chmod +x "$TOOLS/bpf-linker""#;
/// Records the call; the compiler is there when its package was asked for.
const APT_GET: &str = r#"echo "apt-get $*" >>"$CALLS"
case "$*" in *rustc-web*) /bin/mkdir -p "$SETUP_ROOT/usr/bin" "$SETUP_ROOT/usr/lib/rustlib/bpfel-unknown-none"
/bin/cp /bin/true "$SETUP_ROOT/usr/bin/rustc" ;; esac"#;
/// Answers for the packages named in `INSTALLED`.
const DPKG_QUERY: &str = r#"for package; do :; done
case " $INSTALLED " in *" $package "*) printf installed ;; *) exit 1 ;; esac"#;
const FRESH_RUN: &str = "\
apt-get update
apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 rustc-web libstd-rust-web-dev-bpf
apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 llvm-22-dev libpolly-22-dev libzstd-dev
cargo install bpf-linker --version 0.13.0 --locked --force --no-default-features --features llvm-22
";
const READY_BY_DISTRIBUTION: &str = "setup: ready: rustc 1.95.0 (59807616e 2026-04-14), \
BPF programs by the distribution's rustc and bpf-linker 0.13.0\n";

/// A machine whose PATH holds only what the test put there.
struct Machine {
    folder: TempDir,
}

struct Outcome {
    exit_code: Option<i32>,
    output: String,
    /// Calls that change the machine, one a line.
    calls: String,
}

impl Machine {
    /// Somebody's machine with Rust, a C compiler and nothing else.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("tools")).expect("a folder for the tools");
        Self { folder }
            .with("id", "echo 1000")
            .with("uname", "echo x86_64")
            .with("cc", "true")
            .with("cargo", CARGO)
            .with("rustc", RUST)
    }

    fn debian() -> Self {
        Self::new()
            .with("apt-get", APT_GET)
            .with("apt-cache", "true")
            .with("dpkg-query", DPKG_QUERY)
    }

    fn debian_as_root() -> Self {
        Self::debian().with("id", "echo 0")
    }

    fn with(self, tool: &str, body: &str) -> Self {
        let path = self.tools().join(tool);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a tool is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may be run");
        self
    }

    fn without(self, tool: &str) -> Self {
        fs::remove_file(self.tools().join(tool)).expect("the tool was there");
        self
    }

    fn with_nightly(self) -> Self {
        let sysroot = self.folder.path().join("nightly");
        fs::create_dir_all(sysroot.join("lib/rustlib/src/rust/library")).expect("rust-src");
        self.with("rustup", &format!("echo '{}'", sysroot.display()))
    }

    fn tools(&self) -> PathBuf {
        self.folder.path().join("tools")
    }

    fn set_up(&self) -> Outcome {
        self.set_up_for(&[])
    }

    fn set_up_for(&self, arguments: &[&str]) -> Outcome {
        let calls = self.folder.path().join("calls");
        fs::write(&calls, "").expect("an empty list of calls");
        let output = Command::new("/bin/bash")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../setup"))
            .args(arguments)
            .env_clear()
            .env("PATH", self.tools())
            .env("TOOLS", self.tools())
            .env("CALLS", &calls)
            .env("SETUP_ROOT", self.folder.path())
            .env("CARGO_HOME", "/home/user/.cargo")
            .env("INSTALLED", "zlib1g-dev")
            .output()
            .expect("bash runs");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        Outcome {
            exit_code: output.status.code(),
            output: String::from_utf8(output.stdout).expect("UTF-8"),
            calls: fs::read_to_string(&calls).expect("the list of calls"),
        }
    }
}

/// The machine stays as it is and is told `expected`.
fn check_told(machine: &Machine, expected: &str) {
    let outcome = machine.set_up();
    assert_eq!(outcome.output, expected);
    assert_eq!(outcome.exit_code, Some(3));
    assert_eq!(outcome.calls, "");
}

#[test]
fn a_fresh_debian_gets_exactly_what_is_missing() {
    let outcome = Machine::debian_as_root().set_up();
    assert_eq!(outcome.calls, FRESH_RUN);
    assert_eq!(
        outcome.output,
        format!(
            "setup: reading the package lists\n\
             setup: installing rustc-web libstd-rust-web-dev-bpf\n\
             setup: installing llvm-22-dev libpolly-22-dev libzstd-dev\n\
             setup: building bpf-linker 0.13.0 with cargo (about a minute)\n\
             {READY_BY_DISTRIBUTION}"
        )
    );
    assert_eq!(outcome.exit_code, Some(0));
}

#[test]
fn a_second_run_changes_nothing() {
    let machine = Machine::debian_as_root();
    machine.set_up();
    let second = machine.set_up();
    assert_eq!(second.calls, "");
    assert_eq!(second.output, READY_BY_DISTRIBUTION);
}

#[test]
fn an_older_linker_is_replaced() {
    let outcome = Machine::debian_as_root()
        .with("bpf-linker", "echo 'bpf-linker 0.9.15'")
        .set_up();
    assert_eq!(outcome.calls, FRESH_RUN);
}

#[test]
fn a_failing_installation_shows_its_output() {
    let outcome = Machine::debian_as_root()
        .with(
            "apt-get",
            "[ \"$1\" = update ] || { echo 'E: no space left'; exit 100; }",
        )
        .set_up();
    assert_eq!(outcome.exit_code, Some(3));
    assert_eq!(
        outcome.output,
        "setup: reading the package lists\n\
         setup: installing rustc-web libstd-rust-web-dev-bpf\n\
         E: no space left\n\
         setup: apt-get failed, see above; install them by hand, then run ci/setup again:\n\
         \x20   apt-get install rustc-web libstd-rust-web-dev-bpf\n"
    );
}

#[test]
fn a_debian_user_is_told_what_root_and_cargo_must_install() {
    check_told(
        &Machine::debian(),
        "setup: the BPF programs need a compiler with `core` for BPF, and bpf-linker; install what is missing:\n\
         \x20   sudo apt-get install --no-install-recommends rustc-web libstd-rust-web-dev-bpf \
         llvm-22-dev libpolly-22-dev zlib1g-dev libzstd-dev &&\n\
         \x20   LLVM_PREFIX=/usr/lib/llvm-22 cargo install bpf-linker --version 0.13.0 --locked --force \
         --no-default-features --features llvm-22\n",
    );
}

#[test]
fn another_system_is_told_to_install_a_nightly_and_the_linker() {
    check_told(
        &Machine::new(),
        "setup: the BPF programs need a compiler with `core` for BPF, and bpf-linker; install what is missing:\n\
         \x20   rustup toolchain install nightly --profile minimal --component rust-src &&\n\
         \x20   curl -sSfL https://github.com/aya-rs/bpf-linker/releases/latest/download/\
         bpf-linker-x86_64-unknown-linux-musl.tar.zst | tar --zstd -xf - -C /home/user/.cargo/bin\n",
    );
}

#[test]
fn another_system_with_a_nightly_is_told_to_install_the_linker_alone() {
    check_told(
        &Machine::new().with_nightly(),
        "setup: the BPF programs need a compiler with `core` for BPF, and bpf-linker; install what is missing:\n\
         \x20   curl -sSfL https://github.com/aya-rs/bpf-linker/releases/latest/download/\
         bpf-linker-x86_64-unknown-linux-musl.tar.zst | tar --zstd -xf - -C /home/user/.cargo/bin\n",
    );
}

#[test]
fn another_system_with_a_nightly_and_a_linker_is_ready() {
    let outcome = Machine::new()
        .with_nightly()
        .with("bpf-linker", LINKER)
        .set_up();
    assert_eq!(outcome.exit_code, Some(0));
    assert_eq!(
        outcome.output,
        "setup: ready: rustc 1.95.0 (59807616e 2026-04-14), BPF programs by rustup's nightly and bpf-linker 0.13.0\n"
    );
}

#[test]
fn no_rust_is_told_where_to_get_it() {
    check_told(
        &Machine::debian_as_root().without("rustc"),
        "setup: there is no Rust in PATH; install it:\n\
         \x20   curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . /home/user/.cargo/env\n",
    );
}

#[test]
fn an_old_rust_is_told_to_update() {
    check_told(
        &Machine::debian_as_root().with("rustc", "echo 'rustc 1.94.1 (abc 2026-03-01)'"),
        "setup: rustc 1.94.1 (abc 2026-03-01) is older than 1.95; update it:\n    rustup update stable\n",
    );
}

#[test]
fn no_c_compiler_is_named() {
    check_told(
        &Machine::new().without("cc"),
        "setup: there is no C compiler (cc), which rustc links with; install gcc or clang\n",
    );
}

/// A machine that can build.
fn ready(machine: Machine) -> Machine {
    machine.with_nightly().with("bpf-linker", LINKER)
}

#[test]
fn the_tests_need_tshark() {
    const INSTALL: &str =
        "apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=300 tshark\n";
    let root = ready(Machine::debian_as_root());
    assert!(!root.set_up().calls.contains("tshark"));
    assert!(root.set_up_for(&["test"]).calls.ends_with(INSTALL));
    let has_it = ready(Machine::debian_as_root()).with("tshark", "true");
    assert!(!has_it.set_up_for(&["test"]).calls.contains("tshark"));
    let user = ready(Machine::debian()).set_up_for(&["test"]);
    assert_eq!(user.exit_code, Some(3));
    assert!(
        user.output
            .contains("sudo apt-get install --no-install-recommends tshark"),
        "{}",
        user.output
    );
}
