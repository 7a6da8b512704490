//! Masquerade: the `ConfigMap` that the ip-masq-agent reads.

use super::head::{Outcome, RawObject, Typed};
use crate::report::Problem;
use crate::yaml::{Decoded, Mark, Node, UnknownFields, compose, decode};
use crate::{Diagnostic, Masquerade, Severity, validate};
use ipnet::IpNet;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The key under which the agent finds its configuration.
const KEY: &str = "config";
const CIDRS: &str = "nonMasqueradeCIDRs";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RawConfigMap {
    metadata: ObjectMeta,
    data: BTreeMap<String, String>,
}

/// The text under the key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawConfig {
    #[serde(rename = "nonMasqueradeCIDRs")]
    non_masquerade_cidrs: Option<Vec<String>>,
    cidr_limit: usize,
    masq_link_local: bool,
    #[serde(rename = "masqLinkLocalIPv6")]
    masq_link_local_ipv6: bool,
    resync_interval: Option<String>,
}

impl Default for RawConfig {
    fn default() -> Self {
        Self {
            non_masquerade_cidrs: None,
            cidr_limit: 64,
            masq_link_local: false,
            masq_link_local_ipv6: false,
            resync_interval: None,
        }
    }
}

/// The configuration; warnings about it go to `diagnostics`.
pub(super) fn masquerade(
    object: &RawObject<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome<Masquerade> {
    let Typed {
        head,
        body,
        mut problems,
    } = object.typed(UnknownFields::Ignored, |raw: &RawConfigMap| &raw.metadata)?;
    let mut masquerade = Masquerade::default();
    let text = object.node.get("data").and_then(|data| data.get(KEY));
    if let Some(text) = text.filter(|_| body.data.contains_key(KEY)) {
        problems.extend(configure(&mut masquerade, text));
    } else {
        let problems = vec![nothing_to_read()];
        diagnostics.extend(object.diagnostics(problems, Some(&head.origin), Severity::Warning));
    }
    masquerade.ports = ports(&head.meta, &mut problems);
    object.check(problems, &head.origin)?;
    masquerade.origin = head.origin;
    Ok(masquerade)
}

fn nothing_to_read() -> Problem {
    let problem = Problem::new("has no `config`, so the defaults of the ip-masq-agent hold");
    let problem = problem.path("data");
    problem.help("write the configuration under data.config")
}

/// The ports that an annotation says.
fn ports(meta: &ObjectMeta, problems: &mut Vec<Problem>) -> Option<RangeInclusive<u16>> {
    const PORTS: &str = validate::MASQUERADE_PORTS;
    let range = validate::port_range(meta.annotations.as_ref()?.get(PORTS)?);
    let problem = |problem: Problem| {
        problems.push(problem.path(format!("metadata.annotations[{PORTS}]")));
    };
    range.map_err(problem).ok()
}

/// Reads the configuration in `text`; returns what is wrong with it, where it is written.
fn configure(masquerade: &mut Masquerade, text: &Node) -> Vec<Problem> {
    let in_text = |problem: Problem| {
        let mark = problem.mark.unwrap_or(Mark { line: 1, column: 1 });
        let path = match problem.path.as_str() {
            "" => format!("data.{KEY}"),
            path => format!("data.{KEY}.{path}"),
        };
        problem.path(path).mark(text.mark_in_text(mark))
    };
    let problems = match compose(text.text().unwrap_or_default()).next() {
        None => vec![],
        Some(Err(problem)) => vec![problem],
        Some(Ok(root)) if root.is_null() => vec![],
        Some(Ok(root)) => match decode::<RawConfig>(&root, UnknownFields::Refused) {
            Ok(decoded) => check(masquerade, &root, decoded),
            Err(problems) => problems,
        },
    };
    problems.into_iter().map(in_text).collect()
}

/// Takes over what is sound; returns what is not.
fn check(masquerade: &mut Masquerade, root: &Node, decoded: Decoded<RawConfig>) -> Vec<Problem> {
    let Decoded {
        object: config,
        fields,
        unknown: mut problems,
    } = decoded;
    let place = |problem: Problem| {
        let field = fields.get(&problem.path);
        let mark = field.map(|&(line, column)| Mark { line, column });
        problem.maybe_mark(mark)
    };
    // Null is a list without prefixes, as in Go.
    let is_empty = root.get(CIDRS).is_some_and(Node::is_null);
    if let Some(texts) = config.non_masquerade_cidrs.or(is_empty.then(Vec::new)) {
        let mut wrong = Vec::new();
        masquerade.non_masquerade_cidrs = cidrs(&texts, config.cidr_limit, &mut wrong);
        problems.extend(wrong.into_iter().map(place));
    }
    masquerade.link_local = config.masq_link_local;
    masquerade.link_local_v6 = config.masq_link_local_ipv6;
    let interval = config.resync_interval.as_deref();
    if let Some(Err(problem)) = interval.map(validate::go_duration) {
        problems.push(place(problem.path("resyncInterval")));
    }
    problems
}

fn cidrs(texts: &[String], limit: usize, problems: &mut Vec<Problem>) -> Vec<IpNet> {
    if texts.len() > limit {
        let problem = Problem::new(format!("there are {} prefixes", texts.len()));
        let help = format!("the ip-masq-agent takes at most {limit}: raise cidrLimit");
        problems.push(problem.path(CIDRS).help(help));
    }
    let mut cidrs = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match validate::aligned_cidr(text) {
            Ok(cidr) => cidrs.push(cidr),
            Err(problem) => problems.push(problem.path(format!("{CIDRS}[{index}]"))),
        }
    }
    cidrs
}
