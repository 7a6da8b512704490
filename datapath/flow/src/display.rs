//! A flow in a line, as people talk of it.

use crate::{End, Flow, Party, Side, VirtualEnd};
use abi::protocol;
use abi::{Disposition, PolicyAction};
use std::fmt;

/// `from_endpoint allowed TCP shop/web (10.0.0.1):40000 → shop/db (10.0.0.2):80; egress: no policy; ingress: allowed by
/// shop/db`, without the time. What went to a service names it before the backend: `→ svc/shop/db (10.96.0.1):80 → …`.
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.hook, self.disposition)?;
        if let Some(reason) = self
            .reason
            .filter(|_| self.disposition == Disposition::Dropped)
        {
            write!(f, " ({reason})")?;
        }
        write!(f, " {} {} →", protocol_name(self.protocol), self.source)?;
        match &self.frontend {
            Some(frontend) if frontend.is(&self.destination) => write!(f, " {frontend}")?,
            Some(frontend) => write!(f, " {frontend} → {}", self.destination)?,
            None => write!(f, " {}", self.destination)?,
        }
        write!(f, "; egress: {}; ingress: {}", self.egress, self.ingress)
    }
}

impl VirtualEnd {
    /// Whether no backend was chosen for what was sent there.
    fn is(&self, destination: &End) -> bool {
        (self.address, self.port) == (destination.address, destination.port)
    }
}

/// `svc/shop/web (10.96.0.1):80`; the port only where there is one.
impl fmt::Display for VirtualEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.service {
            Some(service) => write!(f, "svc/{service} ({})", self.address)?,
            None => write!(f, "svc ({})", self.address)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
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
