//! The policy tables: who an address is, and what its policy set says.
//!
//! Rows change while packets are judged, so each row that a change can touch holds two versions
//! ([`EndpointRows`], [`IdentityRows`]): a packet reads the active generation once and takes the version in force then.
//! A verdict needs two look-ups: [`ClassKey`] (which peer class is this identity for this table)
//! and [`VerdictKey`] (longest prefix of protocol and port first).

use crate::versions::rows;
use crate::{Address, PolicyAction, Port};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// What policy knows of an address: equal identities are selected by the same rules.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct Identity(pub u32);

impl Identity {
    /// Nobody: an empty row.
    pub const NONE: Self = Self(0);
    /// Any address outside the cluster that no `ipBlock` of any policy names.
    pub const WORLD: Self = Self(2);
}

/// One compiled direction of one policy set. What it says of whom packets can meet never changes while it is in force,
/// and its number is never used again for another.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct TableId(pub u32);

impl TableId {
    /// No policy applies in this direction: everything is allowed, by default.
    pub const OPEN: Self = Self(0);
}

/// The set of rules that together made a verdict, numbered within its [`TableId`]; user space knows their names.
/// Zero stands for "no rule matched": the policies that isolate the endpoint decided.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(transparent)]
pub struct RuleSet(pub u32);

impl RuleSet {
    /// No rule matched.
    pub const NONE: Self = Self(0);
}

rows! {
    /// Value of the endpoints table: an [`Endpoint`] in two versions.
    EndpointRows of Endpoint
}

rows! {
    /// Value of the CIDR table: an [`Identity`] in two versions.
    IdentityRows of Identity
}

/// A pod or node address as policy sees it: the value of the endpoints table, keyed by [`Address`].
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, Debug, Default, FromBytes, IntoBytes, Immutable, KnownLayout,
)]
#[repr(C)]
pub struct Endpoint {
    /// Who it is; [`Identity::NONE`] marks an address that has left the cluster.
    pub identity: Identity,
    /// The identity of the node it lives on: traffic from that identity is always let in. For a node, its own.
    pub node: Identity,
    /// What its egress policy set says; [`TableId::OPEN`] without one, and for everybody of other nodes.
    pub egress: TableId,
    /// What its ingress policy set says; [`TableId::OPEN`] without one, and for everybody of other nodes.
    pub ingress: TableId,
}

impl Endpoint {
    /// Whether it is a node; else it is a pod.
    #[must_use]
    #[inline(always)]
    pub fn is_node(&self) -> bool {
        self.identity == self.node
    }

    /// Whether it is the node that this is a row of, and host policies apply to it.
    #[must_use]
    #[inline(always)]
    pub fn is_guarded_node(&self) -> bool {
        self.is_node() && (self.egress != TableId::OPEN || self.ingress != TableId::OPEN)
    }
}

impl EndpointRows {
    /// The identities of both versions; [`Identity::NONE`] for an empty slot.
    #[must_use]
    #[inline(always)]
    pub const fn identities(&self) -> [Identity; 2] {
        let [first, second] = &self.values;
        [
            if self.since[0] == 0 {
                Identity::NONE
            } else {
                first.identity
            },
            if self.since[1] == 0 {
                Identity::NONE
            } else {
                second.identity
            },
        ]
    }
}

/// Key of the longest-prefix table of addresses that are no endpoints. The kernel matches the first
/// `prefix_length` bits of what follows; the value is [`IdentityRows`].
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct CidrKey {
    /// Bits of `address` that count: 0–128, an IPv4 prefix has 96 more than it is written with.
    pub prefix_length: u32,
    /// The prefix, other bits zero.
    pub address: Address,
}

/// Key of the peer class table: which class is this identity in this table? The value is a `u32`; no row is class 0.
/// Rows have no versions: while their table is in force, only those of identities change that no packet can meet.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct ClassKey {
    /// The table.
    pub table: TableId,
    /// The peer.
    pub identity: Identity,
}

/// Key of the verdict table, matched by longest prefix over (table, class, protocol, port).
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct VerdictKey {
    /// Bits that count of what follows: 64 (any protocol), 72 (a protocol), 72 + n (n bits of the port).
    pub prefix_length: u32,
    /// The table, in network order so that it is a prefix.
    table: [u8; 4],
    /// The peer class, in network order.
    class: [u8; 4],
    /// IP protocol number; zero below 72 bits.
    pub protocol: u8,
    /// In network order: the key must be a string of bits.
    port: [u8; 2],
    /// Not used, zero.
    reserved: u8,
}

