//! The link of a virtual node to all others.

use std::cell::Cell;
use std::num::NonZeroU32;

/// Loses packets when it is told to.
#[derive(Debug, Default)]
pub(super) struct Uplink {
    pub(super) is_down: bool,
    losses: Option<Losses>,
}

/// How many packets there were in each direction, of which every so manieth is lost.
#[derive(Debug)]
struct Losses {
    every: NonZeroU32,
    out: Cell<u32>,
    into: Cell<u32>,
}

impl Uplink {
    /// From now on every so manieth packet is lost.
    pub(super) const fn lose(&mut self, every: NonZeroU32) {
        self.losses = Some(Losses {
            every,
            out: Cell::new(0),
            into: Cell::new(0),
        });
    }

    /// Nothing is lost any more.
    pub(super) const fn mend(&mut self) {
        self.losses = None;
    }

    /// Whether it carries the next packet that the node sends.
    pub(super) fn carries_out(&self) -> bool {
        self.carries(|losses| &losses.out)
    }

    /// Whether it carries the next packet that is sent to the node.
    pub(super) fn carries_in(&self) -> bool {
        self.carries(|losses| &losses.into)
    }

    fn carries(&self, count: impl Fn(&Losses) -> &Cell<u32>) -> bool {
        let is_kept = |losses: &Losses| {
            let count = count(losses);
            count.set(count.get() + 1);
            !count.get().is_multiple_of(losses.every.get())
        };
        !self.is_down && self.losses.as_ref().is_none_or(is_kept)
    }
}
