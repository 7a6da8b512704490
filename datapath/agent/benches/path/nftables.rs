//! nftables rule sets that mean what the policies mean: connections that are known pass, new ones need a rule of each
//! pod that they touch.

use crate::policies::others;
use crate::traffic::PORT;
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::process::{Command, Stdio};

/// How the rules find out whether somebody is allowed.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A rule for each policy.
    Linear,
    /// A set of all.
    Set,
}

/// Whether the program is there.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("nft").arg("--version").output();
    !version.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Puts the rules in force in the calling thread's namespace.
pub(crate) fn install(shape: Shape, policies: u32) -> anyhow::Result<()> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut rules = nft.stdin.take().context("a pipe")?;
    rules.write_all(text(shape, policies).as_bytes())?;
    drop(rules);
    ensure!(nft.wait()?.success(), "nft refused the rules");
    Ok(())
}

fn text(shape: Shape, policies: u32) -> String {
    let (egress, ingress, sets) = match shape {
        Shape::Linear => (
            linear("daddr", "10.0.0.2", policies),
            linear("saddr", "10.0.0.1", policies),
            String::new(),
        ),
        Shape::Set => (
            member("daddr", "destinations"),
            member("saddr", "sources"),
            set("destinations", "10.0.0.2", policies) + &set("sources", "10.0.0.1", policies),
        ),
    };
    format!(
        "table ip policies {{
{sets}chain egress {{\n{egress}drop\n}}
chain ingress {{\n{ingress}drop\n}}
chain forward {{
type filter hook forward priority filter; policy accept;
ct state established,related accept
ip saddr 10.0.0.1 jump egress
ip daddr 10.0.0.2 jump ingress
}}
}}
"
    )
}

fn linear(end: &str, pod: &str, policies: u32) -> String {
    let mut rules = String::new();
    for (address, port) in others(policies) {
        let _ = writeln!(rules, "ip {end} {address} tcp dport {port} return");
    }
    let _ = writeln!(
        rules,
        "ip {end} {pod} meta l4proto {{ tcp, udp }} th dport {PORT} return"
    );
    rules
}

fn member(end: &str, set: &str) -> String {
    format!("ip {end} . meta l4proto . th dport @{set} return\n")
}

fn set(name: &str, pod: &str, policies: u32) -> String {
    let mut elements = format!("{pod} . tcp . {PORT}, {pod} . udp . {PORT}");
    for (address, port) in others(policies) {
        let _ = write!(elements, ", {address} . tcp . {port}");
    }
    format!(
        "set {name} {{\ntype ipv4_addr . inet_proto . inet_service\nelements = {{ {elements} }}\n}}\n"
    )
}
