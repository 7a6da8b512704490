//! Ports as users write them: `80/TCP`, `53/UDP`, `icmp`.

use manifest::Protocol;
use std::fmt;
use std::str::FromStr;

/// A protocol and, unless it is ICMP, a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct PortSpec {
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// The port, host order; `None` for ICMP.
    pub(crate) port: Option<u16>,
}

impl PortSpec {
    /// ICMP echo.
    pub(crate) const ICMP: Self = Self {
        protocol: Protocol::Icmp,
        port: None,
    };

    /// Spelt out: `80/TCP`, `53/UDP`, `ICMP`.
    pub(crate) fn long(self) -> String {
        match self.port {
            Some(port) => format!("{port}/{}", self.protocol),
            None => self.protocol.to_string(),
        }
    }
}

/// `80` is TCP, as in the Kubernetes API.
impl FromStr for PortSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case(Protocol::Icmp.name()) {
            return Ok(Self::ICMP);
        }
        let (number, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
        let protocol: Protocol = protocol.parse().map_err(|error| format!("{error}"))?;
        if protocol == Protocol::Icmp {
            return Err("ICMP has no ports: write `icmp`".to_owned());
        }
        match number.parse() {
            Ok(port) if port != 0 => Ok(Self {
                protocol,
                port: Some(port),
            }),
            _ => Err(format!(
                "`{number}` is not a port: write a number from 1 to 65535 and a protocol, for example 80/TCP, 53/UDP, or `icmp`"
            )),
        }
    }
}

/// As short as it is unmistakable: `80`, `53/UDP`, `ICMP`.
impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.port, self.protocol) {
            (Some(port), Protocol::Tcp) => f.pad(&port.to_string()),
            _ => f.pad(&self.long()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let parsed = text.parse::<PortSpec>().map(|port| port.to_string());
        match (parsed, expected) {
            (Ok(shown), Ok(expected)) => assert_eq!(shown, expected),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{error}"),
            (parsed, expected) => panic!("{parsed:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn ports_are_read_and_shown_short() {
        check("80", Ok("80"));
        check("80/tcp", Ok("80"));
        check("53/UDP", Ok("53/UDP"));
        check("9/SCTP", Ok("9/SCTP"));
        check("ICMP", Ok("ICMP"));
    }

    #[test]
    fn a_bad_port_says_what_is_allowed() {
        check("80/TPC", Err("use TCP, UDP, SCTP or ICMP"));
        check("0/TCP", Err("from 1 to 65535"));
        check("65536", Err("from 1 to 65535"));
        check("http/TCP", Err("`http` is not a port"));
        check("TCP/80", Err("`80` is not a protocol"));
        check("1/icmp", Err("ICMP has no ports"));
        check("", Err("is not a port"));
    }
}
