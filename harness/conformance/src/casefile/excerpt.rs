//! A policy of a case file as a manifest of its own, with the lines and columns it has in the file.

use super::File;
use anyhow::Context;
use manifest::{Cluster, NetworkPolicy, ObjectName, Source};
use serde_json::Value;
use serde_saphyr::Location;

/// The policy that begins there; `value` is what was read.
pub(super) fn policy(
    file: &File<'_>,
    value: &Value,
    begin: Location,
) -> anyhow::Result<(ObjectName, NetworkPolicy)> {
    let text = block(file.text, begin).unwrap_or_else(|| value.to_string());
    let mut loaded = Cluster::default();
    loaded.apply(&[Source::text(&file.name, text)])?;
    let policy = loaded.policies.into_iter().next();
    file.at(begin, policy.context("this is no NetworkPolicy"))
}

/// The lines of a block-style mapping that begins there, below as many empty lines as there are above it in the
/// file. `None` if something else is on its first line: then it is written in flow style.
fn block(text: &str, begin: Location) -> Option<String> {
    let above = usize::try_from(begin.line()).ok()?.checked_sub(1)?;
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
