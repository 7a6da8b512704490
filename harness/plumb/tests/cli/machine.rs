//! A machine, or a user, that cannot run the kernel driver: exit code 3, and what works instead.

use crate::program::{folder, plumb};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use snapbox::cmd::{Command, cargo_bin};
use snapbox::str;
use std::fs::File;

/// `plumb` without any privilege. Root loses its capabilities on the way; who is not root has none to lose.
pub(crate) fn unprivileged(arguments: &str) -> Command {
    let command = if nix::unistd::geteuid().is_root() {
        let drop = ["--bounding-set=-all", "--inh-caps=-all"];
        Command::new("setpriv").args(drop).arg(cargo_bin!("plumb"))
    } else {
        Command::new(cargo_bin!("plumb"))
    };
    command
        .args(arguments.split_whitespace())
        .current_dir(folder())
}

#[test]
fn without_privileges_the_kernel_driver_says_what_is_missing_and_what_works() {
    for command in [
        "matrix -f shop.yaml",
        "explain shop/web shop/db 5432 -f shop.yaml",
    ] {
        unprivileged(command)
            .assert()
            .code(3)
            .stdout_eq("")
            .stderr_eq(str![[r#"
error: the kernel driver cannot run here: [..]
help: `--driver simulate` works here: the same programs over the same tables, in-process, without root; `plumb doctor` says what this machine lacks

"#]]);
    }
}

#[test]
fn with_privileges_every_driver_agrees_with_the_oracle() {
    for driver in ["kernel", "simulate"] {
        plumb(&format!(
            "matrix -f shop.yaml --driver {driver} --against oracle"
        ))
        .assert()
        .success()
        .stdout_eq(format!(
            "no differences between {driver} and oracle in 153 connections\n"
        ));
        let example = "matrix -f ../../../../scenarios/shop --against oracle --driver";
        plumb(&format!("{example} {driver}")).assert().success();
    }
}

#[test]
fn what_is_promised_instead_works() {
    let flags = "matrix -f shop.yaml -o csv --driver simulate";
    let expected = plumb(flags).output().unwrap();
    let promised = unprivileged(flags).assert().success();
    promised.stdout_eq(expected.stdout);
}

#[test]
fn a_tunnel_that_ipv6_does_not_fit_into_is_wrong_input() {
    let small = "matrix -f two-nodes.yaml --driver kernel --routing vxlan --mtu 1300 -o csv";
    plumb(small).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: the kernel driver cannot hold this cluster: an MTU of 1300 is too small for IPv6 in a VXLAN tunnel, which takes 50 bytes of it: it must be at least 1330
help: --mtu is what links between nodes take; a cluster without IPv6 addresses and --routing native need less

"#]]);
    let native = "matrix -f two-nodes.yaml --driver kernel --mtu 1300 -o csv";
    plumb(native).assert().success();
}

#[test]
fn an_interrupted_command_ends_at_once_with_its_own_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("cluster.yaml");
    nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let mut child = std::process::Command::new(cargo_bin!("plumb"))
        .args(["matrix", "-f"])
        .arg(&pipe)
        .spawn()
        .unwrap();
    // Opening waits until the program reads.
    let _writer = File::options().write(true).open(&pipe).unwrap();
    let process = Pid::from_raw(child.id().try_into().unwrap());
    kill(process, Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
