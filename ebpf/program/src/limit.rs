//! How many drops are reported: a flood of them must not drown the events of others.

use crate::Maps;

/// Whether this drop may be reported. One that may not is still counted by its reason.
///
/// The generic cell rate algorithm (ITU-T I.371): `due` is the time at which the events so far would be paid for at the
/// steady rate; they may run ahead of the clock by the burst.
#[inline(always)]
pub(crate) fn may_report<M: Maps>(maps: &M) -> bool {
    let limit = maps.event_limit();
    if limit.interval == 0 {
        return true;
    }
    let now = maps.now();
    maps.with_event_budget(|due| {
        let start = if *due > now { *due } else { now };
        let within = start - now <= limit.burst;
        if within {
            *due = start + limit.interval;
        }
        within
    })
}
