//! A flow in a line, as people talk of it.

use crate::{End, Flow, Party, Side};
use abi::protocol;
use abi::{Disposition, PolicyAction};
use std::fmt;

/// `from_endpoint allowed TCP shop/web (10.0.0.1):40000 → shop/db (10.0.0.2):80; egress: no policy; ingress: allowed by
/// shop/db`, without the time.
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.hook, self.disposition)?;
        if let Some(reason) = self
            .reason
            .filter(|_| self.disposition == Disposition::Dropped)
        {
            write!(f, " ({reason})")?;
        }
        write!(
            f,
            " {} {} → {}; egress: {}; ingress: {}",
            protocol_name(self.protocol),
            self.source,
            self.destination,
            self.egress,
            self.ingress
        )
    }
}

/// `shop/web (10.0.0.1):40000`; the port only where there is one.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.party, self.address)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(pod) => write!(f, "{}", pod.name),
            Self::Node(name) => write!(f, "node/{name}"),
            Self::World => f.write_str("world"),
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self {
            Self::NotAsked => return f.write_str("not asked"),
            Self::NoPolicy => return f.write_str("no policy"),
            Self::Forgotten => return f.write_str("forgotten"),
            Self::Decided(verdict) => verdict,
        };
        f.write_str(match verdict.action {
            PolicyAction::Allow => "allowed by ",
            PolicyAction::Deny => "denied by ",
            PolicyAction::Audit => "audited by ",
        })?;
        let names: Vec<String> = verdict.policies.iter().map(ToString::to_string).collect();
        f.write_str(&names.join(", "))?;
        f.write_str(if verdict.by_default {
            ", by default"
        } else {
            ""
        })
    }
}

/// `TCP`, or `protocol 47` for a protocol without a name here.
#[must_use]
pub fn protocol_name(number: u8) -> String {
    match number {
        protocol::TCP => "TCP".to_owned(),
        protocol::UDP => "UDP".to_owned(),
        protocol::SCTP => "SCTP".to_owned(),
        protocol::ICMP => "ICMP".to_owned(),
        protocol::ICMPV6 => "ICMPv6".to_owned(),
        other => format!("protocol {other}"),
    }
}
