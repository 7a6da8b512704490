//! The middle and the ends of samples.

/// Samples of one measurement, in whatever unit they were taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Spread {
    /// The least.
    pub least: f64,
    /// The one in the middle; of an even number, the upper of the two.
    pub median: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// The spread of these samples; nothing but zeros without any.
    #[must_use]
    pub fn of(mut samples: Vec<f64>) -> Self {
        samples.sort_by(f64::total_cmp);
        let at = |place: usize| samples.get(place).copied().unwrap_or_default();
        Self {
            least: at(0),
            median: at(samples.len() / 2),
            most: at(samples.len().saturating_sub(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[f64], [least, median, most]: [f64; 3]) {
        let expected = Spread {
            least,
            median,
            most,
        };
        assert_eq!(Spread::of(samples.to_vec()), expected, "{samples:?}");
    }

    #[test]
    fn the_middle_lies_between_the_ends() {
        check(&[3.0, 1.0, 2.0], [1.0, 2.0, 3.0]);
        check(&[4.0, 1.0, 3.0, 2.0], [1.0, 3.0, 4.0]);
        check(&[5.0], [5.0, 5.0, 5.0]);
        check(&[], [0.0, 0.0, 0.0]);
    }
}
