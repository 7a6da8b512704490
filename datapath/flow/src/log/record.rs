//! A record of the policy log, field by field in the order in which it is written.

use crate::{End, Party, VirtualEnd};
use abi::protocol;
use jiff::Timestamp;
use manifest::PolicyName;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a record looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Shape {
    /// As GKE Dataplane V2 writes it: denials name no policy, and protocols but TCP, UDP and ICMP are `unknown`.
    Exact,
    /// The same, and more: who denies is named, `icmpv6` and `sctp` too, and what is let through in audit mode is
    /// written, with who would deny it.
    #[default]
    Ours,
}

/// A record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The connection.
    pub connection: Connection,
    /// What policies did with it.
    pub disposition: LogDisposition,
    /// Which policies; left out where the shape has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<LoggedPolicy>,
    /// Who opened it.
    pub src: Who,
    /// To whom.
    pub dest: Who,
    /// How many packets the record is about: 1 if they were allowed.
    pub count: u64,
    /// The node whose datapath decided.
    pub node_name: String,
    /// When the first of them was seen.
    #[serde(with = "nanoseconds")]
    pub timestamp: Timestamp,
}

/// The connection of a record.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Connection {
    /// Source address.
    pub src_ip: IpAddr,
    /// Destination address, after service translation.
    pub dest_ip: IpAddr,
    /// Source port, host order; none if the protocol has no ports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_port: Option<u16>,
    /// Destination port, host order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dest_port: Option<u16>,
    /// The protocol in lower case, or `unknown`.
    pub protocol: String,
    /// Which side decided.
    pub direction: Direction,
    /// The service that the source asked for. Not in the exact shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<LoggedService>,
}

/// The service of a connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LoggedService {
    /// Its name; none if nobody knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The address that the source sent to: the service's, or a node's.
    pub ip: IpAddr,
    /// The port there, host order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// A side of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The source's egress policies.
    Egress,
    /// The destination's ingress policies.
    Ingress,
}

/// What policies did with a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogDisposition {
    /// They allowed it.
    Allow,
    /// They denied it.
    Deny,
    /// They would deny it if they were not in audit mode. Not in the exact shape.
    Audit,
}

/// A policy in a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LoggedPolicy {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

/// One end of a connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Who {
    /// A pod.
    Pod {
        /// Its name.
        pod_name: String,
        /// The kind of its owner; `Pod` if it has none.
        workload_kind: String,
        /// The name of its owner, or its own.
        workload_name: String,
        /// Its namespace.
        pod_namespace: String,
        /// Its namespace again.
        namespace: String,
    },
    /// A node, or a pod on its network.
    Node {
        /// Its name.
        node_name: String,
        /// `Node`.
        workload_kind: String,
    },
    /// Anybody else.
    Instance {
        /// The address.
        instance: IpAddr,
    },
}

impl Who {
    /// Who is at this end.
    pub(super) fn of(end: &End) -> Self {
        match &end.party {
            Party::World => Self::Instance {
                instance: end.address,
            },
            Party::Node(name) => Self::Node {
                node_name: name.to_string(),
                workload_kind: "Node".to_owned(),
            },
            Party::Pod(pod) => {
                let owner = pod.workload.as_ref();
                let owner = owner.map(|owner| (owner.kind.as_str(), owner.name.as_str()));
                let (kind, name) = owner.unwrap_or(("Pod", &pod.name.name));
                Self::Pod {
                    pod_name: pod.name.name.clone(),
                    workload_kind: kind.to_owned(),
                    workload_name: name.to_owned(),
                    pod_namespace: pod.name.namespace.clone(),
                    namespace: pod.name.namespace.clone(),
                }
            }
        }
    }
}

impl From<&VirtualEnd> for LoggedService {
    fn from(end: &VirtualEnd) -> Self {
        let service = end.service.as_ref();
        Self {
            name: service.map(|service| service.name.clone()),
            namespace: service.map(|service| service.namespace.clone()),
            ip: end.address,
            port: end.port,
        }
    }
}

impl From<&PolicyName> for LoggedPolicy {
    fn from(policy: &PolicyName) -> Self {
        Self {
            kind: policy.kind.name().to_owned(),
            name: policy.name.clone(),
            namespace: policy.namespace.clone(),
        }
    }
}

impl Shape {
    /// The name of a protocol.
    pub(super) const fn protocol(self, number: u8) -> &'static str {
        match (number, self) {
            (protocol::TCP, _) => "tcp",
            (protocol::UDP, _) => "udp",
            (protocol::ICMP, _) => "icmp",
            (protocol::ICMPV6, Self::Ours) => "icmpv6",
            (protocol::SCTP, Self::Ours) => "sctp",
            _ => "unknown",
        }
    }
}

/// RFC 3339 with nine decimals, as the field writes it.
mod nanoseconds {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        time: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{time:.9}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }
}
