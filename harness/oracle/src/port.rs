//! Ports of a rule: which protocols and destination ports it is about.

use crate::attempt::{Attempt, Kind};
use k8s_openapi::api::networking::v1::NetworkPolicyPort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use manifest::Protocol;
use manifest::cilium::PortProtocol;
use manifest::network_policy_api::{v1alpha1, v1alpha2};
use std::fmt;

/// One of the ports that a rule is about.
pub(crate) struct PortItem<'a> {
    /// The protocol as the API writes it; `None` is any that has ports.
    protocol: Option<&'a str>,
    ports: Ports<'a>,
}

enum Ports<'a> {
    Every,
    /// From the first to the last.
    Range(i64, i64),
    /// What the destination pod calls so.
    Named(&'a str),
}

/// None of the rule's ports is the one asked for.
pub(crate) struct PortMiss<'a> {
    ports: &'a [PortItem<'a>],
    attempt: &'a Attempt<'a>,
}

/// Whether the ports of a rule include the attempt's. None at all: every port of every protocol, ICMP too.
pub(crate) fn open<'a>(
    ports: &'a [PortItem<'a>],
    attempt: &'a Attempt<'a>,
) -> Result<(), PortMiss<'a>> {
    if ports.is_empty() || ports.iter().any(|item| item.includes(attempt)) {
        return Ok(());
    }
    Err(PortMiss { ports, attempt })
}

/// A port of a `NetworkPolicy`. The protocol is TCP by default.
impl<'a> From<&'a NetworkPolicyPort> for PortItem<'a> {
    fn from(port: &'a NetworkPolicyPort) -> Self {
        let ports = match &port.port {
            None => Ports::Every,
            Some(IntOrString::Int(first)) => {
                let last = port.end_port.unwrap_or(*first);
                Ports::Range((*first).into(), last.into())
            }
            Some(IntOrString::String(name)) => Ports::Named(name),
        };
        Self {
            protocol: Some(default_tcp(port.protocol.as_deref())),
            ports,
        }
    }
}

/// A port of v1alpha1. The protocol is TCP by default; a name stands for the ports of any protocol.
impl<'a> From<&'a v1alpha1::Port> for PortItem<'a> {
    fn from(port: &'a v1alpha1::Port) -> Self {
        if let Some(number) = &port.port_number {
            let port = number.port.unwrap_or(0);
            return Self {
                protocol: Some(default_tcp(number.protocol.as_deref())),
                ports: Ports::Range(port, port),
            };
        }
        if let Some(range) = &port.port_range {
            return Self {
                protocol: Some(default_tcp(range.protocol.as_deref())),
                ports: Ports::Range(range.start.unwrap_or(0), range.end.unwrap_or(0)),
            };
        }
        Self::named(port.named_port.as_deref())
    }
}

/// A protocol of v1alpha2. A name stands for the ports of any protocol.
impl<'a> From<&'a v1alpha2::Protocol> for PortItem<'a> {
    fn from(item: &'a v1alpha2::Protocol) -> Self {
        let transports = [("TCP", &item.tcp), ("UDP", &item.udp), ("SCTP", &item.sctp)];
        let written = transports
            .into_iter()
            .find_map(|(name, destination)| Some((name, destination.as_ref()?)));
        match written {
            Some((protocol, destination)) => Self {
                protocol: Some(protocol),
                ports: numbers(destination.destination_port.as_ref()),
            },
            None => Self::named(item.destination_named_port.as_deref()),
        }
    }
}

/// A port of a host policy. The protocol is any by default; port 0 is every port.
impl<'a> From<&'a PortProtocol> for PortItem<'a> {
    fn from(port: &'a PortProtocol) -> Self {
        let protocol = port.protocol.as_deref();
        let ports = match port.port.parse() {
            Ok(0) => Ports::Every,
            Ok(first) => Ports::Range(first, port.end_port.unwrap_or(first)),
            Err(_) => Ports::Range(1, 0),
        };
        Self {
            protocol: protocol.filter(|name| *name != "ANY"),
            ports,
        }
    }
}

fn default_tcp(protocol: Option<&str>) -> &str {
    protocol.unwrap_or(Protocol::Tcp.name())
}

fn numbers(port: Option<&v1alpha2::Port>) -> Ports<'static> {
    let Some(port) = port else {
        return Ports::Every;
    };
    match (&port.number, &port.range) {
        (Some(number), _) => Ports::Range(*number, *number),
        (None, Some(range)) => Ports::Range(range.start.unwrap_or(0), range.end.unwrap_or(0)),
        (None, None) => Ports::Range(0, 0),
    }
}

impl<'a> PortItem<'a> {
    fn named(name: Option<&'a str>) -> Self {
        Self {
            protocol: None,
            ports: Ports::Named(name.unwrap_or_default()),
        }
    }

    /// Whether the attempt's port is meant. ICMP has no port, and no item can name its protocol.
    fn includes(&self, attempt: &Attempt) -> bool {
        let Some(asked) = attempt.port else {
            return false;
        };
        if !self.is_about(attempt.protocol) {
            return false;
        }
        match self.ports {
            Ports::Every => true,
            Ports::Range(first, last) => (first..=last).contains(&i64::from(asked)),
            Ports::Named(name) => named_ports(attempt, name).any(|port| port == asked),
        }
    }

    fn is_about(&self, protocol: Protocol) -> bool {
        self.protocol.is_none_or(|name| name == protocol.name())
    }

    fn describe(&self, attempt: &Attempt) -> String {
        let protocol = self.protocol.unwrap_or("any protocol");
        match self.ports {
            Ports::Every => format!("every {protocol} port"),
            Ports::Range(first, last) if first == last => format!("{protocol} {first}"),
            Ports::Range(first, last) => format!("{protocol} {first}–{last}"),
            Ports::Named(name) => {
                format!("{protocol} `{name}` ({})", self.resolve(attempt, name))
            }
        }
    }

    fn resolve(&self, attempt: &Attempt, name: &str) -> String {
        let to = attempt.to.name;
        if !self.is_about(attempt.protocol) {
            return "another protocol".to_owned();
        }
        match named_ports(attempt, name).next() {
            Some(port) => format!("{port} on {to}"),
            None => format!("no port of {to}"),
        }
    }
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
        let protocol = self.attempt.protocol;
        u32::from(self.ports.iter().any(|item| item.is_about(protocol)))
    }
}

impl fmt::Display for PortMiss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.ports.iter();
        let opened: Vec<_> = items.map(|item| item.describe(self.attempt)).collect();
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
