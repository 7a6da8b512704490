//! Links that lose packets, a fixed share of them: the kernel counts what passes (nftables, `numgen inc` in `nft(8)`), so
//! which ones are lost is known beforehand.
//!
//! A rule at each direction of a link, in a table of its own: of the frames to one receiver every so manieth is dropped.
//! Frames to many are left alone and not counted, because IPv6 stacks send them when they like.

use crate::LabError;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::{Socket, protocols::NETLINK_NETFILTER};
use std::num::NonZeroU32;

/// The directions of a link, and the names of their chains (`enum nf_dev_hooks` of `linux/netfilter.h`).
const DIRECTIONS: [(u32, &str); 2] = [(0, "ingress"), (1, "egress")];

/// `NFPROTO_NETDEV` of `linux/netfilter.h`, `NFNL_SUBSYS_NFTABLES` of `linux/netfilter/nfnetlink.h`.
const NETDEV: u8 = 5;
const NFTABLES: u8 = 10;

/// Messages of nftables (`enum nf_tables_msg_types` of `linux/netfilter/nf_tables.h`).
const NEW_TABLE: i32 = libc::NFT_MSG_NEWTABLE;
const DELETE_TABLE: i32 = libc::NFT_MSG_DELTABLE;
const NEW_CHAIN: i32 = libc::NFT_MSG_NEWCHAIN;
const NEW_RULE: i32 = libc::NFT_MSG_NEWRULE;

/// The name of an object is its first attribute; of what is in a table, the table's (`NFTA_TABLE_NAME`,
/// `NFTA_CHAIN_TABLE`, `NFTA_RULE_TABLE`).
const TABLE: u16 = 1;
/// `NLA_F_NESTED` of `linux/netlink.h`.
const NESTED: u16 = 1 << 15;
/// A register for four bytes.
const REGISTER: u32 = libc::NFT_REG32_00 as u32;

/// From now on the link loses every so manieth frame of each direction, counted from here. Call it in the namespace of
/// `ifname`, one end of the link.
pub(crate) fn begin(ifname: &str, every: NonZeroU32) -> Result<(), LabError> {
    let mut batch = vec![Message::new(
        NEW_TABLE,
        Attributes::default().text(TABLE, ifname),
    )];
    for (hook, name) in DIRECTIONS {
        batch.push(chain(ifname, hook, name));
        batch.push(rule(ifname, name, every));
    }
    commit(ifname, batch)
}

/// The link loses nothing any more.
pub(crate) fn end(ifname: &str) -> Result<(), LabError> {
    let table = Attributes::default().text(TABLE, ifname);
    commit(ifname, vec![Message::new(DELETE_TABLE, table)])
}

/// A chain that sees all frames of one direction of a link.
fn chain(ifname: &str, hook: u32, name: &str) -> Message {
    let hook = Attributes::default()
        .number(1, hook) // NFTA_HOOK_HOOKNUM
        .number(2, 0) // NFTA_HOOK_PRIORITY
        .text(3, ifname); // NFTA_HOOK_DEV
    let attributes = Attributes::default()
        .text(TABLE, ifname)
        .text(3, name) // NFTA_CHAIN_NAME
        .nest(4, &hook) // NFTA_CHAIN_HOOK
        .text(7, "filter"); // NFTA_CHAIN_TYPE
    Message::new(NEW_CHAIN, attributes)
}

/// `@ll,0,8 & 1 == 0 numgen inc mod EVERY == EVERY - 1 drop`: a frame is to many when the lowest bit of its first byte is
/// set (IEEE 802.3).
fn rule(ifname: &str, chain: &str, every: NonZeroU32) -> Message {
    let first_byte = Attributes::default()
        .number(1, REGISTER) // NFTA_PAYLOAD_DREG
        .number(2, libc::NFT_PAYLOAD_LL_HEADER as u32) // NFTA_PAYLOAD_BASE
        .number(3, 0) // NFTA_PAYLOAD_OFFSET
        .number(4, 1); // NFTA_PAYLOAD_LEN
    let lowest_bit = Attributes::default()
        .number(1, REGISTER) // NFTA_BITWISE_SREG
        .number(2, REGISTER) // NFTA_BITWISE_DREG
        .number(3, 1) // NFTA_BITWISE_LEN
        .nest(4, &value(&[1])) // NFTA_BITWISE_MASK
        .nest(5, &value(&[0])); // NFTA_BITWISE_XOR
    let counter = Attributes::default()
        .number(1, REGISTER) // NFTA_NG_DREG
        .number(2, every.get()) // NFTA_NG_MODULUS
        .number(3, libc::NFT_NG_INCREMENTAL as u32); // NFTA_NG_TYPE
    let verdict = Attributes::default().number(1, libc::NF_DROP as u32); // NFTA_VERDICT_CODE
    let drop = Attributes::default()
        .number(1, libc::NFT_REG_VERDICT as u32) // NFTA_IMMEDIATE_DREG
        .nest(2, &Attributes::default().nest(2, &verdict)); // NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT
    let expressions = [
        ("payload", first_byte),
        ("bitwise", lowest_bit),
        ("cmp", is_equal(&[0])),
        ("numgen", counter),
        ("cmp", is_equal(&(every.get() - 1).to_ne_bytes())),
        ("immediate", drop),
    ];
    let mut list = Attributes::default();
    for (name, data) in expressions {
        let expression = Attributes::default()
            .text(1, name) // NFTA_EXPR_NAME
            .nest(2, &data); // NFTA_EXPR_DATA
        list = list.nest(1, &expression); // NFTA_LIST_ELEM
    }
    let attributes = Attributes::default()
        .text(TABLE, ifname)
        .text(2, chain) // NFTA_RULE_CHAIN
        .nest(4, &list); // NFTA_RULE_EXPRESSIONS
    Message::new(NEW_RULE, attributes)
}

