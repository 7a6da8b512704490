//! How many records a second.

use jiff::{SignedDuration, Timestamp};

/// A limit by the time that records have paid for (the generic cell rate algorithm).
#[derive(Clone, Debug)]
pub(super) struct Limit {
    /// Time that a record takes of the budget.
    interval: SignedDuration,
    /// How far records may run ahead of the clock.
    ahead: SignedDuration,
    /// The time up to which records are paid for.
    paid: Timestamp,
}

impl Limit {
    /// So many a second, and so many at once. A rate of zero lets only a burst through.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let interval = SignedDuration::from_secs(1)
            .checked_div(i32::try_from(rate).unwrap_or(i32::MAX))
            .unwrap_or(SignedDuration::MAX);
        let burst = i32::try_from(burst).unwrap_or(i32::MAX);
        Self {
            interval,
            ahead: interval.saturating_mul(burst),
            paid: Timestamp::MIN,
        }
    }

    /// Whether one more may be written now; then it is paid for.
    pub(super) fn allows(&mut self, now: Timestamp) -> bool {
        let paid = self.paid.max(now).checked_add(self.interval);
        let Ok(paid) = paid else {
            return true;
        };
        let is_within = paid.duration_since(now) <= self.ahead;
        if is_within {
            self.paid = paid;
        }
        is_within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut limit = Limit::new(10, 3);
        let allowed = |limit: &mut Limit, now| (0..10).filter(|_| limit.allows(at(now))).count();
        assert_eq!(allowed(&mut limit, 0), 3);
        assert_eq!(allowed(&mut limit, 99), 0);
        assert_eq!(allowed(&mut limit, 100), 1);
        assert_eq!(
            allowed(&mut limit, 10_000),
            3,
            "unused time is not saved up"
        );
    }
}
