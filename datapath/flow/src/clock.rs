//! The clock of flows.

use jiff::Timestamp;
use std::time::Duration;

/// Turns the times of events into those of a wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Clock {
    /// What the wall clock is ahead of the kernel's monotonic clock, nanoseconds.
    offset: i128,
}

impl Clock {
    /// The clock that shows `wall` when the monotonic one shows `monotonic`, nanoseconds.
    #[must_use]
    pub fn that_shows(wall: Timestamp, monotonic: u64) -> Self {
        Self {
            offset: wall.as_nanosecond() - i128::from(monotonic),
        }
    }

    /// The same clock, set forward.
    #[must_use]
    pub fn ahead_by(self, time: Duration) -> Self {
        let nanoseconds = i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
        Self {
            offset: self.offset.saturating_add(nanoseconds),
        }
    }

    /// What it shows at a time of the monotonic clock, nanoseconds; the epoch if no calendar goes that far.
    #[must_use]
    pub fn at(self, monotonic: u64) -> Timestamp {
        let nanoseconds = self.offset.saturating_add(i128::from(monotonic));
        Timestamp::from_nanosecond(nanoseconds).unwrap_or_default()
    }
}
