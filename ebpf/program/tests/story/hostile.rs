//! Spoofed, cut-off and fragmented packets.

use crate::craft::{self, Ends};
use crate::world::{self, DB, WEB, assert_drop, delivered};
use abi::{DropReason, protocol};
use program::Action;

const V4: Ends = Ends {
    from: (WEB.v4, 4000),
    to: (DB.v4, 53),
};
const V6: Ends = Ends {
    from: (WEB.v6, 4000),
    to: (DB.v6, 53),
};

#[test]
fn a_pod_speaks_only_as_itself() {
    let memory = world::node();
    for source in [DB.v4, "203.0.113.9", "127.0.0.1"] {
        let ends = Ends {
            from: (source, 4000),
            ..V4
        };
        let action = world::send(&memory, &WEB, craft::udp(&WEB, ends, b"x"));
        assert_drop(&memory, action, DropReason::SpoofedSource);
    }
    let action = world::send(&memory, &WEB, craft::udp(&DB, V4, b"x"));
    assert_drop(&memory, action, DropReason::SpoofedMac);
    // From outside, with a local pod's address.
    let action = world::receive(&memory, &DB, craft::udp(&WEB, V4, b"x"));
    assert_drop(&memory, action, DropReason::SpoofedSource);
    let elsewhere = Ends {
        from: ("203.0.113.9", 1),
        to: (WEB.v4, 1),
    };
    let action = world::receive(&memory, &DB, craft::udp(&WEB, elsewhere, b"x"));
    assert_drop(&memory, action, DropReason::WrongDestination);
}

#[test]
fn every_cut_of_a_packet_is_malformed() {
    for (ends, network) in [(V4, 20), (V6, 40)] {
        let whole = craft::udp(&WEB, ends, b"");
        assert_eq!(whole.len(), 14 + network + 8);
        for length in 0..whole.len() {
            let memory = world::node();
            let action = world::send(&memory, &WEB, whole[..length].to_vec());
            assert_drop(&memory, action, DropReason::Malformed);
        }
    }
}

#[test]
fn lengths_that_lie_are_malformed() {
    for (offset, value) in [(14, 0x44), (14, 0x65), (17, 19), (17, 200)] {
        let memory = world::node();
        let mut frame = craft::udp(&WEB, V4, b"");
        frame[offset] = value;
        let action = world::send(&memory, &WEB, frame);
        assert_drop(&memory, action, DropReason::Malformed);
    }
    let memory = world::node();
    let mut frame = craft::tcp(&WEB, V4, "S");
    frame[14 + 20 + 12] = 0x40;
    let action = world::send(&memory, &WEB, frame);
    assert_drop(&memory, action, DropReason::Malformed);
}

#[test]
fn other_ethertypes_are_dropped() {
    for ethertype in [[0x81, 0x00], [0x88, 0xcc], [0x00, 0x40]] {
        let memory = world::node();
        let mut frame = craft::udp(&WEB, V4, b"x");
        frame[12..14].copy_from_slice(&ethertype);
        let action = world::send(&memory, &WEB, frame);
        assert_drop(&memory, action, DropReason::UnsupportedEthertype);
    }
}

#[test]
fn later_fragments_follow_the_first() {
    let memory = world::node();
    let mut first = craft::udp(&WEB, V4, &[0; 32]);
    first[14 + 6] = 0x20;
    let mut later = craft::raw(&WEB, V4, protocol::UDP, &[0; 8]);
    later[14 + 7] = 5;
    for frame in [&mut first, &mut later] {
        frame[14 + 4..14 + 6].copy_from_slice(&[0xab, 0xcd]);
    }
    let action = world::send(&memory, &WEB, later.clone());
    assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
    assert_eq!(world::send(&memory, &WEB, first), delivered(&DB));
    assert_eq!(world::send(&memory, &WEB, later), delivered(&DB));
}

/// Extension headers: hop-by-hop, routing, destination options of 8 bytes each, then UDP.
fn with_extensions(count: usize) -> Vec<u8> {
    let kinds = [0, 43, 60];
    let mut payload = Vec::new();
    for index in 1..=count {
        let next = if index == count {
            protocol::UDP
        } else {
            kinds[index % 3]
        };
        payload.extend([next, 0, 0, 0, 0, 0, 0, 0]);
    }
    payload.extend([0x0f, 0xa0, 0, 53, 0, 8, 0, 0]);
    craft::raw(&WEB, V6, kinds[0], &payload)
}

#[test]
fn extension_headers_change_nothing_until_there_are_too_many() {
    for count in 1..=5 {
        let memory = world::node();
        let action = world::send(&memory, &WEB, with_extensions(count));
        assert_eq!(action, delivered(&DB), "{count} extension headers");
        assert_eq!(world::only_event(&memory).destination_port.number(), 53);
    }
    let memory = world::node();
    let action = world::send(&memory, &WEB, with_extensions(7));
    assert_drop(&memory, action, DropReason::ExtensionChainTooLong);
}

#[test]
fn no_bytes_make_the_program_panic() {
    let memory = world::node();
    let mut frame = craft::udp(&WEB, V6, &[0; 64]);
    for offset in 0..frame.len() {
        let kept = frame[offset];
        for value in 0..=u8::MAX {
            frame[offset] = value;
            let action = world::send(&memory, &WEB, frame.clone());
            assert_ne!(action, Action::Redirect { ifindex: 0 });
        }
        frame[offset] = kept;
    }
}
