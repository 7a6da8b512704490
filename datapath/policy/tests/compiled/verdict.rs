//! Asks desired tables as a packet would.

use abi::{Identity, PolicyAction};
use ipnet::IpNet;
use policy::{Desired, Entry, Table};
use std::net::IpAddr;
use std::sync::Arc;

/// A first packet.
#[derive(Clone, Copy)]
pub(crate) struct Packet {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// IP protocol number.
    pub(crate) protocol: u8,
    pub(crate) port: u16,
}

/// What both ends say: `open`, `own node`, the rules that allow, or `denied` and the policies that isolate.
/// The destination is not asked once the source has denied.
pub(crate) fn judge(desired: &Desired, packet: Packet) -> String {
    let source = identity(desired, packet.source);
    let destination = identity(desired, packet.destination);
    let sender = desired.endpoints.get(&packet.source);
    let receiver = desired.endpoints.get(&packet.destination);
    let egress = sender.and_then(|row| row.egress.as_ref());
    let egress = ask(egress, destination, packet);
    if egress.starts_with("denied") {
        return format!("egress {egress}");
    }
    let ingress = match receiver {
        Some(row) if row.node == source => "own node".to_owned(),
        row => ask(row.and_then(|row| row.ingress.as_ref()), source, packet),
    };
    format!("egress {egress}; ingress {ingress}")
}

/// Who an address is.
pub(crate) fn identity(desired: &Desired, address: IpAddr) -> Identity {
    if let Some(row) = desired.endpoints.get(&address) {
        return row.identity;
    }
    let holding = desired
        .cidrs
        .iter()
        .filter(|(prefix, _)| prefix.contains(&address));
    let longest = holding.max_by_key(|(prefix, _)| IpNet::prefix_len(prefix));
    *longest.expect("every address is in a prefix").1
}

fn ask(table: Option<&Arc<Table>>, peer: Identity, packet: Packet) -> String {
    let Some(table) = table else {
        return "open".to_owned();
    };
    let class = table.classes.get(&peer).copied().unwrap_or(0);
    let matching = table
        .verdicts
        .iter()
        .filter(|(entry, _)| entry.class == class && holds(entry, packet));
    let longest = matching.max_by_key(|(entry, _)| entry.ports.map(|ports| ports.bits));
    match longest {
        Some((_, verdict)) => {
            assert_eq!(verdict.action(), PolicyAction::Allow);
            names(&table.rules[verdict.rules.0 as usize])
        }
        None => format!("denied by {}", names(&table.isolated_by)),
    }
}

fn holds(entry: &Entry, packet: Packet) -> bool {
    entry.ports.is_none_or(|ports| {
        let differing = u32::from(ports.port ^ packet.port) >> (16 - ports.bits);
        ports.protocol == packet.protocol && differing == 0
    })
}

fn names<T: ToString>(items: &[T]) -> String {
    let names: Vec<String> = items.iter().map(ToString::to_string).collect();
    names.join(" ")
}
