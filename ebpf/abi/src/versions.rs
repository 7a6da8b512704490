//! Rows that change while packets are judged.

/// Declares a row with two versions. A packet of generation `g` sees the one with the largest `since <= g`.
///
/// The writer of generation `g + 1` overwrites the version that is *not* in force at `g`; a program that finds
/// the active generation moved after its look-ups starts over. So no packet is judged by a mix of generations.
macro_rules! rows {
    ($(#[$meta:meta])* $name:ident of $value:ty) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        #[derive(FromBytes, IntoBytes, Immutable, KnownLayout)]
        #[repr(C)]
        pub struct $name {
            /// The first generation that sees each version; zero is an empty slot.
            pub since: [$crate::Generation; 2],
            /// The versions.
            pub values: [$value; 2],
        }

        impl $name {
            /// The value in force at `generation`, if the row existed then.
            #[must_use]
            #[inline(always)]
            pub const fn at(&self, generation: $crate::Generation) -> Option<&$value> {
                let [first, second] = self.since;
                let first_holds = first != 0 && first <= generation;
                let second_holds = second != 0 && second <= generation;
                if first_holds && (!second_holds || first > second) {
                    Some(&self.values[0])
                } else if second_holds {
                    Some(&self.values[1])
                } else {
                    None
                }
            }

            /// This row without versions that count only after `generation`; `None` if no other is left.
            #[must_use]
            pub const fn until(mut self, generation: $crate::Generation) -> Option<Self> {
                let mut slot = 0;
                while slot < 2 {
                    if self.since[slot] > generation {
                        self.since[slot] = 0;
                    }
                    slot += 1;
                }
                if self.since[0] == 0 && self.since[1] == 0 {
                    None
                } else {
                    Some(self)
                }
            }

            /// This row with `value` in force from `since` on, in place of the version that `since - 1` does not see.
            #[must_use]
            pub const fn with(mut self, since: $crate::Generation, value: $value) -> Self {
                let [first, second] = self.since;
                let slot = if first > second { 1 } else { 0 };
                self.since[slot] = since;
                self.values[slot] = value;
                self
            }
        }
    };
}
pub(crate) use rows;

#[cfg(test)]
mod tests {
    use crate::{Identity, IdentityRows};

    #[test]
    fn a_row_shows_the_version_in_force() {
        let rows = IdentityRows::default()
            .with(3, Identity(30))
            .with(7, Identity(70));
        assert_eq!(rows.at(2), None);
        assert_eq!(rows.at(3), Some(&Identity(30)));
        assert_eq!(rows.at(6), Some(&Identity(30)));
        assert_eq!(rows.at(7), Some(&Identity(70)));
        assert_eq!(rows.with(8, Identity(80)).at(7), Some(&Identity(70)));
        assert_eq!(IdentityRows::default().at(9), None);
        let kept = rows.until(6).unwrap();
        assert_eq!(
            (kept.at(6), kept.at(7)),
            (Some(&Identity(30)), Some(&Identity(30)))
        );
        assert_eq!(rows.until(2), None);
    }
}
