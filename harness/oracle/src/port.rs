//! Ports of a rule: which protocols and destination ports it opens.

use crate::attempt::{Attempt, Kind};
use k8s_openapi::api::networking::v1::NetworkPolicyPort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::Protocol;
use std::fmt;

/// None of the rule's ports is the one asked for.
pub(crate) struct PortMiss<'a> {
    ports: &'a [NetworkPolicyPort],
    attempt: &'a Attempt<'a>,
}

/// Whether the `ports` of a rule open the attempt's port. None at all: every port of every protocol, ICMP too.
pub(crate) fn open<'a>(
    ports: &'a [NetworkPolicyPort],
    attempt: &'a Attempt<'a>,
) -> Result<(), PortMiss<'a>> {
    if ports.is_empty() || ports.iter().any(|item| opens(item, attempt)) {
        return Ok(());
    }
    Err(PortMiss { ports, attempt })
}

/// Whether one item of `ports` opens the attempt's port. ICMP has no port, and no item can name its protocol.
fn opens(item: &NetworkPolicyPort, attempt: &Attempt) -> bool {
    let Some(asked) = attempt.port else {
        return false;
    };
    if protocol(item) != attempt.protocol.name() {
        return false;
    }
    match &item.port {
        None => true,
        Some(IntOrString::Int(first)) => {
            let last = item.end_port.unwrap_or(*first);
            (*first..=last).contains(&i32::from(asked))
        }
        Some(IntOrString::String(name)) => named_ports(attempt, name).any(|port| port == asked),
    }
}

/// The protocol of an item; the default is TCP.
fn protocol(item: &NetworkPolicyPort) -> &str {
    item.protocol.as_deref().unwrap_or(Protocol::Tcp.name())
}

/// The numbers that the destination pod gives to `name` for the attempt's protocol. Only pods name ports.
fn named_ports<'a>(attempt: &'a Attempt<'a>, name: &'a str) -> impl Iterator<Item = u16> + 'a {
    let declared = match &attempt.to.kind {
        Kind::Pod(to) => to.pod.ports.as_slice(),
        Kind::Node(_) | Kind::External => &[],
    };
    declared
        .iter()
        .filter(move |port| port.protocol == attempt.protocol && port.name.as_deref() == Some(name))
        .map(|port| port.port)
}

impl PortMiss<'_> {
    /// How near the ports came: 1 if one of them is of the protocol, otherwise 0.
    pub(crate) fn nearness(&self) -> u32 {
        let asked = self.attempt.protocol.name();
        u32::from(self.ports.iter().any(|item| protocol(item) == asked))
    }

    fn describe(&self, item: &NetworkPolicyPort) -> String {
        let protocol = protocol(item);
        match (&item.port, item.end_port) {
            (None, _) => format!("every {protocol} port"),
            (Some(IntOrString::Int(first)), Some(last)) => format!("{protocol} {first}–{last}"),
            (Some(IntOrString::Int(port)), None) => format!("{protocol} {port}"),
            (Some(IntOrString::String(name)), _) => {
                format!("{protocol} `{name}` ({})", self.resolve(protocol, name))
            }
        }
    }

    fn resolve(&self, protocol: &str, name: &str) -> String {
        let to = self.attempt.to.name;
        if protocol != self.attempt.protocol.name() {
            return "another protocol".to_owned();
        }
        match named_ports(self.attempt, name).next() {
            Some(port) => format!("{port} on {to}"),
            None => format!("no port of {to}"),
        }
    }
}

impl fmt::Display for PortMiss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened: Vec<_> = self.ports.iter().map(|item| self.describe(item)).collect();
        let opened = opened.join(", ");
        match self.attempt.port {
            Some(port) => write!(
                f,
                "ports: {} {port} is not among {opened}",
                self.attempt.protocol
            ),
            None => write!(f, "ports: ICMP has none, and the rule is about {opened}"),
        }
    }
}
