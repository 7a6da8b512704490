//! Probes, evidence and judgement: runs scenarios and case files against a driver and says what was true.

mod carriage;
mod casefile;
mod conversation;
mod discover;
pub mod driver;
mod edit;
mod entry;
mod evidence;
pub mod generate;
mod golden;
mod judge;
mod log_folder;
mod logbook;
mod node_metrics;
mod observer;
mod options;
pub mod packet;
mod plan;
mod policy_logs;
mod report;
mod run;
mod scenario;
mod session;
mod sheet;
mod source;
mod steps;
mod summary;
mod target;
mod traffic;
mod world;

pub use discover::discover;
pub use observer::{Observer, Outputs};
pub use options::{
    Filter, Interrupt, Options, ParseShardError, ParseTagsError, Shard, TagExpression,
};
pub use run::run;
pub use scenario::{Failure, Report, Scenario, Setting};
pub use session::Drivers;
pub use steps::{PARAMETERS, Parameter, Step, steps};
pub use summary::{RunError, Summary};
