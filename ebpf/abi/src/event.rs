//! Events: one a new connection, one a denied or dropped packet.

use crate::{Address, End, Generation, Identity, Port, RuleSet, TableId};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Slot of the drop counters, before those of the [`DropReason`]s, that counts events the ring buffer had no room for.
pub const LOST_EVENTS: u32 = 0;

/// Slot of the drop counters, behind those of the [`DropReason`]s, that counts drops over the [`EventLimit`]: they were
/// counted by their reason and not reported.
pub const SUPPRESSED_EVENTS: u32 = 63;

/// How many drops each CPU reports. Events about allowed connections are never left out.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct EventLimit {
    /// Nanoseconds that each event takes of the budget; zero is no limit.
    pub interval: u64,
    /// Nanoseconds by which events may run ahead of the clock.
    pub burst: u64,
}

/// One entry of the ring buffer.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Event {
    /// Kernel monotonic clock, nanoseconds, without the conntrack clock's offset.
    pub time: u64,
    /// The generation of the tables that judged the packet.
    pub generation: Generation,
    /// Source of the packet.
    pub source: Address,
    /// Destination of the packet.
    pub destination: Address,
    /// Who the source is, if it was looked up.
    pub source_identity: Identity,
    /// Who the destination is, if it was looked up.
    pub destination_identity: Identity,
    /// What the source's egress policy said.
    pub egress: Half,
    /// What the destination's ingress policy said.
    pub ingress: Half,
    /// The interface of the hook.
    pub ifindex: u32,
    /// Length of the frame in bytes.
    pub length: u32,
    /// Source port, or the identifier of an ICMP echo request.
    pub source_port: Port,
    /// Destination port, or the identifier of an ICMP echo reply.
    pub destination_port: Port,
    /// IP protocol number; zero if the packet never got that far.
    pub protocol: u8,
    /// A [`Disposition`] as a number.
    pub disposition: u8,
    /// A [`DropReason`] as a number; zero unless dropped.
    pub reason: u8,
    /// A [`Hook`] as a number.
    pub hook: u8,
    /// An [`Occasion`] as a number; zero if the policies were not asked.
    pub occasion: u8,
    /// Not used, zero.
    pub reserved: [u8; 3],
    /// The virtual end, if the destination is a backend of it or was to be one; [`End::NONE`] for others.
    pub frontend: End,
}

/// One side's part in a verdict.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Half {
    /// The table that was asked; [`TableId::OPEN`] if none applies.
    pub table: TableId,
    /// The rules that matched.
    pub rules: RuleSet,
    /// A [`Decider`] as a number.
    pub decider: u16,
    /// A [`PolicyAction`] as a number, unless this side was not asked.
    pub action: u16,
}

/// Declares an enum that crosses the kernel boundary as a small number, with its names in the field's wording.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $value:literal => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $value,)+ }

        impl $name {
            /// Every value, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The value with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($value => Some(Self::$variant),)+ _ => None }
            }

            /// Its name in events, metrics and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use wire_enum;

wire_enum! {
    /// Where a packet was seen. Directions are named as the endpoint sees them.
    Hook {
        /// tc ingress of the host side of a pod's link: what the pod sends.
        FromEndpoint = 1 => "from_endpoint",
        /// tc egress of the host side of a pod's link: what the stack delivers to the pod.
        ToEndpoint = 2 => "to_endpoint",
        /// tc ingress of the node's uplink: what other nodes and the outside send.
        FromNetwork = 3 => "from_network",
        /// tc ingress of the node's tunnel device: what other nodes send, unpacked.
        FromOverlay = 4 => "from_overlay",
        /// tc egress of the node's tunnel device: what is about to be packed.
        ToOverlay = 5 => "to_overlay",
        /// tc egress of the node's uplink: what leaves the node.
        ToNetwork = 6 => "to_network",
    }
}

wire_enum! {
    /// What became of the packet.
    Disposition {
        /// Passed; the first packet of a new or newly judged connection.
        Allowed = 1 => "allowed",
        /// Dropped by policy: a half says by whom.
        Denied = 2 => "denied",
        /// Dropped for another reason than policy.
        Dropped = 3 => "dropped",
        /// Passed, as [`Disposition::Allowed`]; a side would deny it if its policies were not in audit mode.
        Audited = 4 => "audited",
    }
}

wire_enum! {
    /// Why the policies were asked about a packet.
    Occasion {
        /// It opens a connection, or would if it were allowed.
        Opens = 1 => "opens",
        /// It belongs to a connection that other policies have judged, or that was denied since.
        Continues = 2 => "continues",
    }
}

