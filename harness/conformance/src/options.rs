//! What to run, on what, and how much of it.

use crate::driver::{DriverKind, Mode};
use crate::observer::Outputs;
use cucumber::tag::Ext as _;
use gherkin::tagexpr::TagOperation;
use manifest::Cluster;
use regex::Regex;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A run of scenarios.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Feature files, case files, and folders of them.
    pub paths: Vec<PathBuf>,
    /// What the `-f` manifests of the command line hold; `None` without `-f`.
    pub manifests: Option<Cluster>,
    /// Who answers the probes.
    pub driver: DriverKind,
    /// A second driver that must answer the same.
    pub against: Option<DriverKind>,
    /// What is left open about the network.
    pub mode: Mode,
    /// How many nodes a cluster has at least once there are pods, named or not; zero is as many as are needed.
    pub nodes: u16,
    /// Whether golden files are written from what is seen.
    pub bless: bool,
    /// Which scenarios.
    pub filter: Filter,
    /// How many scenarios at once; `None` means one a processor.
    pub jobs: Option<NonZeroUsize>,
    /// Whether to start no further scenario after a failure.
    pub fail_fast: bool,
    /// Shuffles the order of the scenarios; the same seed gives the same order.
    pub seed: Option<u64>,
    /// Where to write a `JUnit` report.
    pub junit: Option<PathBuf>,
    /// Where to write a JSON report, one object a scenario.
    pub json: Option<PathBuf>,
    /// What is written down of each scenario.
    pub outputs: Outputs,
    /// Raised to stop the run after the scenarios that are under way.
    pub interrupt: Interrupt,
}

/// Which scenarios of those found are run. Everything left out passes everything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Tags of the feature or the scenario.
    pub tags: Option<TagExpression>,
    /// Looked for in the name of a scenario: `FILE::SCENARIO`.
    pub name: Option<Regex>,
    /// A part of what the others leave.
    pub shard: Option<Shard>,
}

/// A Gherkin tag expression: `@ipv6 and not @slow`.
#[derive(Clone, Debug)]
pub struct TagExpression(TagOperation);

impl TagExpression {
    /// Whether a scenario with these tags is meant.
    #[must_use]
    pub fn matches(&self, tags: &[String]) -> bool {
        self.0.eval(tags)
    }
}

/// A text that is no tag expression.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a tag expression: write for example `@ipv6 and not (@slow or @node)`")]
pub struct ParseTagsError(String);

impl FromStr for TagExpression {
    type Err = ParseTagsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.trim().parse();
        parsed
            .map(Self)
            .map_err(|_| ParseTagsError(text.to_owned()))
    }
}

/// One of several equal parts of the scenarios, for machines that share the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shard {
    /// Which part, from 1.
    index: usize,
    /// How many parts there are.
    count: usize,
}

impl Shard {
    /// Whether the scenario at this position, from 0, is in this part.
    #[must_use]
    pub const fn holds(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

/// A text that is no shard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is not a shard: write K/N with K from 1 to N, for example 2/3")]
pub struct ParseShardError(String);

impl FromStr for Shard {
    type Err = ParseShardError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (index, count) = text.split_once('/')?;
            let (index, count) = (index.parse().ok()?, count.parse().ok()?);
            (1..=count)
                .contains(&index)
                .then_some(Self { index, count })
        };
        parse().ok_or_else(|| ParseShardError(text.to_owned()))
    }
}

/// A flag that a signal handler raises and the run looks at before each scenario.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks the run to stop.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the run was asked to stop.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_in_exactly_one_shard() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"]
            .map(|text| text.parse().unwrap())
            .into();
        for position in 0..10 {
            let holders = shards.iter().filter(|shard| shard.holds(position));
            assert_eq!(holders.count(), 1, "{position}");
        }
    }

    #[test]
    fn a_shard_outside_its_count_is_refused() {
        for text in ["0/3", "4/3", "1/0", "1", "a/b", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn tags_are_combined() {
        let tags = ["ipv6".to_owned(), "slow".to_owned()];
        for (text, expected) in [
            ("@ipv6", true),
            ("@ipv6 and not @slow", false),
            ("@node or @slow", true),
        ] {
            let expression: TagExpression = text.parse().unwrap();
            assert_eq!(expression.matches(&tags), expected, "{text}");
        }
        assert!("@a and".parse::<TagExpression>().is_err());
    }
}
