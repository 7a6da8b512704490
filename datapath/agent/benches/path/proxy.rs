//! Rule sets of the shapes that kube-proxy writes, which translate in the kernel's own connection tracking.

use crate::network::PODS;
use crate::services::{ADDRESS, others};
use crate::traffic::PORT;
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

/// A mode of kube-proxy.
#[derive(Clone, Copy)]
pub(crate) enum Proxy {
    /// A map from virtual ends to chains.
    Nftables,
    /// A rule for each virtual end, one after the other.
    Iptables,
}

impl Proxy {
    pub(crate) const ALL: [Self; 2] = [Self::Nftables, Self::Iptables];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
        }
    }

    /// The command that puts its rules in force. That of iptables is the old one: it is the faster to load.
    const fn command(self) -> [&'static str; 2] {
        match self {
            Self::Nftables => ["nft", "-f-"],
            Self::Iptables => ["iptables-legacy-restore", "--noflush"],
        }
    }

    /// Whether the command is there.
    pub(crate) fn is_installed(self) -> bool {
        let [command, _] = self.command();
        let version = Command::new(command).arg("--version").output();
        !version.is_err_and(|error| error.kind() == ErrorKind::NotFound)
    }

    /// Puts the rules in force in the calling thread's namespace.
    pub(crate) fn install(self, services: u32) -> anyhow::Result<()> {
        let [command, argument] = self.command();
        let text = match self {
            Self::Nftables => nftables(services),
            Self::Iptables => iptables(services),
        };
        let mut command = Command::new(command);
        let mut child = command.arg(argument).stdin(Stdio::piped()).spawn()?;
        let mut rules = child.stdin.take().context("a pipe")?;
        rules.write_all(text.as_bytes())?;
        drop(rules);
        ensure!(child.wait()?.success(), "the rules were refused");
        Ok(())
    }
}

/// Every service: its address and its backend. That of pod b is in the middle: rules are asked in order.
fn all(services: u32) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let mut all: Vec<_> = others(services).collect();
    all.insert(all.len() / 2, (ADDRESS, PODS[1].1));
    all
}

fn nftables(services: u32) -> String {
    let mut chains = String::new();
    let mut elements = String::new();
    for (address, backend) in all(services) {
        let number = u32::from(address);
        for protocol in ["tcp", "udp"] {
            let _ = write!(
                chains,
                "chain endpoint-{number}-{protocol} {{\nip saddr {backend} jump mark-for-masquerade\n\
                 meta l4proto {protocol} dnat to {backend}:{PORT}\n}}\n\
                 chain service-{number}-{protocol} {{\nnumgen random mod 1 vmap {{ 0 : goto endpoint-{number}-{protocol} }}\n}}\n"
            );
            let _ = write!(
                elements,
                "{address} . {protocol} . {PORT} : goto service-{number}-{protocol}, "
            );
        }
    }
    format!(
        "table ip kube-proxy {{
chain mark-for-masquerade {{\nmeta mark set meta mark or 0x4000\n}}
{chains}
map service-ips {{
type ipv4_addr . inet_proto . inet_service : verdict
elements = {{ {elements} }}
}}
chain prerouting {{
type nat hook prerouting priority dstnat; policy accept;
ip daddr . meta l4proto . th dport vmap @service-ips
}}
chain postrouting {{
type nat hook postrouting priority srcnat; policy accept;
meta mark & 0x4000 != 0 masquerade
}}
}}
"
    )
}

fn iptables(services: u32) -> String {
    let mut chains = String::new();
    let mut rules = String::new();
    for (address, backend) in all(services) {
        let number = u32::from(address);
        for protocol in ["tcp", "udp"] {
            let name = format!("{number}-{protocol}");
            let _ = writeln!(chains, ":SVC-{name} - [0:0]\n:SEP-{name} - [0:0]");
            let _ = writeln!(
                rules,
                "-A SERVICES -d {address}/32 -p {protocol} -m {protocol} --dport {PORT} -j SVC-{name}\n\
                 -A SVC-{name} -j SEP-{name}\n\
                 -A SEP-{name} -s {backend}/32 -j MARK-MASQ\n\
                 -A SEP-{name} -p {protocol} -m {protocol} -j DNAT --to-destination {backend}:{PORT}"
            );
        }
    }
    format!(
        "*nat\n:SERVICES - [0:0]\n:MARK-MASQ - [0:0]\n{chains}\
         -A MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n{rules}\
         -A PREROUTING -j SERVICES\n\
         -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE\nCOMMIT\n"
    )
}
