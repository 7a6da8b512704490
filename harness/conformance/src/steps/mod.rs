//! The vocabulary of `.feature` files: one table of steps, from which matching, `plumb steps` and the docs come.

mod arguments;
mod change;
mod cluster;
mod connect;
mod conversations;
mod draft;
mod fates;
mod faults;
mod golden;
mod isolation;
mod links;
mod log;
mod log_file;
mod matching;
mod metrics;
mod neighbours;
mod packets;
mod parameter;
mod policy;
mod reach;
mod rows;
mod seen;
mod services;
mod time;

pub(crate) use arguments::{Arguments, parse_object};
pub(crate) use matching::find;
pub use parameter::{PARAMETERS, Parameter};
pub(crate) use rows::parse_addresses;

use crate::world::World;

/// A sentence that can stand in a scenario, and what it does. `Given`, `When` and `Then` are for the reader: a step
/// is known by its text.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The sentence as a Cucumber expression; the words in braces are in [`PARAMETERS`].
    pub expression: &'static str,
    /// What it does or states.
    pub meaning: &'static str,
    /// The step as it stands in a feature, keyword included.
    pub example: &'static str,
    /// Does it.
    run: Run,
}

impl Step {
    /// Whether it asks what was logged, reported or counted.
    pub(crate) fn is_about_reports(&self) -> bool {
        let tables = [log::STEPS, log_file::STEPS, metrics::STEPS, golden::STEPS];
        let mut steps = tables.into_iter().flatten();
        steps.any(|step| step.expression == self.expression)
    }

    /// Whether it asks what was on a link.
    pub(crate) fn is_about_links(&self) -> bool {
        let mut steps = links::STEPS.iter();
        steps.any(|step| step.expression == self.expression)
    }

    /// Does what the step says.
    pub(crate) fn run(&self, world: &mut World, arguments: &Arguments<'_>) -> anyhow::Result<()> {
        (self.run)(world, arguments)
    }
}

type Run = fn(&mut World, &Arguments<'_>) -> anyhow::Result<()>;

/// Every step, in the order of the documentation.
#[must_use]
pub fn steps() -> Vec<&'static Step> {
    let tables = [
        cluster::STEPS,
        policy::STEPS,
        change::STEPS,
        services::STEPS,
        connect::STEPS,
        seen::STEPS,
        reach::STEPS,
        isolation::STEPS,
        time::STEPS,
        faults::STEPS,
        packets::STEPS,
        conversations::STEPS,
        neighbours::STEPS,
        fates::STEPS,
        links::STEPS,
        log::STEPS,
        log_file::STEPS,
        metrics::STEPS,
        golden::STEPS,
    ];
    tables.into_iter().flatten().collect()
}
