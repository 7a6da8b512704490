//! Answers for programs: JSON lines and CSV.

use crate::answer::Answer;
use serde_json::{Value, json};
use std::io::{self, Write};

/// The names of the columns, in their order.
const COLUMNS: [&str; 10] = [
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
];

/// One answer as a JSON object whose keys are [`COLUMNS`].
pub(super) fn record(answer: &Answer) -> Value {
    let policies = answer.policies();
    let policies: Vec<String> = policies.iter().map(ToString::to_string).collect();
    json!({
        "from": answer.probe.from.to_string(),
        "to": answer.probe.to.to_string(),
        "to_address": answer.probe.address,
        "protocol": answer.probe.protocol.name(),
        "port": answer.probe.port,
        "verdict": answer.verdict(),
        "denied_at": answer.denied_at().map(|side| side.to_string()),
        "policies": policies,
        "reason": answer.reason(),
        "generation": answer.outcome.generation,
    })
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

/// One answer. No value is empty text, so an empty field is a null; policies are set apart by semicolons.
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
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
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
