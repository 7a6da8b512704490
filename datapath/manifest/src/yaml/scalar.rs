//! What a plain word means, as `kubectl` reads it.

/// A scalar value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// The meaning of an unquoted word. Kubernetes reads YAML 1.1: `yes`, `no`, `on` and `off` are booleans.
    pub(crate) fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
                Self::Bool(true)
            }
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
                Self::Bool(false)
            }
            _ => number(text).unwrap_or_else(|| Self::Text(text.to_owned())),
        }
    }
}

fn number(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    integer(text, digits).or_else(|| float(text, digits))
}

fn integer(text: &str, digits: &str) -> Option<Scalar> {
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x', ..] => (&digits[2..], 16),
        [b'0', b'o', ..] => (&digits[2..], 8),
        [b'0', b'b', ..] => (&digits[2..], 2),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let magnitude = i64::from_str_radix(digits, radix).ok()?;
    let negative = text.starts_with('-');
    Some(Scalar::Integer(if negative {
        -magnitude
    } else {
        magnitude
    }))
}

fn float(text: &str, digits: &str) -> Option<Scalar> {
    let plausible = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+');
    if !digits.chars().all(plausible) {
        return None;
    }
    text.parse().ok().map(Scalar::Float)
}

#[cfg(test)]
mod tests {
    use super::Scalar::{self, Bool, Float, Integer, Null, Text};

    #[test]
    fn plain_words_mean_what_kubectl_reads() {
        let text = |text: &str| Text(text.to_owned());
        let cases = [
            ("", Null),
            ("~", Null),
            ("null", Null),
            ("true", Bool(true)),
            ("yes", Bool(true)),
            ("off", Bool(false)),
            ("y", text("y")),
            ("80", Integer(80)),
            ("-5", Integer(-5)),
            ("+5", Integer(5)),
            ("0x1F", Integer(31)),
            ("0o17", Integer(15)),
            ("017", Integer(15)),
            ("0", Integer(0)),
            ("09", Float(9.0)),
            ("1.5", Float(1.5)),
            ("1e3", Float(1000.0)),
            (".5", Float(0.5)),
            ("10.0.0.1", text("10.0.0.1")),
            ("10.0.0.0/8", text("10.0.0.0/8")),
            ("1Gi", text("1Gi")),
            ("0x", text("0x")),
            ("0-5", text("0-5")),
            ("2024-01-01T00:00:00Z", text("2024-01-01T00:00:00Z")),
            ("-", text("-")),
            ("web", text("web")),
            ("é", text("é")),
        ];
        for (word, meaning) in cases {
            assert_eq!(Scalar::plain(word), meaning, "{word}");
        }
    }
}
