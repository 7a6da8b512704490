//! What can be wrong with a document before it is an object.

use super::Mark;
use serde::de::{Expected, Unexpected};
use std::fmt;

/// A value that is not what its field needs.
#[derive(Debug)]
pub(crate) struct Error {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// The innermost field that failed, and where it is written.
    pub(crate) place: Option<(String, Mark)>,
}

impl Error {
    /// The same error, at `path` unless a place further in is known.
    pub(crate) fn at(mut self, path: impl fmt::Display, mark: Mark) -> Self {
        self.place.get_or_insert_with(|| (path.to_string(), mark));
        self
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            help: None,
            place: None,
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = expected.to_string();
        Self {
            message: format!(
                "expected {}, found {}",
                in_words(&expected),
                found_words(&found)
            ),
            help: quotes(&found, &expected),
            place: None,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        // The only values that are refused here are numbers too large for their field.
        let expected = expected.to_string().replace("i32", "a 32-bit integer");
        Self::custom(format!(
            "expected {expected}, found {}",
            found_words(&found)
        ))
    }
}

/// What a visitor expects, in the words of YAML rather than of Rust.
fn in_words(expected: &str) -> String {
    match expected {
        "i32" | "i64" => "an integer".to_owned(),
        "IntOrString" => "a port number or a port name".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        other => match other.strip_prefix("struct ").unwrap_or(other) {
            name if name.starts_with(char::is_uppercase) => format!("a mapping ({name})"),
            words => words.to_owned(),
        },
    }
}

fn found_words(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the string {text:?}"),
        Unexpected::Bool(value) => format!("the boolean {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Unit => "nothing".to_owned(),
        other => other.to_string(),
    }
}

/// Quotes are what most wrong types come down to.
fn quotes(found: &Unexpected<'_>, expected: &str) -> Option<String> {
    match found {
        Unexpected::Bool(_) | Unexpected::Signed(_) | Unexpected::Float(_)
            if expected == "a string" =>
        {
            Some("write it in quotes to make it a string".to_owned())
        }
        Unexpected::Str(text) if expected.starts_with('i') && text.parse::<i64>().is_ok() => {
            Some("write it without quotes to make it a number".to_owned())
        }
        Unexpected::Unit if expected == "a string" => {
            Some("write \"\" for an empty one".to_owned())
        }
        Unexpected::Unit => Some("write {} for an empty one".to_owned()),
        _ => None,
    }
}