impl VerdictKey {
    /// Bits that select a table and a class: the entry holds for every protocol.
    pub const ANY_PROTOCOL: u32 = 64;
    /// Bits that select a protocol too: the entry holds for all its ports.
    pub const ANY_PORT: u32 = 72;
    /// Bits of one exact port.
    pub const EXACT: u32 = 88;

    /// The key a packet looks up with: all 88 bits count.
    #[must_use]
    #[inline(always)]
    pub const fn exact(table: TableId, class: u32, protocol: u8, port: Port) -> Self {
        Self::prefix(table, class, protocol, port, Self::EXACT)
    }

    /// The key of an entry; `prefix_length` counts from the table's first bit.
    #[must_use]
    #[inline(always)]
    pub const fn prefix(
        table: TableId,
        class: u32,
        protocol: u8,
        port: Port,
        prefix_length: u32,
    ) -> Self {
        Self {
            prefix_length,
            table: table.0.to_be_bytes(),
            class: class.to_be_bytes(),
            protocol,
            port: port.number().to_be_bytes(),
            reserved: 0,
        }
    }

    /// The bits behind the prefix length, as they are compared.
    #[must_use]
    #[inline(always)]
    pub fn data(&self) -> [u8; 12] {
        let [_, _, _, _, data @ ..]: [u8; 16] = zerocopy::transmute!(*self);
        data
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> TableId {
        TableId(u32::from_be_bytes(self.table))
    }

    /// The peer class.
    #[must_use]
    pub const fn class(&self) -> u32 {
        u32::from_be_bytes(self.class)
    }

    /// The port, other bits zero.
    #[must_use]
    pub const fn port(&self) -> Port {
        Port::from_octets(self.port)
    }
}

/// What a table says to a class, protocol and port. No entry means: isolated, and no rule matches.
///
/// An entry without rules ([`RuleSet::NONE`]) speaks for the policies as a whole: to allow, no policy decides; to
/// audit, all policies that isolate the endpoint are in audit mode.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Debug,
    Default,
    FromBytes,
    IntoBytes,
    Immutable,
    KnownLayout,
)]
#[repr(C)]
pub struct Verdict {
    /// A [`PolicyAction`] as a number.
    action: u32,
    /// The rules that said so, every one of them.
    pub rules: RuleSet,
}

impl Verdict {
    /// Allowed by these rules.
    #[must_use]
    pub const fn allow(rules: RuleSet) -> Self {
        Self::new(PolicyAction::Allow, rules)
    }

    /// Denied by these rules.
    #[must_use]
    pub const fn deny(rules: RuleSet) -> Self {
        Self::new(PolicyAction::Deny, rules)
    }

    /// Let through, where these rules would deny it if they were not in audit mode.
    #[must_use]
    pub const fn audit(rules: RuleSet) -> Self {
        Self::new(PolicyAction::Audit, rules)
    }

    /// This action, by these rules.
    #[must_use]
    pub const fn new(action: PolicyAction, rules: RuleSet) -> Self {
        Self {
            action: action as u32,
            rules,
        }
    }

    /// What happens to the packet. What is no action is to deny.
    #[must_use]
    #[inline(always)]
    pub const fn action(&self) -> PolicyAction {
        match self.action {
            1 => PolicyAction::Allow,
            2 => PolicyAction::Audit,
            _ => PolicyAction::Deny,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_key_s_data_is_what_stands_behind_its_length() {
        let key = VerdictKey::exact(TableId(0x0102_0304), 0x0506_0708, 6, Port::new(0x090a));
        assert_eq!(zerocopy::IntoBytes::as_bytes(&key)[4..], key.data());
    }

    #[test]
    fn a_verdict_keeps_its_action_and_is_a_denial_when_empty() {
        for action in PolicyAction::ALL {
            assert_eq!(Verdict::new(*action, RuleSet(7)).action(), *action);
        }
        assert_eq!(Verdict::default().action(), PolicyAction::Deny);
    }

    #[test]
    fn a_verdict_key_is_a_prefix_of_table_class_protocol_port() {
        let key = VerdictKey::exact(TableId(0x0102_0304), 0x0506_0708, 6, Port::new(0x090a));
        assert_eq!(
            zerocopy::IntoBytes::as_bytes(&key)[4..],
            [1, 2, 3, 4, 5, 6, 7, 8, 6, 9, 10, 0]
        );
        assert_eq!(
            (key.table(), key.class()),
            (TableId(0x0102_0304), 0x0506_0708)
        );
    }
}
