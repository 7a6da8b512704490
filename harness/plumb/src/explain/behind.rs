//! Who is behind a service, which of them a client gets, and why it gets nobody.

use super::through::Through;
use crate::services::Ends;
use crate::snippet;
use crate::style::{BAD, FAINT, GOOD, STRONG};
use annotate_snippets::Level;
use manifest::{EndpointName, Service};
use oracle::service::{Member, Source, Standing};
use std::io::{self, Write};

/// Writes how many there are, a line for each, and why there is nobody to choose.
pub(super) fn write(out: &mut dyn Write, through: &Through<'_>) -> io::Result<()> {
    write_count(out, through)?;
    write_members(out, through)?;
    if let Some(seconds) = through.roll.affinity {
        writeln!(
            out,
            "  {FAINT}a client stays with its backend until it was away for {seconds} s (sessionAffinity: ClientIP){FAINT:#}"
        )?;
    }
    match cause(through) {
        Some(cause) if serving(through) == 0 => write_cause(out, through, &cause),
        _ => Ok(()),
    }
}

fn write_count(out: &mut dyn Write, through: &Through<'_>) -> io::Result<()> {
    let from = &through.answer.probe.from;
    let ready = count(through, Standing::is_ready);
    let all = through.roll.members.len();
    write!(out, "{STRONG}backends{STRONG:#}: ")?;
    match serving(through) {
        0 => write!(out, "{BAD}none{BAD:#} for {from}")?,
        some => write!(out, "{GOOD}{some}{GOOD:#} for {from}")?,
    }
    match (ready, all) {
        (_, 0) => {}
        (0, all) => write!(out, ", of {all} in all: none is ready")?,
        _ => write!(out, ", of {ready} ready and {all} in all")?,
    }
    match rule(through) {
        Some(rule) if is_narrowed(through) => writeln!(out, ": {rule}"),
        _ => writeln!(out),
    }
}

fn write_members(out: &mut dyn Write, through: &Through<'_>) -> io::Result<()> {
    let ends = Ends::new(&through.loaded.cluster);
    let rows = through.roll.members.iter().map(|member| {
        let name = ends.at(member.end.ip());
        let name = name.map_or_else(|| "nobody".to_owned(), ToString::to_string);
        let node = member.node.as_ref();
        let node = node.map_or_else(
            || "no nodeName".to_owned(),
            |node| format!("on node/{node}"),
        );
        (name, member.end.to_string(), node, member.standing)
    });
    let rows: Vec<_> = rows.collect();
    let widest = |width: fn(&(String, String, String, Standing)) -> usize| {
        rows.iter().map(width).max().unwrap_or(0)
    };
    let (names, ends, nodes) = (
        widest(|row| row.0.len()),
        widest(|row| row.1.len()),
        widest(|row| row.2.len()),
    );
    for (name, end, node, standing) in &rows {
        writeln!(
            out,
            "  {STRONG}{name:<names$}{STRONG:#}  {end:<ends$}  {node:<nodes$}  {FAINT}{}{FAINT:#}",
            meaning(*standing)
        )?;
    }
    Ok(())
}

const fn meaning(standing: Standing) -> &'static str {
    match standing {
        Standing::Serves => "may be chosen",
        Standing::ServesToTheEnd => "may be chosen though it is about to end, for nobody is ready",
        Standing::Draining => "about to end: keeps the connections it has",
        Standing::NotReady => "not ready",
        Standing::Elsewhere => "on another node",
        Standing::Farther => "farther away than others",
    }
}

fn count(through: &Through<'_>, is_meant: fn(Standing) -> bool) -> usize {
    let members = through.roll.members.iter();
    members.filter(|member| is_meant(member.standing)).count()
}

fn serving(through: &Through<'_>) -> usize {
    count(through, Standing::is_serving)
}

/// Whether somebody is ready whom this client does not get.
fn is_narrowed(through: &Through<'_>) -> bool {
    count(through, |it| it.is_ready() && !it.is_serving()) > 0
}

/// What keeps some ready backends from this client.
fn rule(through: &Through<'_>) -> Option<String> {
    let node = node(through)?;
    let spec = service(through)?.object.spec.as_ref()?;
    if is_any(through, Standing::Elsewhere) {
        return Some(format!(
            "internalTrafficPolicy: Local takes those on node/{node} alone"
        ));
    }
    Some(match &spec.traffic_distribution {
        Some(distribution) => {
            format!("trafficDistribution: {distribution} takes the nearest to node/{node}")
        }
        None => format!("its slices have hints for the zone of node/{node}"),
    })
}

fn is_any(through: &Through<'_>, standing: Standing) -> bool {
    let mut members = through.roll.members.iter();
    members.any(|member: &Member| member.standing == standing)
}

fn node<'a>(through: &'a Through<'_>) -> Option<&'a str> {
    let EndpointName::Pod(name) = &through.answer.probe.from else {
        return None;
    };
    let pod = through.loaded.cluster.pods.get(name)?;
    Some(&pod.node)
}

fn service<'a>(through: &'a Through<'_>) -> Option<&'a Service> {
    let services = &through.loaded.cluster.services;
    services.get(&through.roll.service)
}

/// What leaves a client without a backend: a field of the service, and what is wrong about it. That nobody is ready is
/// written in no field.
struct Cause {
    path: String,
    label: String,
}

impl Cause {
    fn new(path: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            label: label.into(),
        }
    }
}

fn cause(through: &Through<'_>) -> Option<Cause> {
    let namespace = &through.roll.service.namespace;
    let port = format!("spec.ports[{}]", through.roll.port);
    Some(match through.roll.source {
        _ if is_any(through, Standing::Elsewhere) => Cause::new(
            "spec.internalTrafficPolicy",
            format!("none that is ready is on node/{}", node(through)?),
        ),
        _ if !through.roll.members.is_empty() => return None,
        Source::Nothing => Cause::new("spec", "has no selector, and no EndpointSlice is of it"),
        Source::Selector(0) => Cause::new(
            "spec.selector",
            format!("matches no pod of namespace {namespace}"),
        ),
        Source::Selector(pods) => Cause::new(
            format!("{port}.targetPort"),
            format!("{} not have it at an address of this family", pods_do(pods)),
        ),
        Source::Slices(slices) => Cause::new(
            port,
            format!(
                "{slices} EndpointSlice{} of it, and no endpoint for this port and family",
                if slices == 1 { "" } else { "s" }
            ),
        ),
    })
}

fn pods_do(pods: usize) -> String {
    match pods {
        1 => "the pod that it selects does".to_owned(),
        _ => format!("the {pods} pods that it selects do"),
    }
}

fn write_cause(out: &mut dyn Write, through: &Through<'_>, cause: &Cause) -> io::Result<()> {
    let Some(service) = service(through) else {
        return Ok(());
    };
    let location = service.origin.locate(&cause.path);
    let line = through.loaded.applied.line(&location);
    let title = format!("svc/{} {}", through.roll.service, cause.path);
    let level = Level::NOTE.with_name("nobody serves");
    write!(
        out,
        "{}",
        snippet::remark(level, &title, &location, line, &cause.label)
    )
}
