//! `flow.Flow` and its parts, as far as Plumbline says something in them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// A flow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Flow {
    /// When it was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// What became of it.
    pub verdict: Verdict,
    /// The number of [`Flow::drop_reason_desc`]; zero if it was not dropped, or for a reason that Hubble does not know.
    #[serde(skip_serializing_if = "is_default")]
    pub drop_reason: u32,
    /// Its addresses, after service translation; `None` if the packet has none.
    #[serde(rename = "IP", skip_serializing_if = "Option::is_none")]
    pub ip: Option<Ip>,
    /// Its protocol and ports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l4: Option<Layer4>,
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Endpoint>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<Endpoint>,
    /// The service that the source asked for, where its name is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_service: Option<Service>,
    /// Where the source asked for it, `ADDRESS:PORT`: ours, as Hubble has the address of the backend alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub virtual_destination: String,
    /// `L3_L4`; Hubble has `L7` and `SOCK` besides.
    #[serde(rename = "Type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The node where it was seen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// The kind of the event behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<EventType>,
    /// Whose policies it is about: the source's are egress, the destination's ingress.
    #[serde(skip_serializing_if = "is_default")]
    pub traffic_direction: TrafficDirection,
    /// A [`PolicyMatch`] as a number.
    #[serde(skip_serializing_if = "is_default")]
    pub policy_match_type: u32,
    /// Why it was dropped: a name of Hubble's, or one of ours.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub drop_reason_desc: String,
    /// Whether it answers; `None` where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_reply: Option<bool>,
    /// The protocol in words.
    #[serde(rename = "Summary", skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// The source's policies that allow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress_allowed_by: Vec<Policy>,
    /// The destination's policies that allow it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_allowed_by: Vec<Policy>,
    /// The source's policies that deny it, or would if they were not in audit mode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress_denied_by: Vec<Policy>,
    /// The destination's policies that deny it, or would if they were not in audit mode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_denied_by: Vec<Policy>,
}

/// What became of a packet. Plumbline writes the first three.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// It passed.
    Forwarded,
    /// It was dropped.
    Dropped,
    /// It passed, and policies in audit mode would deny it.
    Audit,
    /// Hubble: something failed.
    Error,
    /// Hubble: it went to a proxy.
    Redirected,
    /// Hubble: it was seen before a verdict.
    Traced,
    /// Hubble: its address was translated.
    Translated,
    /// None, or one that came after this list.
    #[default]
    #[serde(rename = "VERDICT_UNKNOWN", other)]
    Unknown,
}

impl Verdict {
    /// Every verdict that a flow can be asked for.
    pub const ALL: [Self; 7] = [
        Self::Forwarded,
        Self::Dropped,
        Self::Audit,
        Self::Error,
        Self::Redirected,
        Self::Traced,
        Self::Translated,
    ];

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "FORWARDED",
            Self::Dropped => "DROPPED",
            Self::Audit => "AUDIT",
            Self::Error => "ERROR",
            Self::Redirected => "REDIRECTED",
            Self::Traced => "TRACED",
            Self::Translated => "TRANSLATED",
            Self::Unknown => "VERDICT_UNKNOWN",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The addresses of a packet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ip {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// `IPv4` or `IPv6`.
    #[serde(default, rename = "ipVersion")]
    pub version: String,
}

/// Protocol and ports: at most one of these.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer4 {
    /// TCP.
    #[serde(rename = "TCP", skip_serializing_if = "Option::is_none")]
    pub tcp: Option<Ports>,
    /// UDP.
    #[serde(rename = "UDP", skip_serializing_if = "Option::is_none")]
    pub udp: Option<Ports>,
    /// ICMP for IPv4.
    #[serde(rename = "ICMPv4", skip_serializing_if = "Option::is_none")]
    pub icmp: Option<Icmp>,
    /// ICMP for IPv6.
    #[serde(rename = "ICMPv6", skip_serializing_if = "Option::is_none")]
    pub icmpv6: Option<Icmp>,
    /// SCTP.
    #[serde(rename = "SCTP", skip_serializing_if = "Option::is_none")]
    pub sctp: Option<Ports>,
}

impl Layer4 {
    /// Its ports, if the protocol has any.
    #[must_use]
    pub fn ports(&self) -> Option<Ports> {
        self.tcp.or(self.udp).or(self.sctp)
    }
}

/// The ports of a packet, host order; zero if there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ports {
    /// The sender's.
    #[serde(skip_serializing_if = "is_default")]
    pub source_port: u16,
    /// The receiver's.
    #[serde(skip_serializing_if = "is_default")]
    pub destination_port: u16,
}

/// An ICMP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Icmp {}

/// One end of a flow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Who the tables say it is; zero if it was not looked up.
    #[serde(skip_serializing_if = "is_default")]
    pub identity: u32,
    /// The namespace of a pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `k8s:key=value` for a pod's, `reserved:host`, `reserved:remote-node` or `reserved:world` for others. Sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The name of a pod.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pod_name: String,
    /// What the pod belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub workloads: Vec<Workload>,
}

/// A service.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// What a pod belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// Its kind, for example `Deployment`.
    pub kind: String,
}

/// The kind of the event behind a flow, in Cilium's numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EventType {
    /// [`EventType::DROP`], [`EventType::POLICY_VERDICT`], or another of Cilium's.
    #[serde(rename = "type")]
    pub number: i32,
    /// For a drop the number of the reason.
    #[serde(rename = "sub_type", skip_serializing_if = "is_default")]
    pub detail: i32,
}

impl EventType {
    /// A packet was dropped, and not by a policy.
    pub const DROP: i32 = 1;
    /// Policies were asked.
    pub const POLICY_VERDICT: i32 = 5;
}

/// Whose policies a flow is about.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TrafficDirection {
    /// The destination's.
    Ingress,
    /// The source's.
    Egress,
    /// Nobody knows.
    #[default]
    #[serde(rename = "TRAFFIC_DIRECTION_UNKNOWN", other)]
    Unknown,
}

/// What of the policies matched. Plumbline writes [`PolicyMatch::None`], [`PolicyMatch::L3L4`] and
/// [`PolicyMatch::All`]; events do not say which part of a rule is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum PolicyMatch {
    /// No rule: isolation decided.
    None = 0,
    /// A rule for a peer.
    L3Only = 1,
    /// A rule, for a peer and a port.
    L3L4 = 2,
    /// A rule for a port.
    L4Only = 3,
    /// No policy decides, so everything is allowed.
    All = 4,
    /// A rule for a peer and a protocol.
    L3Protocol = 5,
    /// A rule for a protocol.
    ProtocolOnly = 6,
}

impl PolicyMatch {
    /// Its name as Hubble prints it; `None` for a number that came after this list.
    #[must_use]
    pub const fn name_of(number: u32) -> Option<&'static str> {
        Some(match number {
            0 => "none",
            1 => "L3-Only",
            2 => "L3-L4",
            3 => "L4-Only",
            4 => "all",
            5 => "L3-Proto",
            6 => "Proto-Only",
            _ => return None,
        })
    }
}

/// A policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its namespace, if its kind has one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its kind, for example `NetworkPolicy`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// `namespace/name`, or `KIND/name` of a policy without a namespace.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = [&self.namespace, &self.kind];
        match first.into_iter().find(|text| !text.is_empty()) {
            Some(first) => write!(f, "{first}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
