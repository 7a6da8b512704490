//! Whether a packet passes: what is remembered of its connection, else what the policies say.

use super::report;
use crate::conntrack::{self, Known, Step};
use crate::parse::Kind;
use crate::policy::{self, Passage, Way};
use crate::scratch::Scratch;
use crate::{Chapter, Maps, Packet, icmp, service};
use abi::{Disposition, DropReason, End};

/// How a packet passes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) enum Passed {
    /// As it is.
    #[default]
    Unchanged,
    /// It may be for a service, which was not asked yet: it is to pass again when it was.
    Unserved,
    /// It answers a client of the virtual end `scratch.event.frontend`, and has to come from there.
    Answer,
    /// It is an ICMP error about a packet to that virtual end, and quotes it as it was sent to the backend.
    Error,
}

/// Lets a packet pass or not, with whatever it changes that it is from a service.
#[inline(always)]
pub(super) fn admit<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    way: Way,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (_, payload) = scratch.parsed();
    scratch.way = way;
    scratch.passed = Passed::Unchanged;
    scratch.event.generation = maps.generation();
    let chapter = if payload.nature.kind == Kind::IcmpError {
        Chapter::AdmitError
    } else {
        Chapter::Admit
    };
    packet.tell(chapter, maps, scratch)?;
    match scratch.passed {
        Passed::Unchanged | Passed::Unserved => Ok(()),
        Passed::Answer => packet.tell(Chapter::Answer, maps, scratch),
        Passed::Error => {
            packet.tell(Chapter::AnswerError, maps, scratch)?;
            if way == Way::ToItself {
                packet.tell(Chapter::ErrorToItself, maps, scratch)?;
            }
            Ok(())
        }
    }
}

/// Lets an ICMP error pass, or not.
#[inline(always)]
pub(crate) fn pass_error<M: Maps, P: Packet>(
    maps: &M,
    packet: &P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (_, payload) = scratch.parsed();
    let from_pod = matches!(scratch.way, Way::FromPod { .. });
    scratch.inner = icmp::related(maps, packet, payload, from_pod, scratch)?;
    if scratch.event.frontend != End::NONE {
        scratch.passed = Passed::Error;
    }
    Ok(())
}

/// Lets a packet pass, or not: conntrack first, then the policies.
#[inline(always)]
pub(crate) fn pass<M: Maps, P: Packet>(
    maps: &M,
    packet: &mut P,
    scratch: &mut Scratch,
) -> Result<(), DropReason> {
    let (_, payload) = scratch.parsed();
    let generation = scratch.event.generation;
    let step = Step::of(&scratch.tuple, payload.nature, &mut scratch.key);
    let Scratch {
        key,
        event,
        service,
        ..
    } = scratch;
    service.virtual_end = event.frontend;
    let known = conntrack::track(maps, key, step, generation, &mut event.frontend)?;
    if known == Known::Passes {
        if event.frontend != service.virtual_end {
            scratch.passed = Passed::Answer;
        }
        return Ok(());
    }
    if scratch.service.may_serve && matches!(known, Known::New | Known::Choice) {
        scratch.passed = Passed::Unserved;
        return Ok(());
    }
    // Only a service sends from a virtual end, and its answers have another source when they are tracked.
    if known == Known::Choice || service::is_loopback(&scratch.tuple.destination) {
        return Err(DropReason::NoTranslation);
    }
    scratch.event.occasion = known.occasion() as u8;
    let verdict = policy::judge(maps, packet, scratch);
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
        key,
        connection,
        event,
        ..
    } = scratch;
    conntrack::open(maps, key, step, generation, event.frontend, connection)?;
    service::remember(maps, scratch)
}
