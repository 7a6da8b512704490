//! A policy of a case file as a manifest of its own, with the lines and columns it has in the file.

use super::{File, line};
use anyhow::Context;
use manifest::{Cluster, PolicyName, Source};
use serde_json::Value;
use serde_saphyr::Location;

/// A policy, and a cluster with nothing else in it.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) name: PolicyName,
    pub(super) holder: Cluster,
}

/// The policy that begins there; `value` is what was read. Where its text cannot stand alone (flow style, aliases of
/// anchors elsewhere) it is loaded from what was read, and knows only its line.
pub(super) fn policy(file: &File<'_>, value: &Value, begin: Location) -> anyhow::Result<Policy> {
    let above = "\n".repeat(line(begin).saturating_sub(1));
    let from_value = || load(file, above + &value.to_string());
    let loaded = match block(file.text, begin) {
        Some(text) => load(file, text).or_else(|error| from_value().map_err(|_| error)),
        None => from_value(),
    };
    let holder = loaded?;
    let name = holder.policy_names().next();
    let name = file.at(begin, name.context("this is no policy"))?;
    Ok(Policy { name, holder })
}

fn load(file: &File<'_>, text: String) -> anyhow::Result<Cluster> {
    let mut loaded = Cluster::default();
    loaded.apply(&[Source::text(&file.name, text)])?;
    Ok(loaded)
}

/// The lines of a block-style mapping that begins there, below as many empty lines as there are above it in the
/// file. `None` if something else is on its first line: then it is written in flow style.
fn block(text: &str, begin: Location) -> Option<String> {
    let above = line(begin).checked_sub(1)?;
    let margin = usize::try_from(begin.column()).ok()?.checked_sub(1)?;
    let first = text.lines().nth(above)?;
    if indent(first) != margin || first.trim_start().starts_with('{') {
        return None;
    }
    let is_inside = |line: &&str| line.trim().is_empty() || indent(line) >= margin;
    let lines: Vec<&str> = text.lines().skip(above).take_while(is_inside).collect();
    Some("\n".repeat(above) + &lines.join("\n") + "\n")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
