//! Choosing flows, as `hubble observe` does: several values of one criterion are alternatives, several criteria must all
//! hold.

mod end;
mod label;

pub use end::{NamespaceName, PodPrefix, Sided};
pub use label::{LabelSelector, ParseLabelSelectorError};

use crate::hubble::{Flow, Layer4, TrafficDirection, Verdict};
use end::{FlowEnd, hold};
use ipnet::IpNet;
use jiff::Timestamp;
use std::fmt;
use std::str::FromStr;

/// Which flows are wanted; the default wants all.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Filter {
    /// Pods.
    pub pods: Sided<PodPrefix>,
    /// Namespaces.
    pub namespaces: Sided<NamespaceName>,
    /// Labels.
    pub labels: Sided<LabelSelector>,
    /// Addresses.
    pub addresses: Sided<IpNet>,
    /// Ports, host order.
    pub ports: Sided<u16>,
    /// What became of it.
    pub verdicts: Vec<Verdict>,
    /// The protocol.
    pub protocols: Vec<Protocol>,
    /// Whose policies it is about.
    pub directions: Vec<TrafficDirection>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Not after.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether the flow is wanted.
    #[must_use]
    pub fn wants(&self, flow: &Flow) -> bool {
        let ends = FlowEnd::of(flow);
        is_one_of(&self.verdicts, &flow.verdict)
            && is_one_of(&self.directions, &flow.traffic_direction)
            && self.wants_protocol(flow)
            && self.wants_time(flow)
            && hold(&self.pods, &ends)
            && hold(&self.namespaces, &ends)
            && hold(&self.labels, &ends)
            && hold(&self.addresses, &ends)
            && hold(&self.ports, &ends)
    }

    fn wants_protocol(&self, flow: &Flow) -> bool {
        let is_it = |protocol: &Protocol| flow.l4.as_ref().is_some_and(|l4| protocol.is_of(l4));
        self.protocols.is_empty() || self.protocols.iter().any(is_it)
    }

    /// A flow without a time is at none.
    fn wants_time(&self, flow: &Flow) -> bool {
        let is_late = |since| flow.time.is_some_and(|time| time >= since);
        let is_early = |until| flow.time.is_some_and(|time| time <= until);
        self.since.is_none_or(is_late) && self.until.is_none_or(is_early)
    }
}

fn is_one_of<T: PartialEq>(wanted: &[T], value: &T) -> bool {
    wanted.is_empty() || wanted.contains(value)
}

/// A protocol as it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// ICMP for either family.
    Icmp,
    /// ICMP for IPv4.
    Icmpv4,
    /// ICMP for IPv6.
    Icmpv6,
}

impl Protocol {
    /// Every protocol with its name.
    pub const NAMES: [(&str, Self); 6] = [
        ("tcp", Self::Tcp),
        ("udp", Self::Udp),
        ("sctp", Self::Sctp),
        ("icmp", Self::Icmp),
        ("icmpv4", Self::Icmpv4),
        ("icmpv6", Self::Icmpv6),
    ];

    const fn is_of(self, l4: &Layer4) -> bool {
        match self {
            Self::Tcp => l4.tcp.is_some(),
            Self::Udp => l4.udp.is_some(),
            Self::Sctp => l4.sctp.is_some(),
            Self::Icmp => l4.icmp.is_some() || l4.icmpv6.is_some(),
            Self::Icmpv4 => l4.icmp.is_some(),
            Self::Icmpv6 => l4.icmpv6.is_some(),
        }
    }
}

/// A text that is no protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseProtocolError(String);

impl fmt::Display for ParseProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Protocol::NAMES.map(|(name, _)| name).join(", ");
        write!(f, "`{}` is not a protocol: use one of {names}", self.0)
    }
}

impl std::error::Error for ParseProtocolError {}

impl FromStr for Protocol {
    type Err = ParseProtocolError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut names = Self::NAMES.into_iter();
        let found = names.find(|(name, _)| name.eq_ignore_ascii_case(text));
        let (_, protocol) = found.ok_or_else(|| ParseProtocolError(text.to_owned()))?;
        Ok(protocol)
    }
}
