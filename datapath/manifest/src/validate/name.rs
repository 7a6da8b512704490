//! What objects may be called.

use crate::report::Problem;

/// Checks a name that may be part of a DNS name: `web`, `web.v2`.
pub(super) fn subdomain(text: &str) -> Result<(), Problem> {
    let valid = text.len() <= 253 && text.split('.').all(is_label);
    valid.then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid name")).help(
            "use at most 253 lower case letters, digits, `-` and `.`; each part begins and ends with a letter or digit",
        )
    })
}

/// Checks a name that may be one label of a DNS name: `web`.
pub(super) fn label(text: &str) -> Result<(), Problem> {
    let valid = text.len() <= 63 && is_label(text);
    valid.then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid name"))
            .help("use at most 63 lower case letters, digits and `-`; begin and end with a letter or digit")
    })
}

/// Checks a name that may be one label of an old DNS name: it begins with a letter.
pub(super) fn old_label(text: &str) -> Result<(), Problem> {
    let valid =
        text.len() <= 63 && is_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase());
    valid.then_some(()).ok_or_else(|| {
        Problem::new(format!("{text:?} is not a valid name")).help(
            "use at most 63 lower case letters, digits and `-`; begin with a letter, end with a letter or digit",
        )
    })
}

fn is_label(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}
