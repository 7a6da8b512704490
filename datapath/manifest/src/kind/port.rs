//! The ports that containers and outside hosts declare.

use crate::report::Problem;
use crate::{ContainerPort, Protocol, validate};
use serde::Deserialize;

/// A port as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct RawPort {
    name: Option<String>,
    container_port: Option<i64>,
    protocol: Option<String>,
}

/// The ports at `path`; what is wrong with them goes to `problems`.
pub(super) fn ports(
    raw: &[RawPort],
    path: &str,
    problems: &mut Vec<Problem>,
) -> Vec<ContainerPort> {
    let each = raw.iter().enumerate();
    each.filter_map(|(index, raw)| port(raw, &format!("{path}[{index}]"), problems))
        .collect()
}

fn port(raw: &RawPort, path: &str, problems: &mut Vec<Problem>) -> Option<ContainerPort> {
    let before = problems.len();
    let number = match raw.container_port {
        None => Err(Problem::new("is missing")),
        Some(number) => validate::port_number(number),
    };
    let number =
        number.map_err(|problem| problems.push(problem.path(format!("{path}.containerPort"))));
    let protocol = validate::protocol(raw.protocol.as_deref().unwrap_or("TCP"))
        .map_err(|problem| problems.push(problem.path(format!("{path}.protocol"))));
    if let Some(Err(problem)) = raw.name.as_deref().map(validate::port_name) {
        problems.push(problem.path(format!("{path}.name")));
    }
    if problems.len() > before {
        return None;
    }
    Some(ContainerPort {
        name: raw.name.clone(),
        port: number.ok()?,
        protocol: protocol.unwrap_or(Protocol::Tcp),
    })
}
