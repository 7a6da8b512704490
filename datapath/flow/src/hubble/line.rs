//! One line of a file of flows.

use super::Flow;
use jiff::Timestamp;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A line: a flow, lost events, or something else that Hubble reports.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// A flow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<Flow>,
    /// Events that were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost_events: Option<LostEvents>,
    /// Whether it is a report about nodes, the agent or debugging, which is passed over.
    #[serde(
        skip_serializing,
        alias = "node_status",
        alias = "agent_event",
        alias = "debug_event",
        deserialize_with = "is_there"
    )]
    pub other: bool,
    /// The node that says so.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub node_name: String,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
}

/// Events that never became flows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LostEvents {
    /// Where: `PERF_EVENT_RING_BUFFER` is the kernel's, `OBSERVER_EVENTS_QUEUE` and `HUBBLE_RING_BUFFER` are behind it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// How many. Written as a string, as the mapping asks for 64 bits; read as a number too.
    #[serde(serialize_with = "as_string", deserialize_with = "number_or_string")]
    pub num_events_lost: u64,
}

impl Line {
    /// The line of a flow.
    #[must_use]
    pub fn of_flow(flow: Flow) -> Self {
        Self {
            node_name: flow.node_name.clone(),
            time: flow.time,
            flow: Some(flow),
            ..Self::default()
        }
    }

    /// The line that says that the kernel's ring buffer had no room for `count` events, as of `time`.
    #[must_use]
    pub fn of_lost_events(count: u64, node_name: &str, time: Timestamp) -> Self {
        Self {
            lost_events: Some(LostEvents {
                source: "PERF_EVENT_RING_BUFFER".to_owned(),
                num_events_lost: count,
            }),
            node_name: node_name.to_owned(),
            time: Some(time),
            ..Self::default()
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// When it is no JSON object of this shape, or none of its fields is one of a flow's line.
    pub fn read(text: &str) -> Result<Self, ReadLineError> {
        let line: Self = serde_json::from_str(text).map_err(ReadLineError::Json)?;
        let is_known = line.flow.is_some() || line.lost_events.is_some() || line.other;
        if is_known {
            Ok(line)
        } else {
            Err(ReadLineError::NoFlow)
        }
    }
}

/// The JSON, without a line break.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

/// Why a text is no line of a flow.
#[derive(Debug)]
pub enum ReadLineError {
    /// It is no JSON, or a field has another type.
    Json(serde_json::Error),
    /// It is an object without any field that would say what it is about.
    NoFlow,
}

impl ReadLineError {
    /// Where in the line it is wrong, in bytes from 1; `None` if no place in it is.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        match self {
            Self::Json(error) => Some(error.column()).filter(|column| *column > 0),
            Self::NoFlow => None,
        }
    }
}

impl fmt::Display for ReadLineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => {
                let said = error.to_string();
                let place = format!(" at line {} column {}", error.line(), error.column());
                f.write_str(said.strip_suffix(&place).unwrap_or(&said))
            }
            Self::NoFlow => f.write_str("there is neither `flow` nor `lost_events` in it"),
        }
    }
}

impl std::error::Error for ReadLineError {}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
fn as_string<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn number_or_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Count {
        Number(u64),
        Text(String),
    }
    match Count::deserialize(deserializer)? {
        Count::Number(number) => Ok(number),
        Count::Text(text) => text.parse().map_err(D::Error::custom),
    }
}
