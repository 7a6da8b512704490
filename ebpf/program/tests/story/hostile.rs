//! Spoofed, cut-off and fragmented packets.

use crate::cluster::{self, FAR, NODE_2, cluster, from_far};
use crate::craft::{self, Ends};
use crate::world::{self, DB, WEB, assert_drop, delivered};
use abi::{DropReason, EventLimit, Routing, protocol};
use program::Action;
use program::memory::Memory;

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
fn padding_is_no_part_of_the_packet() {
    // The IP header says that the packet ends before its transport header does.
    for (number, header) in [
        (protocol::UDP, 8),
        (protocol::TCP, 20),
        (protocol::SCTP, 16),
    ] {
        for missing in [1, header] {
            let memory = world::node();
            let mut transport = vec![0; header];
            transport[3] = 53;
            transport[5] = 8;
            let mut frame = craft::raw(&WEB, V4, number, &transport);
            frame[14 + 3] = u8::try_from(20 + header - missing).unwrap();
            let action = world::send(&memory, &WEB, frame);
            assert_drop(&memory, action, DropReason::Malformed);
        }
    }
    // A short packet in a frame of the least length is whole.
    let memory = world::node();
    let mut frame = craft::udp(&WEB, V4, b"x");
    frame.resize(60, 0);
    assert_eq!(world::send(&memory, &WEB, frame), delivered(&DB));
}

#[test]
fn a_datagram_is_as_long_as_it_says() {
    for length in [0, 7, 10] {
        let memory = world::node();
        let mut frame = craft::udp(&WEB, V4, b"x");
        frame[14 + 20 + 5] = length;
        let action = world::send(&memory, &WEB, frame);
        assert_drop(&memory, action, DropReason::Malformed);
    }
}

#[test]
fn options_and_an_atomic_fragment_change_nothing() {
    let memory = world::node();
    let mut frame = craft::udp(&WEB, V4, b"");
    frame[14] = 0x46;
    frame[17] += 4;
    frame.splice(34..34, [1, 1, 1, 0]);
    assert_eq!(world::send(&memory, &WEB, frame), delivered(&DB));
    // A fragment header, and all of the packet behind it (RFC 6946).
    let mut payload = vec![protocol::UDP, 0, 0, 0, 0, 0, 0, 9];
    payload.extend([0x0f, 0xa0, 0, 53, 0, 8, 0, 0]);
    let frame = craft::raw(&WEB, V6, 44, &payload);
    assert_eq!(world::send(&memory, &WEB, frame), delivered(&DB));
}

#[test]
fn a_first_fragment_without_its_whole_header_is_malformed() {
    let memory = world::node();
    let mut frame = craft::raw(&WEB, V4, protocol::TCP, &[0; 16]);
    frame[14 + 6] = 0x20;
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
    let mut memory = world::node();
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
    assert_eq!(world::send(&memory, &WEB, later.clone()), delivered(&DB));
    // The identification may be used again: what is too old does not count.
    memory.take_events();
    memory.now += 30 * 1_000_000_000;
    let action = world::send(&memory, &WEB, later);
    assert_drop(&memory, action, DropReason::FragmentWithoutFirst);
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
fn a_flood_of_drops_is_counted_and_reported_up_to_the_limit() {
    let mut memory = world::node();
    // Ten a second, three at once.
    memory.event_limit = EventLimit {
        interval: 100_000_000,
        burst: 200_000_000,
    };
    let flood = |memory: &Memory| {
        for _ in 0..1000 {
            let action = world::send(memory, &WEB, craft::udp(&DB, V4, b"x"));
            assert_eq!(action, Action::Drop(DropReason::SpoofedMac));
        }
        memory.take_events().len()
    };
    assert_eq!(flood(&memory), 3);
    assert_eq!(memory.suppressed_events(), 997);
    memory.now += 1_000_000_000;
    assert_eq!(flood(&memory), 3);
    memory.now += 100_000_000;
    assert_eq!(flood(&memory), 1);
    assert_eq!(memory.drops()[&DropReason::SpoofedMac], 3000);
    // New connections are always reported.
    assert_eq!(
        world::send(&memory, &WEB, craft::udp(&WEB, V4, b"x")),
        delivered(&DB)
    );
    world::only_event(&memory);
}

#[test]
fn no_bytes_make_the_program_panic() {
    let memory = world::node();
    every_byte_changed(&craft::udp(&WEB, V6, &[0; 64]), |frame| {
        let action = world::send(&memory, &WEB, frame);
        assert_ne!(action, Action::Redirect { ifindex: 0 });
    });
}

#[test]
fn no_bytes_from_another_node_make_the_program_panic_or_pass_under_a_false_name() {
    let ends = Ends {
        from: (FAR.v6, 4000),
        to: (DB.v6, 53),
    };
    let memory = cluster(Routing::Vxlan);
    let tunnel = from_far(NODE_2.v4);
    let whole = craft::udp(&FAR, ends, &[0; 64]);
    every_byte_changed(&whole, |frame| {
        let is_far_s = frame[22..38] == whole[22..38];
        let _ = cluster::arrive(&memory, frame.clone());
        let _ = cluster::pack(&memory, frame.clone());
        let action = cluster::unpack(&memory, frame, &tunnel);
        assert!(is_far_s || matches!(action, Action::Drop(_)), "{action:?}");
    });
}

/// Every frame that differs from this one in one byte.
pub(crate) fn every_byte_changed(frame: &[u8], mut each: impl FnMut(Vec<u8>)) {
    for offset in 0..frame.len() {
        for value in 0..=u8::MAX {
            let mut changed = frame.to_vec();
            changed[offset] = value;
            each(changed);
        }
    }
}
