//! The contract between the kernel programs and user space: every map key, map value and event.
//!
//! Each type is plain data without padding (checked at compile time by the `zerocopy` derives).
//! Addresses and ports are in network byte order, everything else in host order.
//! Nothing here decides anything: the decisions are in `program`, the contents come from `policy`.
#![cfg_attr(not(test), no_std)]

mod address;
mod conntrack;
mod event;
mod fragment;
mod link;
mod masquerade;
mod node;
mod service;
mod timeout;
mod verdict;
mod versions;

pub use address::{Address, End, Mac, Port};
pub use conntrack::{
    CONNTRACK_CHOICE, CONNTRACK_CLOSED_FORWARD, CONNTRACK_CLOSED_REPLY, CONNTRACK_FORWARD_LOW,
    CONNTRACK_MASQUERADED, CONNTRACK_TRANSLATED, Connection, ConnectionKey, ConnectionState,
};
pub use event::{
    Decider, Disposition, DropReason, Event, EventLimit, Half, Hook, LOST_EVENTS, Occasion,
    PolicyAction, SUPPRESSED_EVENTS,
};
pub use fragment::{FirstFragment, FragmentKey, Ports};
pub use link::{Link, LocalEndpoint};
pub use masquerade::{PortRange, Translation, TranslationKey};
pub use node::{Guard, Home, Node, Routing, VXLAN_PORT};
pub use service::{
    Affinity, AffinityKey, BackendSet, FRONTEND_HAS_SOURCES, FRONTEND_HASHES, FRONTEND_IS_LOCAL,
    FRONTEND_IS_THERE, Frontend, FrontendKey, FrontendRows, MEMBER_DRAINS, MEMBER_TAKES_NEW,
    MemberKey, PEER_IS_BACKEND, PEER_IS_VIRTUAL, PeerKey, SlotKey, SourceKey,
};
pub use timeout::{Timeout, Timeouts};
pub use verdict::{
    CidrKey, ClassKey, Endpoint, EndpointRows, Identity, IdentityRows, RuleSet, TableId, Verdict,
    VerdictKey,
};

/// IP protocol numbers the datapath tells apart (IANA "Assigned Internet Protocol Numbers").
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// A generation of the policy tables: the number that every event carries and that `apply` returns.
///
/// Zero means that no tables were ever applied; such a datapath drops every packet of a pod.
pub type Generation = u64;
