//! Probes, evidence and judgement: runs scenarios and case files against a driver and says what was true.

pub mod driver;
pub mod generate;
mod options;
mod run;
mod summary;

pub use options::{
    Filter, Interrupt, Options, ParseShardError, ParseTagsError, Shard, TagExpression,
};
pub use run::run;
pub use summary::{RunError, Summary};
