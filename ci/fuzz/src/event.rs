//! Whatever the ring buffer holds: an event is read whole or not at all, and its numbers name something or nothing.

use crate::node::planned;
use abi::{Decider, Disposition, DropReason, Event, Hook};
use policy::{Planner, Provenance};
use zerocopy::{FromBytes, IntoBytes};

pub(crate) fn run(input: &[u8]) {
    let (planner, _) = planned();
    for bytes in input.chunks(size_of::<Event>()) {
        let Ok(event) = Event::read_from_bytes(bytes) else {
            assert_ne!(bytes.len(), size_of::<Event>());
            continue;
        };
        assert_eq!(event.as_bytes(), bytes);
        name(planner, &event);
    }
}

/// Says everything about an event that can be said.
fn name(planner: &Planner, event: &Event) {
    let named = [
        DropReason::from_number(event.reason).map(DropReason::name),
        Disposition::from_number(event.disposition).map(Disposition::name),
        Hook::from_number(event.hook).map(Hook::name),
    ];
    assert!(named.into_iter().flatten().all(|name| !name.is_empty()));
    let ends = [event.source.to_ip(), event.destination.to_ip()];
    assert!(ends.iter().all(|end| !end.to_string().is_empty()));
    for half in [event.egress, event.ingress] {
        let provenance = planner.provenance(half);
        if half.decider == Decider::Rules as u16 || half.decider == Decider::Isolation as u16 {
            assert!(!matches!(provenance, Provenance::NotAsked));
        }
    }
}
