//! Whether a packet passes: what is remembered of its connection, else what the policies say.

use super::report;
use crate::conntrack::{self, Known, Step};
use crate::parse::{Kind, Payload};
use crate::policy::{self, Passage, Way};
use crate::scratch::Scratch;
use crate::{Maps, Packet, icmp};
use abi::{Disposition, DropReason};

/// Conntrack first, then the policies.
#[inline(always)]
pub(super) fn admit<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    payload: Payload,
    way: Way,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let generation = maps.generation();
    scratch.event.generation = generation;
    if payload.nature.kind == Kind::IcmpError {
        let from_pod = matches!(way, Way::FromPod { .. });
        return icmp::related(maps, packet, payload, from_pod, scratch);
    }
    let step = Step::of(&scratch.tuple, payload.nature, &mut scratch.key);
    let known = conntrack::track(maps, &scratch.key, step, generation)?;
    if known == Known::Passes {
        return Ok(());
    }
    scratch.event.occasion = known.occasion() as u8;
    let verdict = policy::judge(maps, &scratch.tuple, way, &mut scratch.event);
    remember(maps, known, step, verdict.is_ok(), scratch)?;
    let disposition = match verdict? {
        Passage::Allowed => Disposition::Allowed,
        Passage::Audited => Disposition::Audited,
    };
    report(maps, scratch, disposition);
    Ok(())
}

/// Writes a fresh verdict into the connection table. A denied new packet leaves no entry, nor does an echo reply that
/// nobody asked for: what it opened, a request could pass as its answer.
#[inline(always)]
fn remember<M: Maps>(
    maps: &M,
    known: Known,
    step: Step,
    allowed: bool,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let generation = scratch.event.generation;
    if known == Known::Stale {
        conntrack::rejudged(maps, &scratch.key, step, generation, allowed);
        return Ok(());
    }
    if !allowed || step.is_echo_reply() {
        return Ok(());
    }
    let Scratch {
        key, connection, ..
    } = scratch;
    conntrack::open(maps, key, step, generation, connection)
}