/// Goes on when the register holds these bytes.
fn is_equal(bytes: &[u8]) -> Attributes {
    Attributes::default()
        .number(1, REGISTER) // NFTA_CMP_SREG
        .number(2, libc::NFT_CMP_EQ as u32) // NFTA_CMP_OP
        .nest(3, &value(bytes)) // NFTA_CMP_DATA
}

fn value(bytes: &[u8]) -> Attributes {
    Attributes::default().with(1, bytes) // NFTA_DATA_VALUE
}

/// Attributes of a message, numbers in network order (`linux/netlink.h`).
#[derive(Default)]
struct Attributes(Vec<u8>);

impl Attributes {
    fn with(mut self, kind: u16, value: &[u8]) -> Self {
        const HEADER: usize = 4;
        let length = u16::try_from(HEADER + value.len()).expect("a rule is short");
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn number(self, kind: u16, value: u32) -> Self {
        self.with(kind, &value.to_be_bytes())
    }

    fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.with(kind, &bytes)
    }

    fn nest(self, kind: u16, inner: &Self) -> Self {
        self.with(kind | NESTED, &inner.0)
    }
}

/// A request to nftables.
struct Message {
    kind: u16,
    flags: u16,
    /// `struct nfgenmsg` of `linux/netfilter/nfnetlink.h`: family, version, resource (network order).
    header: [u8; 4],
    attributes: Attributes,
}

impl Message {
    /// About tables of links.
    fn new(message: i32, attributes: Attributes) -> Self {
        let kind = u16::try_from(i32::from(NFTABLES) << 8 | message);
        Self {
            kind: kind.expect("a message has a small number"),
            flags: NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK,
            header: [NETDEV, 0, 0, 0],
            attributes,
        }
    }

    /// The begin or the end of what is carried out together.
    fn bracket(kind: i32) -> Self {
        Self {
            kind: u16::try_from(kind).expect("a message has a small number"),
            flags: NLM_F_REQUEST,
            header: [0, 0, 0, NFTABLES],
            attributes: Attributes::default(),
        }
    }

    /// As `struct nlmsghdr` of `linux/netlink.h` begins it.
    fn serialize(&self, bytes: &mut Vec<u8>) {
        const HEADERS: usize = 20;
        let length = u32::try_from(HEADERS + self.attributes.0.len()).expect("a rule is short");
        bytes.extend(length.to_ne_bytes());
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(self.header);
        bytes.extend(&self.attributes.0);
    }
}

/// Carries out all of these or none.
fn commit(ifname: &str, messages: Vec<Message>) -> Result<(), LabError> {
    let failed = |error| LabError::kernel(format!("changing what {ifname} loses"), error);
    let mut bytes = Vec::new();
    Message::bracket(libc::NFNL_MSG_BATCH_BEGIN).serialize(&mut bytes);
    for message in &messages {
        message.serialize(&mut bytes);
    }
    Message::bracket(libc::NFNL_MSG_BATCH_END).serialize(&mut bytes);
    let socket = Socket::new(NETLINK_NETFILTER).map_err(failed)?;
    socket.send(&bytes, 0).map_err(failed)?;
    for _ in messages {
        let (answer, _) = socket.recv_from_full().map_err(failed)?;
        // An answer is the same whatever it is the answer to.
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer);
        let answer = answer.map_err(|error| LabError::Answer {
            action: format!("changing what {ifname} loses"),
            detail: error.to_string(),
        })?;
        match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_some() => {
                return Err(failed(error.to_io()));
            }
            _ => {}
        }
    }
    Ok(())
}
