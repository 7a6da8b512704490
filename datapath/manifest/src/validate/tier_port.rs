//! The ports of policies for the whole cluster: `ports` of v1alpha1 and `protocols` of v1alpha2.

use super::port::{port_number, protocol};
use crate::network_policy_api::{v1alpha1, v1alpha2};
use crate::report::Problem;

/// What there is to say about the ports of a rule.
#[derive(Default)]
pub(super) struct Ports {
    pub(super) problems: Vec<Problem>,
    /// The first port that is meant by its name, if there is one.
    pub(super) first_named: Option<String>,
}

/// Checks `ports` of v1alpha1 in the rule at `rule`; there may be `most`.
pub(super) fn ports(written: Option<&[v1alpha1::Port]>, rule: &str, most: usize) -> Ports {
    let mut found = Ports::default();
    let Some(written) = written else {
        return found;
    };
    found.count(written.len(), &format!("{rule}.ports"), most);
    for (index, port) in written.iter().enumerate() {
        let path = format!("{rule}.ports[{index}]");
        let fields = [
            port.port_number.is_some(),
            port.named_port.is_some(),
            port.port_range.is_some(),
        ];
        found.exactly_one(&path, &fields, "portNumber, namedPort or portRange");
        if let Some(number) = &port.port_number {
            let path = format!("{path}.portNumber");
            found.protocol(number.protocol.as_deref(), &path);
            found.number(number.port, format!("{path}.port"));
        }
        if let Some(range) = &port.port_range {
            let path = format!("{path}.portRange");
            found.protocol(range.protocol.as_deref(), &path);
            found.range(range.start, range.end, &path);
        }
        if let Some(name) = &port.named_port {
            found.name(name, format!("{path}.namedPort"));
        }
    }
    found
}

/// Checks `protocols` of v1alpha2 in the rule at `rule`; there may be `most`.
pub(super) fn protocols(written: Option<&[v1alpha2::Protocol]>, rule: &str, most: usize) -> Ports {
    let mut found = Ports::default();
    let Some(written) = written else {
        return found;
    };
    found.count(written.len(), &format!("{rule}.protocols"), most);
    for (index, item) in written.iter().enumerate() {
        let path = format!("{rule}.protocols[{index}]");
        let transports = [("tcp", &item.tcp), ("udp", &item.udp), ("sctp", &item.sctp)];
        let [tcp, udp, sctp] = transports.map(|(_, transport)| transport.is_some());
        let fields = [tcp, udp, sctp, item.destination_named_port.is_some()];
        found.exactly_one(&path, &fields, "tcp, udp, sctp or destinationNamedPort");
        for (name, transport) in transports {
            if let Some(transport) = transport {
                let path = format!("{path}.{name}");
                found.destination(transport.destination_port.as_ref(), &path);
            }
        }
        if let Some(name) = &item.destination_named_port {
            found.name(name, format!("{path}.destinationNamedPort"));
        }
    }
    found
}

impl Ports {
    fn error(&mut self, path: impl Into<String>, message: impl Into<String>, help: &str) {
        self.problems
            .push(Problem::new(message).path(path).help(help));
    }

    fn count(&mut self, count: usize, path: &str, most: usize) {
        if count == 0 {
            let help = "write at least one, or leave the list out to mean every port";
            self.error(path, "is empty", help);
        } else if count > most {
            let help = format!("at most {most} are allowed: make two rules of it");
            self.error(path, format!("has {count} entries"), &help);
        }
    }

    fn exactly_one(&mut self, path: &str, fields: &[bool], names: &str) {
        let help = format!("write exactly one of {names}");
        match fields.iter().filter(|is_set| **is_set).count() {
            1 => {}
            0 => self.error(path, "is empty", &help),
            count => self.error(
                path,
                format!("has {count} fields that exclude each other"),
                &help,
            ),
        }
    }

    fn protocol(&mut self, written: Option<&str>, path: &str) {
        if let Some(Err(problem)) = written.map(protocol) {
            self.problems.push(problem.path(format!("{path}.protocol")));
        }
    }

    fn destination(&mut self, port: Option<&v1alpha2::Port>, path: &str) {
        let Some(port) = port else {
            let help = "write destinationPort, for example {number: 80}";
            return self.error(path, "is empty", help);
        };
        let path = format!("{path}.destinationPort");
        let fields = [port.number.is_some(), port.range.is_some()];
        self.exactly_one(&path, &fields, "number or range");
        if port.number.is_some() {
            self.number(port.number, format!("{path}.number"));
        }
        if let Some(range) = &port.range {
            self.range(range.start, range.end, &format!("{path}.range"));
        }
    }

    fn number(&mut self, number: Option<i64>, path: String) -> Option<u16> {
        let Some(number) = number else {
            self.error(path, "is missing", "write a number from 1 to 65535");
            return None;
        };
        port_number(number)
            .map_err(|problem| self.problems.push(problem.path(path)))
            .ok()
    }

    fn range(&mut self, start: Option<i64>, end: Option<i64>, path: &str) {
        let first = self.number(start, format!("{path}.start"));
        let end_path = format!("{path}.end");
        let last = self.number(end, end_path.clone());
        if let (Some(first), Some(last)) = (first, last)
            && first >= last
        {
            let message = format!("{last} is not above start {first}");
            let help = "the range ends with its last port; for one port write its number";
            self.error(end_path, message, help);
        }
    }

    /// Any text may be the name of a port; what no pod serves matches nothing.
    fn name(&mut self, name: &str, path: String) {
        if name.is_empty() {
            self.error(path.clone(), "is empty", "write the name of a port");
        }
        self.first_named.get_or_insert(path);
    }
}
