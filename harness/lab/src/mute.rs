//! Endpoints that take packets and say nothing.
//!
//! A routing rule in front of all others (`ip-rule(8)`, type `blackhole`) discards what a namespace's stack would take
//! or send, without a word: no reset, no ICMP error, no retransmission. Packet sockets are asked before routes are, so
//! whoever taps a link still sees every frame, and frames sent through a packet socket still leave.
//!
//! A node goes on forwarding and unpacking: there only packets to its own addresses are discarded. It still answers for the
//! gateway, because neighbour discovery is part of what a link is.

use crate::netlink::{Batch, Netlink};
use crate::{Endpoint, LabError, Node, VXLAN_PORT};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage, RulePortRange};
use netlink_packet_route::{AddressFamily, IpProtocol, RouteNetlinkMessage};
use std::collections::BTreeSet;
use std::net::IpAddr;

const CREATE: u16 = NLM_F_CREATE | NLM_F_EXCL;
/// The place of the rule that looks local addresses up, the first of all, in a namespace that talks.
const FIRST: u32 = 0;
/// Its place in a namespace that is mute.
const SECOND: u32 = 1;
const FAMILIES: [AddressFamily; 2] = [AddressFamily::Inet, AddressFamily::Inet6];

impl Node {
    /// From now on no endpoint but these and no address of the node answers anything, until [`Self::unmute`]. What is
    /// mute already stays so; what is added later talks until the next call.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel refuses.
    pub fn mute_all_but(&mut self, talking: &[&str]) -> Result<(), LabError> {
        self.mute_node()?;
        for endpoint in self.endpoints.values_mut() {
            if endpoint.is_mute || talking.contains(&endpoint.name()) {
                continue;
            }
            let mut batch = Batch::default();
            batch.mute_everything();
            batch.local_addresses_second();
            change(endpoint, batch)?;
            endpoint.is_mute = true;
        }
        Ok(())
    }

    /// Everybody answers again.
    ///
    /// # Errors
    /// [`LabError::Kernel`] when the kernel refuses.
    pub fn unmute(&mut self) -> Result<(), LabError> {
        self.unmute_node()?;
        for endpoint in self.endpoints.values_mut().filter(|it| it.is_mute) {
            let mut batch = Batch::default();
            batch.unmute_everything();
            batch.local_addresses_first();
            change(endpoint, batch)?;
            endpoint.is_mute = false;
        }
        Ok(())
    }

    fn mute_node(&mut self) -> Result<(), LabError> {
        let mut batch = Batch::default();
        let mute = self.mute_addresses.take().unwrap_or_else(|| {
            batch.local_addresses_second();
            batch.hear_tunnels();
            BTreeSet::new()
        });
        for &address in mute.difference(&self.addresses) {
            batch.unmute_address(address);
        }
        for &address in self.addresses.difference(&mute) {
            batch.mute_address(address);
        }
        self.netlink.send("node", batch)?;
        self.mute_addresses = Some(self.addresses.clone());
        Ok(())
    }

    fn unmute_node(&mut self) -> Result<(), LabError> {
        let Some(mute) = self.mute_addresses.take() else {
            return Ok(());
        };
        let mut batch = Batch::default();
        for address in mute {
            batch.unmute_address(address);
        }
        batch.hear_tunnels_no_more();
        batch.local_addresses_first();
        self.netlink.send("node", batch)
    }
}

/// Carries the requests out in the endpoint's namespace.
fn change(endpoint: &Endpoint, batch: Batch) -> Result<(), LabError> {
    let in_namespace = || Netlink::open()?.send(endpoint.name(), batch);
    endpoint.namespace().run(in_namespace)?
}

impl Batch {
    fn mute_everything(&mut self) {
        for family in FAMILIES {
            self.add_rule(&blackhole(family));
        }
    }

    fn unmute_everything(&mut self) {
        for family in FAMILIES {
            self.remove_rule(&blackhole(family));
        }
    }

    fn mute_address(&mut self, address: IpAddr) {
        self.add_rule(&blackhole_for(address));
    }

    fn unmute_address(&mut self, address: IpAddr) {
        self.remove_rule(&blackhole_for(address));
    }

    /// Still unpacks what comes through tunnels: it goes on to somebody else. Call it before any address is mute.
    fn hear_tunnels(&mut self) {
        for family in FAMILIES {
            self.add_rule(&tunnels(family));
        }
    }

    fn hear_tunnels_no_more(&mut self) {
        for family in FAMILIES {
            self.remove_rule(&tunnels(family));
        }
    }

    /// Makes room in front of the rule that looks local addresses up.
    fn local_addresses_second(&mut self) {
        for family in FAMILIES {
            self.add_rule(&local_addresses(family, SECOND));
            self.remove_rule(&local_addresses(family, FIRST));
        }
    }

    fn local_addresses_first(&mut self) {
        for family in FAMILIES {
            self.add_rule(&local_addresses(family, FIRST));
            self.remove_rule(&local_addresses(family, SECOND));
        }
    }

    fn add_rule(&mut self, rule: &RuleMessage) {
        let message = RouteNetlinkMessage::NewRule(rule.clone());
        self.push("adding a routing rule", CREATE, message);
    }

    fn remove_rule(&mut self, rule: &RuleMessage) {
        let message = RouteNetlinkMessage::DelRule(rule.clone());
        self.push("removing a routing rule", 0, message);
    }
}

/// Discards everything of a family.
fn blackhole(family: AddressFamily) -> RuleMessage {
    rule(family, FIRST, RuleAction::Blackhole)
}

/// Discards what is sent to an address.
fn blackhole_for(address: IpAddr) -> RuleMessage {
    let (family, prefix_length) = match address {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    };
    let mut rule = blackhole(family);
    rule.header.dst_len = prefix_length;
    let destination = RuleAttribute::Destination(address);
    rule.attributes.push(destination);
    rule
}

/// Looks the namespace's own addresses up for packets from tunnels.
fn tunnels(family: AddressFamily) -> RuleMessage {
    let mut rule = local_addresses(family, FIRST);
    let port = RulePortRange {
        start: VXLAN_PORT,
        end: VXLAN_PORT,
    };
    rule.attributes
        .push(RuleAttribute::IpProtocol(IpProtocol::Udp));
    rule.attributes
        .push(RuleAttribute::DestinationPortRange(port));
    rule
}

/// Looks the namespace's own addresses up.
fn local_addresses(family: AddressFamily, place: u32) -> RuleMessage {
    let mut rule = rule(family, place, RuleAction::ToTable);
    rule.header.table = libc::RT_TABLE_LOCAL;
    rule
}

fn rule(family: AddressFamily, place: u32, action: RuleAction) -> RuleMessage {
    let mut rule = RuleMessage::default();
    rule.header.family = family;
    rule.header.action = action;
    rule.attributes = vec![RuleAttribute::Priority(place)];
    rule
}
