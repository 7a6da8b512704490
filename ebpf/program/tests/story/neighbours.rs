//! ARP and neighbour discovery.

use crate::craft::{self, Ends};
use crate::world::{self, DB, WEB, address, assert_drop};
use abi::{DropReason, protocol};
use program::Action;

fn arp(mac: [u8; 6], sender: [u8; 4]) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend(WEB.mac);
    frame.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(mac);
    frame.extend(sender);
    frame.extend([0, 0, 0, 0, 0, 0, 169, 254, 1, 1]);
    frame
}

#[test]
fn a_pod_may_ask_for_itself_and_for_nobody_else() {
    let memory = world::node();
    for sender in [[10, 0, 0, 1], [0; 4]] {
        assert_eq!(
            world::send(&memory, &WEB, arp(WEB.mac, sender)),
            Action::Pass
        );
    }
    for (mac, sender) in [(WEB.mac, [10, 0, 0, 2]), (DB.mac, [10, 0, 0, 1])] {
        let action = world::send(&memory, &WEB, arp(mac, sender));
        assert_drop(&memory, action, DropReason::SpoofedNeighbour);
    }
    let action = world::send(&memory, &WEB, arp(WEB.mac, [10, 0, 0, 1])[..40].to_vec());
    assert_drop(&memory, action, DropReason::Malformed);
}

#[test]
fn neighbour_discovery_works_and_cannot_be_forged() {
    const SOLICITATION: u8 = 135;
    const ADVERTISEMENT: u8 = 136;
    for (source, kind, target, expected) in [
        (WEB.v6, SOLICITATION, "fe80::1", None),
        ("fe80::9", SOLICITATION, "fe80::1", None),
        ("::", SOLICITATION, WEB.v6, None),
        (WEB.v6, ADVERTISEMENT, WEB.v6, None),
        (
            WEB.v6,
            ADVERTISEMENT,
            DB.v6,
            Some(DropReason::SpoofedNeighbour),
        ),
        (WEB.v6, 134, "fe80::9", Some(DropReason::SpoofedNeighbour)),
        (WEB.v6, 137, "fe80::9", Some(DropReason::SpoofedNeighbour)),
        (
            DB.v6,
            SOLICITATION,
            "fe80::1",
            Some(DropReason::SpoofedSource),
        ),
    ] {
        let memory = world::node();
        let mut message = vec![kind, 0, 0, 0, 0, 0, 0, 0];
        message.extend(address(target).octets());
        let ends = Ends {
            from: (source, 0),
            to: ("ff02::1", 0),
        };
        let action = world::send(
            &memory,
            &WEB,
            craft::raw(&WEB, ends, protocol::ICMPV6, &message),
        );
        match expected {
            Some(reason) => assert_drop(&memory, action, reason),
            None => assert_eq!(action, Action::Pass, "{source} {kind} {target}"),
        }
    }
}
