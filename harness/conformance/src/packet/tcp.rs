//! TCP flags by their names.

use oracle::connection;
use std::fmt;
use std::str::FromStr;

/// The flags of a TCP packet (RFC 9293 section 3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TcpFlags(u8);

/// Names and bits.
const FLAGS: [(&str, u8); 8] = [
    ("SYN", 0x02),
    ("FIN", 0x01),
    ("RST", 0x04),
    ("PSH", 0x08),
    ("URG", 0x20),
    ("ECE", 0x40),
    ("CWR", 0x80),
    ("ACK", 0x10),
];
/// The word for no flag at all.
const NONE: &str = "none";

/// A text that names no flags.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no TCP flag: use {names}, several as SYN/ACK, or {NONE}", names = names())]
pub struct ParseFlagsError(String);

fn names() -> String {
    FLAGS.map(|(name, _)| name).join(", ")
}

impl TcpFlags {
    /// What they say about the connection.
    pub(super) const fn meaning(self) -> connection::TcpFlags {
        connection::TcpFlags {
            syn: self.0 & 0x02 != 0,
            ack: self.0 & 0x10 != 0,
            fin: self.0 & 0x01 != 0,
            rst: self.0 & 0x04 != 0,
        }
    }

    /// As they are in the header.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }
}

impl FromStr for TcpFlags {
    type Err = ParseFlagsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == NONE {
            return Ok(Self(0));
        }
        let bit = |name: &str| {
            let flag = FLAGS.iter().find(|(known, _)| *known == name);
            flag.map(|(_, bit)| *bit)
                .ok_or_else(|| ParseFlagsError(name.to_owned()))
        };
        let bits = text.split('/').map(bit);
        bits.reduce(|all, bit| Ok(all? | bit?))
            .unwrap_or(Ok(0))
            .map(Self)
    }
}

impl fmt::Display for TcpFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = FLAGS.iter().filter(|(_, bit)| self.0 & bit != 0);
        let names: Vec<&str> = set.map(|(name, _)| *name).collect();
        f.pad(&if names.is_empty() {
            NONE.to_owned()
        } else {
            names.join("/")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_errors_list_them() {
        for (text, bits) in [
            ("SYN", 2),
            ("SYN/ACK", 0x12),
            ("FIN/PSH/URG", 0x29),
            ("none", 0),
        ] {
            let flags: TcpFlags = text.parse().unwrap();
            assert_eq!(flags.bits(), bits);
            assert_eq!(flags.to_string(), text);
        }
        for text in ["SNY", "", "syn", "SYN/", "none/SYN"] {
            let error = text.parse::<TcpFlags>().unwrap_err().to_string();
            assert!(
                error.contains("SYN, FIN, RST, PSH, URG, ECE, CWR, ACK"),
                "{error}"
            );
        }
    }
}
