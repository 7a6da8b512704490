//! Which scenarios are run, in which order.

use crate::options::Filter;
use crate::scenario::Scenario;

/// The scenarios that are meant, in order, and how many were left out.
pub(crate) struct Plan {
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) filtered: usize,
}

impl Plan {
    /// Chooses and orders. Shards are cut before the order is shuffled, so they do not depend on the seed.
    pub(crate) fn new(found: Vec<Scenario>, filter: &Filter, seed: Option<u64>) -> Self {
        let all = found.len();
        let chosen = found
            .into_iter()
            .filter(|scenario| is_meant(filter, scenario));
        let in_shard = |position: usize| filter.shard.is_none_or(|shard| shard.holds(position));
        let chosen = chosen
            .enumerate()
            .filter(|(position, _)| in_shard(*position));
        let mut scenarios: Vec<Scenario> = chosen.map(|(_, scenario)| scenario).collect();
        if let Some(seed) = seed {
            shuffle(&mut scenarios, seed);
        }
        Self {
            filtered: all - scenarios.len(),
            scenarios,
        }
    }
}

fn is_meant(filter: &Filter, scenario: &Scenario) -> bool {
    let by_tags = filter.tags.as_ref();
    let by_name = filter.name.as_ref();
    by_tags.is_none_or(|tags| tags.matches(&scenario.tags))
        && by_name.is_none_or(|name| name.is_match(&scenario.name()))
}

/// Fisher–Yates; the same seed gives the same order.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..items.len()).rev() {
        let bound = last as u64 + 1;
        let other = usize::try_from(next(&mut state) % bound).unwrap_or(last);
        items.swap(last, other);
    }
}

/// The next number of the `SplitMix64` sequence (Steele, Lea, Flood 2014).
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_order_of_the_same_items() {
        let order = |seed| {
            let mut items: Vec<u32> = (0..50).collect();
            shuffle(&mut items, seed);
            items
        };
        assert_eq!(order(7), order(7));
        assert_ne!(order(7), order(8));
        let mut sorted = order(7);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<u32>>());
    }
}
