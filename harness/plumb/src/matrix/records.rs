//! Answers for programs: JSON lines and CSV.

use crate::answer::Answer;
use manifest::EndpointName;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The names of the columns, in their order.
const COLUMNS: [&str; 11] = [
    "from",
    "to",
    "to_address",
    "protocol",
    "port",
    "verdict",
    "denied_at",
    "policies",
    "reason",
    "generation",
    "backends",
];

/// One answer as a JSON object whose keys are [`COLUMNS`].
pub(super) fn record(answer: &Answer) -> Value {
    json!({
        "from": answer.probe.from.to_string(),
        "to": answer.probe.to.to_string(),
        "to_address": answer.probe.address,
        "protocol": answer.probe.protocol.name(),
        "port": answer.probe.port,
        "verdict": answer.verdict(),
        "denied_at": answer.denied_at().map(|side| side.to_string()),
        "policies": names(answer),
        "reason": answer.reason(),
        "generation": answer.outcome.generation,
        "backends": backends(answer),
    })
}

/// What each backend says that the service may choose; null of what goes to no service.
fn backends(answer: &Answer) -> Value {
    if !matches!(answer.probe.to, EndpointName::Service(_)) {
        return Value::Null;
    }
    let backend = |way: &Answer| {
        json!({
            "to": way.probe.to.to_string(),
            "to_address": way.probe.address,
            "port": way.probe.port,
            "verdict": way.verdict(),
            "denied_at": way.denied_at().map(|side| side.to_string()),
            "policies": names(way),
            "reason": way.reason(),
        })
    };
    answer.ways.iter().map(backend).collect()
}

/// The policies that decided.
fn names(answer: &Answer) -> Vec<String> {
    let policies = answer.policies();
    policies.iter().map(ToString::to_string).collect()
}

/// One JSON object a line.
pub(super) fn json_lines(out: &mut dyn Write, answers: &[Answer]) -> io::Result<()> {
    for answer in answers {
        writeln!(out, "{}", record(answer))?;
    }
    Ok(())
}

/// A heading and one line an answer.
pub(super) fn csv(out: &mut dyn Write, answers: &[Answer]) -> io::Result<()> {
    writeln!(out, "{}", csv_heading())?;
    for answer in answers {
        writeln!(out, "{}", csv_line(answer))?;
    }
    Ok(())
}

/// The names of the columns.
pub(super) fn csv_heading() -> String {
    COLUMNS.join(",")
}

/// One answer. No value is empty text, so an empty field is a null; policies are set apart by semicolons, as are
/// backends, `shop/api-1=allowed;shop/api-2=denied`.
pub(super) fn csv_line(answer: &Answer) -> String {
    let record = record(answer);
    let fields = COLUMNS.map(|column| csv_field(&record[column]));
    fields.join(",")
}

fn csv_field(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(csv_item).collect();
            items.join(";")
        }
        other => other.to_string(),
    };
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

fn csv_item(item: &Value) -> Option<String> {
    let Value::Object(backend) = item else {
        return item.as_str().map(str::to_owned);
    };
    let (to, verdict) = (backend["to"].as_str()?, backend["verdict"].as_str()?);
    Some(format!("{to}={verdict}"))
}