wire_enum! {
    /// What the policies of one side do with a packet.
    PolicyAction {
        /// Drop it.
        Deny = 0 => "deny",
        /// Let it through.
        Allow = 1 => "allow",
        /// Let it through, and say that policies in audit mode would deny it.
        Audit = 2 => "audit",
    }
}

wire_enum! {
    /// Who decided one side of a verdict.
    Decider {
        /// This side was not asked: not local, or the other side had denied already.
        NotAsked = 0 => "not asked",
        /// No policy decides about it in this direction: allowed by default.
        NoPolicy = 1 => "no policy",
        /// Rules of policies matched; the rule set names all of them.
        Rules = 2 => "rules",
        /// Policies isolate the endpoint and no rule of theirs matched: denied by default, or audited if all of them
        /// are in audit mode.
        Isolation = 3 => "isolation",
        /// Traffic from the pod's own node is always let in.
        OwnNode = 4 => "own node",
    }
}

wire_enum! {
    /// Why a packet was dropped. One list for the program, logs, metrics and reports.
    DropReason {
        /// The egress policy of the source denied it.
        PolicyDeniedEgress = 1 => "policy_denied_egress",
        /// The ingress policy of the destination denied it.
        PolicyDeniedIngress = 2 => "policy_denied_ingress",
        /// The connection was turned to deny by a policy change; this is a reply of it.
        ConnectionRevoked = 3 => "connection_revoked",
        /// The source address is not the sender's own.
        SpoofedSource = 4 => "spoofed_source",
        /// The source link-layer address is not the sender's own.
        SpoofedMac = 5 => "spoofed_mac",
        /// The interface or address belongs to no endpoint that has tables yet.
        UnknownEndpoint = 6 => "unknown_endpoint",
        /// A header is cut off or its length is wrong.
        Malformed = 7 => "malformed",
        /// Neither IPv4, IPv6 nor ARP.
        UnsupportedEthertype = 8 => "unsupported_ethertype",
        /// A later fragment whose first fragment was not seen.
        FragmentWithoutFirst = 9 => "fragment_without_first",
        /// More IPv6 extension headers than are walked.
        ExtensionChainTooLong = 10 => "extension_chain_too_long",
        /// An ICMP error about a connection that is not tracked.
        UnrelatedIcmpError = 11 => "unrelated_icmp_error",
        /// The connection table is full.
        ConntrackFull = 12 => "conntrack_full",
        /// The tables changed again and again while the packet was judged.
        GenerationRace = 13 => "generation_race",
        /// The destination is not behind this interface.
        WrongDestination = 14 => "wrong_destination",
        /// An ARP or neighbour discovery message that speaks for another address.
        SpoofedNeighbour = 15 => "spoofed_neighbour",
        /// No table generation was applied yet.
        NoTables = 16 => "no_tables",
        /// The fragment table is full.
        FragmentTableFull = 17 => "fragment_table_full",
        /// What came through a tunnel claims to be from somebody else than its source address is, or not to come from
        /// that one's node.
        InvalidIdentity = 18 => "invalid_identity",
        /// The destination is on no node that a tunnel leads to.
        NoTunnelEndpoint = 19 => "no_tunnel_endpoint",
        /// Of the ports that were tried for a masqueraded connection, none is free towards its remote end.
        MasqueradePortsExhausted = 20 => "masquerade_ports_exhausted",
        /// The table of masqueraded connections is full.
        TranslationTableFull = 21 => "translation_table_full",
        /// It needs another address, and no connection says which, or another connection has it.
        NoTranslation = 22 => "no_translation",
        /// The service has no backend for who asks: refused.
        NoServiceBackend = 23 => "no_service_backend",
        /// The service's address has no such port: refused.
        NoServicePort = 24 => "no_service_port",
        /// The backend of the connection has gone: refused.
        ServiceBackendGone = 25 => "service_backend_gone",
        /// The service has no backend on this node, and who is outside gets no other (`externalTrafficPolicy: Local`).
        NoLocalBackend = 26 => "no_local_backend",
        /// Who is outside asks a load balancer's address, and the service takes only others (`loadBalancerSourceRanges`).
        OutsideSourceRanges = 27 => "outside_source_ranges",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_keep_their_numbers_and_have_distinct_names() {
        for (index, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index + 1);
            assert_eq!(DropReason::from_number(*reason as u8), Some(*reason));
            let same = DropReason::ALL.iter().filter(|r| r.name() == reason.name());
            assert_eq!(same.count(), 1, "{reason}");
        }
        assert_eq!(DropReason::from_number(0), None);
    }

    #[test]
    fn an_event_has_the_size_the_ring_buffer_reserves() {
        assert_eq!(size_of::<Event>(), 120);
    }
}
