//! Case files: a cluster, policies, steps and every expected verdict in one YAML document.
//!
//! The schema is that of public `NetworkPolicy` suites re-expressed as data; [`schema`] documents it field by field.

mod action;
mod excerpt;
mod expect;
mod play;
mod schema;

use crate::sheet::Sheet;
use crate::target::Service;
use action::Action;
use anyhow::Context;
use excerpt::Policy;
use expect::Expect;
use manifest::Cluster;
use schema::Text;
use serde_saphyr::Location;
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) use play::{lines, play};

/// A case file that was read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) tags: Vec<String>,
    /// The path as the user gave it.
    file: String,
    /// Everybody before the first step.
    sheet: Sheet,
    policies: BTreeMap<String, Policy>,
    steps: Vec<Step>,
    expect: Vec<Expect>,
    default: Option<expect::Verdict>,
}

/// One step: changes, then probes.
#[derive(Clone, Debug)]
struct Step {
    line: usize,
    actions: Vec<Action>,
    /// Tried between every ordered pair of pods.
    probes: Vec<Service>,
}

impl Case {
    /// The cluster before the first step, without policies, with so many nodes at least.
    fn cluster(&self, nodes: u16) -> anyhow::Result<Cluster> {
        let mut cluster = Cluster::spread(nodes);
        self.sheet.apply(&mut cluster, &self.file)?;
        Ok(cluster)
    }
}

/// Whether the text looks like a case file and not like a manifest: it has a top-level `steps` and no `apiVersion`.
pub(crate) fn is_case(text: &str) -> bool {
    let has_key = |key: &str| {
        text.lines().any(|line| {
            let rest = line.strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    has_key("steps") && !has_key("apiVersion")
}

/// Reads a case file.
///
/// # Errors
/// With `file:line:column` and what is wrong there.
pub(crate) fn parse(path: &Path, text: &str) -> anyhow::Result<Case> {
    let file = File {
        name: path.display().to_string(),
        text,
    };
    let parsed = Text::parse(&file)?;
    let policies = parsed.policies(&file)?;
    let steps = parsed.steps(&file, &policies)?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let id = parsed.id.clone().or(stem).unwrap_or_default();
    Ok(Case {
        title: match &parsed.title {
            Some(title) => format!("{id}: {title}"),
            None => id,
        },
        tags: parsed.tags.clone(),
        sheet: parsed.sheet(&file)?,
        expect: parsed.expect(&file, steps.len())?,
        default: parsed.default(&file)?,
        policies,
        steps,
        file: file.name,
    })
}

/// A file that is being read.
struct File<'a> {
    name: String,
    text: &'a str,
}

impl File<'_> {
    /// Puts the place before an error.
    fn at<T>(&self, location: Location, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let (line, column) = (location.line(), location.column());
        result.with_context(|| format!("{}:{line}:{column}", self.name))
    }
}

/// The line, from 1.
fn line(location: Location) -> usize {
    usize::try_from(location.line()).unwrap_or(usize::MAX)
}
