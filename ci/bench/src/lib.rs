//! What the benches have in common: their command line, the middle of their samples, their tables and their records.
//!
//! A bench takes each of its measurements once a round, one after the other, so that a noisy moment hits all alike; the
//! median over the rounds counts. Nothing in a bench can fail for being slow. The records of the last run are beside
//! this crate, in `ci/bench/*.json`.

mod arguments;
mod record;
mod spread;
mod table;

pub use arguments::Arguments;
pub use spread::Spread;
pub use table::table;
